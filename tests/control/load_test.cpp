// SPDX-License-Identifier: Apache-2.0
// Counters at two moments become what homes bore between them; who is even, who is not, and against what a trend is told.
#include "viaduct/control/load.h"

#include <gtest/gtest.h>

#include <cmath>

namespace viaduct::control {
namespace {

using assign::HomeState;
using site::Kind;

site::HomeSums sums(std::uint64_t registers, std::uint64_t invites = 0) {
  site::HomeSums out;
  out.requests[std::to_underlying(Kind::register_)] = registers;
  out.requests[std::to_underlying(Kind::invite)] = invites;
  return out;
}

assign::Home home(std::string name, std::uint32_t weight = 1, HomeState state = HomeState::up) {
  assign::Home out;
  out.name = std::move(name);
  out.weight = weight;
  out.state = state;
  return out;
}

TEST(LoadWindow, HasRatesByKindAndLoadByWeight) {
  const LoadReading before{.sums = {sums(100, 10)}, .at_s = 10}, after{.sums = {sums(300, 30)}, .at_s = 20};
  const LoadWindow window = window_between(before, after, {home("a")}, {7}, {});
  EXPECT_DOUBLE_EQ(window.seconds, 10);
  const HomeLoad& h = window.homes.at(0);
  EXPECT_DOUBLE_EQ(h.messages_per_s, 22);
  EXPECT_DOUBLE_EQ(h.registers_per_s, 20);
  EXPECT_DOUBLE_EQ(h.load_per_s, 20 + 5 * 2);
  EXPECT_EQ(h.clients, 7U);
  EXPECT_DOUBLE_EQ(h.share, 1);
}

TEST(LoadWindow, SaysHowFarALoadMayBeChance) {
  const LoadWindow window = window_between({.sums = {sums(0)}, .at_s = 0}, {.sums = {sums(100, 4)}, .at_s = 10}, {home("a")}, {}, {});
  EXPECT_DOUBLE_EQ(window.homes.at(0).load_error_per_s, std::sqrt(100 + 25 * 4) / 10) << "calls weigh five times as much";
}

TEST(LoadWindow, OfAFleetIsWhatAllItsNodesHaveSeen) {
  LoadWindow window = window_between({.sums = {sums(0), sums(0)}, .at_s = 0}, {.sums = {sums(900), sums(100)}, .at_s = 10}, {home("a"), home("b")}, {5, 6}, {});
  EXPECT_DOUBLE_EQ(window.homes[0].relative, 1.8);
  const LoadWindow other =
      window_between({.sums = {sums(0), sums(0)}, .at_s = 0}, {.sums = {sums(100), sums(900)}, .at_s = 10}, {home("a"), home("b")}, {}, {});
  add({.seconds = 10, .homes = other.homes, .clients = {}}, window.homes);
  for (const HomeLoad& h : window.homes) {
    EXPECT_DOUBLE_EQ(h.load_per_s, 100);
    EXPECT_DOUBLE_EQ(h.messages_per_s, 100);
    EXPECT_DOUBLE_EQ(h.relative, 1);
    EXPECT_DOUBLE_EQ(h.share, 0.5);
    EXPECT_NEAR(h.load_error_per_s, std::sqrt(1000) / 10, 1e-9);
  }
  EXPECT_EQ(window.homes[0].clients, 5U);
}

TEST(LoadWindow, TellsWhatWasRefusedAndHowLongAnswersTook) {
  site::HomeSums before = sums(10), after = sums(20);
  before.shed = 5, after.shed = 25, after.shed_asked = 10;
  before.answer_times[3] = 100;
  after.answer_times[3] = 150;                                  // 256 us to 512 us
  after.answer_times[11] = 50;                                  // 65.5 ms to 131 ms
  const LoadWindow window = window_between({.sums = {before}, .at_s = 0}, {.sums = {after}, .at_s = 10}, {home("a")}, {}, {});
  const HomeLoad& h = window.homes.at(0);
  EXPECT_DOUBLE_EQ(h.shed_per_s, 2);
  EXPECT_DOUBLE_EQ(h.shed_asked_per_s, 1);
  EXPECT_EQ(h.timed, 100U);
  EXPECT_DOUBLE_EQ(h.answer_ms[0], 0.512) << "those of the window only";
  EXPECT_NEAR(h.answer_ms[1], 65.536 * 1.9, 0.01);
  EXPECT_NEAR(h.answer_ms[2], 65.536 * 1.98, 0.01);
}

TEST(LoadWindow, HasNoTimesWithoutAnswers) { EXPECT_EQ(answer_time_ms(std::array<std::uint64_t, site::answer_times_count>{}, 0.5), 0); }

TEST(LoadWindow, CountsAHomeThatCameMeanwhileFromNothing) {
  const LoadReading before{.sums = {sums(100)}, .at_s = 0}, after{.sums = {sums(100), sums(50)}, .at_s = 10};
  const LoadWindow window = window_between(before, after, {home("a"), home("b")}, {}, {});
  EXPECT_DOUBLE_EQ(window.homes.at(1).messages_per_s, 5);
  EXPECT_EQ(window.homes.at(1).clients, 0U);
}

TEST(LoadWindow, ComparesHomesThatAreUpByLoadOverWeight) {
  const LoadReading after{.sums = {sums(400), sums(200), sums(900)}, .at_s = 1};
  const LoadWindow window = window_between({}, after, {home("a", 1), home("b", 2), home("c", 1, HomeState::draining)}, {}, {});
  // 600 a second over a weight of 3: a bears twice the mean, b half of it. What a draining home bears makes nobody uneven.
  EXPECT_DOUBLE_EQ(window.homes[0].relative, 2);
  EXPECT_DOUBLE_EQ(window.homes[1].relative, 0.5);
  EXPECT_DOUBLE_EQ(window.homes[2].relative, 4.5);
  EXPECT_DOUBLE_EQ(window.max_over_mean, 2);
  EXPECT_DOUBLE_EQ(window.homes[2].share, 0.6);
}

TEST(LoadWindow, WithoutLoadIsEven) { EXPECT_DOUBLE_EQ(window_between({}, {.sums = {{}}, .at_s = 1}, {home("a")}, {}, {}).max_over_mean, 1); }

TEST(LoadWindow, TellsUtilisationOnlyOfASaidCapacity) {
  std::vector<assign::Home> homes = {home("a"), home("b")};
  homes[0].capacity = 200;
  const LoadWindow window = window_between({}, {.sums = {sums(100), sums(100)}, .at_s = 1}, homes, {}, {});
  EXPECT_DOUBLE_EQ(window.homes[0].utilisation, 0.5);
  EXPECT_DOUBLE_EQ(window.homes[1].utilisation, 0);
}

TEST(LoadHistory, TellsATrendAgainstTheMeanOfThreeWindows) {
  LoadHistory history;
  EXPECT_DOUBLE_EQ(history.mean(0), 0);
  std::uint64_t total = 0;
  LoadReading before;
  for (const std::uint64_t load : {1000, 80, 100, 120}) {   // the first one is forgotten
    LoadReading after{.sums = {sums(total += load)}, .at_s = before.at_s + 1};
    history.add(window_between(before, after, {home("a")}, {}, history));
    before = after;
  }
  EXPECT_DOUBLE_EQ(history.mean(0), 100);
  const LoadReading now{.sums = {sums(total + 150)}, .at_s = before.at_s + 1};
  EXPECT_NEAR(window_between(before, now, {home("a")}, {}, history).homes[0].trend, 0.5, 1e-9);
}

TEST(Sampling, IsOfEveryRequestWhileItIsQuietAndBoundedWhenItIsNot) {
  EXPECT_EQ(one_in(0), 1U);
  EXPECT_EQ(one_in(base::samples_per_s_max), 1U);
  EXPECT_EQ(one_in(base::samples_per_s_max + 1), 2U);
  EXPECT_EQ(one_in(1e7), 500U);
}

TEST(LoadReading, AddsUpWorkers) {
  site::Load load(3, 300);
  load.cover(600);
  for (unsigned w = 0; w < 3; ++w) load.worker(w).tallies.of(511).requests[0].add(w + 1);
  EXPECT_EQ(read_load(load, 600, 0).sums[511].requests[0], 6U);
  EXPECT_EQ(load.sums(5000).requests[0], 0U);   // not covered: nobody has counted there
}

}  // namespace
}  // namespace viaduct::control
