// SPDX-License-Identifier: Apache-2.0
// Which calls of other nodes are heard: those of the fleet's keys, of this moment, unchanged, and once.
#include "viaduct/control/seal.h"

#include <gtest/gtest.h>

#include "viaduct/base/limits.h"

namespace viaduct::control::test {
namespace {

constexpr std::uint64_t now_s = 1'764'230'400;

sip::SigningKeys keys(char first, char second = 0) {
  sip::SigningKeys out;
  out.keys[0].emplace(first, base::Key128{static_cast<std::uint8_t>(first), 2, 3});
  if (second != 0) out.keys[1].emplace(second, base::Key128{static_cast<std::uint8_t>(second), 2, 3});
  return out;
}

const Call moved{.method = "POST", .target = "/v1/moved", .body = "{}"};

/// A moment of a machine whose wall clock nobody sets.
Moment at(std::uint64_t wall_s) { return {.wall_s = wall_s, .monotonic_ms = (wall_s - now_s + 1'000'000) * 1000}; }

class Heard : public testing::Test {
 protected:
  std::optional<Unheard> refusal(const Call& call, std::string_view sealed, std::uint64_t at_s = now_s, const sip::SigningKeys& by = keys('a', 'b')) {
    const auto heard = gate.hear(call, sealed, at(at_s), by);
    return heard ? std::nullopt : std::optional(heard.error());
  }
  Gate gate{at(now_s - 100)};
};

TEST_F(Heard, AreCallsUnderEitherKeyOfTheFleet) {
  EXPECT_EQ(refusal(moved, seal(moved, now_s, keys('a'))), std::nullopt);
  EXPECT_EQ(refusal(moved, seal(moved, now_s, keys('b'))), std::nullopt) << "while keys are rotated";
  EXPECT_EQ(refusal(moved, seal(moved, now_s, keys('c'))), Unheard::forged);
  sip::SigningKeys stranger;
  stranger.keys[0].emplace('a', base::Key128{9});
  EXPECT_EQ(refusal(moved, seal(moved, now_s, stranger)), Unheard::forged);
}

TEST_F(Heard, IsNothingThatWasChanged) {
  const std::string sealed = seal(moved, now_s, keys('a'));
  EXPECT_EQ(refusal({.method = "PUT", .target = "/v1/moved", .body = "{}"}, sealed), Unheard::forged);
  EXPECT_EQ(refusal({.method = "POST", .target = "/v1/bindings", .body = "{}"}, sealed), Unheard::forged);
  EXPECT_EQ(refusal({.method = "POST", .target = "/v1/moved", .body = "{ }"}, sealed), Unheard::forged);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string other = sealed;
    other[i] = other[i] == '1' ? '2' : '1';
    EXPECT_TRUE(refusal(moved, other)) << i;
    EXPECT_TRUE(refusal(moved, sealed.substr(0, i))) << i;
  }
  EXPECT_EQ(refusal(moved, ""), Unheard::unsealed);
  EXPECT_EQ(refusal(moved, sealed), std::nullopt) << "what was refused has spent nothing";
}

TEST_F(Heard, IsEachCallOnce) {
  const std::string sealed = seal(moved, now_s, keys('a'));
  EXPECT_EQ(refusal(moved, sealed), std::nullopt);
  EXPECT_EQ(refusal(moved, sealed), Unheard::repeated);
  EXPECT_EQ(refusal(moved, sealed, now_s + base::node_call_window_s), Unheard::repeated);
  EXPECT_EQ(refusal(moved, seal(moved, now_s, keys('a'))), std::nullopt) << "the same call made again is another";
}

TEST_F(Heard, AreCallsOfThisMoment) {
  EXPECT_EQ(refusal(moved, seal(moved, now_s - base::node_call_window_s, keys('a'))), std::nullopt);
  EXPECT_EQ(refusal(moved, seal(moved, now_s + base::node_call_window_s, keys('a'))), std::nullopt);
  EXPECT_EQ(refusal(moved, seal(moved, now_s - base::node_call_window_s - 1, keys('a'))), Unheard::out_of_time);
  EXPECT_EQ(refusal(moved, seal(moved, now_s + base::node_call_window_s + 1, keys('a'))), Unheard::out_of_time);
  Gate fresh{at(now_s)};
  EXPECT_EQ(fresh.hear(moved, seal(moved, now_s - 1, keys('a')), at(now_s), keys('a')).error(), Unheard::out_of_time)
      << "it may have been heard before the start";
}

TEST_F(Heard, AreCallsOfThisMomentWhateverTheClockWasAtTheStart) {
  constexpr std::uint64_t stepped_s = 7200;
  constexpr std::uint64_t up_s = 20;
  for (const std::uint64_t then_s : {now_s - stepped_s, now_s + stepped_s}) {
    const Moment later{.wall_s = then_s, .monotonic_ms = at(now_s + up_s).monotonic_ms};
    Gate since{at(now_s)};
    EXPECT_TRUE(since.hear(moved, seal(moved, then_s, keys('a')), later, keys('a'))) << then_s;
    EXPECT_TRUE(since.hear(moved, seal(moved, then_s - up_s, keys('a')), later, keys('a'))) << then_s;
    EXPECT_FALSE(since.hear(moved, seal(moved, then_s - up_s - 1, keys('a')), later, keys('a'))) << then_s;
  }
}

TEST_F(Heard, IsForgottenInTimeThoughTheClockIsSetBack) {
  for (std::size_t i = 0; i < base::node_calls_remembered_max; ++i) ASSERT_EQ(refusal(moved, seal(moved, now_s, keys('a'))), std::nullopt);
  const Moment back{.wall_s = now_s - 7200, .monotonic_ms = at(now_s).monotonic_ms + 2000 * base::node_call_window_s + 1};
  EXPECT_TRUE(gate.hear(moved, seal(moved, back.wall_s, keys('a')), back, keys('a')));
}

TEST_F(Heard, IsAsMuchAsCanBeRememberedAndThenAgain) {
  for (std::size_t i = 0; i < base::node_calls_remembered_max; ++i) ASSERT_EQ(refusal(moved, seal(moved, now_s, keys('a'))), std::nullopt);
  EXPECT_EQ(refusal(moved, seal(moved, now_s, keys('a'))), Unheard::crowded);
  const std::uint64_t later_s = now_s + 2 * base::node_call_window_s + 1;
  EXPECT_EQ(refusal(moved, seal(moved, later_s, keys('a')), later_s), std::nullopt);
}

TEST(SealedAnswer, IsOfOneCallAndItsOctets) {
  const auto all = keys('a', 'b');
  const std::string call = seal(moved, now_s, keys('b'));
  const CallAnswer answer{.status = 200, .body = "{}"};
  const std::string sealed = seal(answer, call, all);
  EXPECT_TRUE(is_genuine(answer, sealed, call, all));
  EXPECT_FALSE(is_genuine({.status = 201, .body = "{}"}, sealed, call, all));
  EXPECT_FALSE(is_genuine({.status = 200, .body = "{ }"}, sealed, call, all));
  EXPECT_FALSE(is_genuine(answer, sealed, seal(moved, now_s, keys('b')), all)) << "another call";
  EXPECT_FALSE(is_genuine(answer, "", call, all));
  EXPECT_FALSE(is_genuine(answer, sealed, call, keys('a'))) << "a key that is not known any more";
}

}  // namespace
}  // namespace viaduct::control::test
