// SPDX-License-Identifier: Apache-2.0
#include "herald.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <iterator>
#include <latch>
#include <map>
#include <utility>

namespace viaduct::migration {
namespace {

Errand errand(assign::HomeIndex home, std::uint64_t client) {
  return {.home = home, .tidings = Tidings::moved, .steps = {Step{.key = {.low = client, .high = 1}, .aor = "a@b"}}};
}

/// Homes that are told, and the calls that came back from them.
class HeraldTest : public testing::Test {
 protected:
  Expected<std::vector<sip::ClientKey>> tell(assign::HomeIndex home, std::span<const Step* const> steps) {
    {
      const std::lock_guard lock(mutex);
      EXPECT_FALSE(std::exchange(is_told_now[home], true)) << "one at a time";
      heard[home].push_back(steps.front()->key.low);
    }
    if (home != good) answers.wait();
    const std::lock_guard lock(mutex);
    is_told_now[home] = false;
    if (home == dead) return std::unexpected("it does not answer");
    return std::vector<sip::ClientKey>{};
  }
  /// Waits until so many have come back.
  std::vector<Errand> take(std::size_t count) {
    std::vector<Errand> out;
    for (;;) {
      std::vector<Errand> some = herald->take();
      std::ranges::move(some, std::back_inserter(out));
      if (out.size() >= count) return out;
      std::unique_lock lock(mutex);
      came.wait(lock, [&] { return returned != seen; });
      seen = returned;
    }
  }
  static constexpr assign::HomeIndex slow = 1, dead = 2, good = 3;

  std::mutex mutex;
  std::condition_variable came;
  std::size_t returned{}, seen{};   // calls
  std::map<assign::HomeIndex, bool> is_told_now;
  std::map<assign::HomeIndex, std::vector<std::uint64_t>> heard;
  std::latch answers{1};   // of the slow home
  std::unique_ptr<Herald> herald =
      std::make_unique<Herald>([this](assign::HomeIndex home, Tidings, std::span<const Step* const> steps) { return tell(home, steps); },
                               [this] {
                                 const std::lock_guard lock(mutex);
                                 ++returned;
                                 came.notify_all();
                               });
};

TEST_F(HeraldTest, TellsAHomeInOrder) {
  for (std::uint64_t client = 0; client < 100; ++client) herald->send(errand(good, client));
  for (const Errand& e : take(100)) EXPECT_TRUE(e.told);
  EXPECT_EQ(heard[good].size(), 100);
  EXPECT_TRUE(std::ranges::is_sorted(heard[good]));
}

TEST_F(HeraldTest, WhatWaitsBehindACallThatFailsHasFailedToo) {
  for (std::uint64_t client = 0; client < 20; ++client) herald->send(errand(dead, client));
  answers.count_down();
  for (const Errand& e : take(20)) EXPECT_FALSE(e.told);
  EXPECT_EQ(heard[dead], std::vector<std::uint64_t>{0});
  herald->send(errand(dead, 20));
  EXPECT_FALSE(take(1).front().told);
  EXPECT_EQ(heard[dead].back(), 20) << "later it is tried again";
}

TEST_F(HeraldTest, ASlowHomeHoldsUpItselfAlone) {
  for (std::uint64_t client = 0; client < 20; ++client) herald->send(errand(slow, client));
  for (std::uint64_t client = 0; client < 50; ++client) herald->send(errand(good, client));
  for (const Errand& e : take(50)) EXPECT_EQ(e.home, good);
  answers.count_down();
  EXPECT_EQ(take(20).size(), 20);
  EXPECT_TRUE(std::ranges::is_sorted(heard[slow]));
}

TEST_F(HeraldTest, EndsWithTheCallsThatAreUnderWay) {
  for (std::uint64_t client = 0; client < 20; ++client) herald->send(errand(slow, client));
  const auto is_told = [&] {
    const std::lock_guard lock(mutex);
    return is_told_now[slow];
  };
  while (!is_told()) std::this_thread::yield();
  auto ended = std::async(std::launch::async, [&] { herald.reset(); });
  answers.count_down();
  ended.get();
  EXPECT_EQ(returned, heard[slow].size());
  EXPECT_FALSE(is_told_now[slow]);
}

}  // namespace
}  // namespace viaduct::migration
