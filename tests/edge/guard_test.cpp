// SPDX-License-Identifier: Apache-2.0
// The redirect guard: by transaction, for 32 seconds, bounded.
#include "guard.h"

#include <gtest/gtest.h>

#include "viaduct/base/limits.h"

namespace viaduct::edge {
namespace {

constexpr base::Hash128 alice{.low = 0x1111, .high = 0x2222};

TEST(Guard, AdmitsARetransmissionAsOftenAsItComes) {
  Guard guard(64);
  const auto key = Guard::key(alice, {1, 7});
  for (std::uint32_t ms = 1000; ms < 5000; ms += 500) EXPECT_TRUE(guard.admits(key, ms));
}

TEST(Guard, RefusesTheSameCallIdWithAnotherTransactionForThirtyTwoSeconds) {
  Guard guard(64);
  EXPECT_TRUE(guard.admits(Guard::key(alice, {1, 7}), 1000));
  EXPECT_FALSE(guard.admits(Guard::key(alice, {1, 8}), 1000 + base::redirect_guard_ms - 1));
  EXPECT_TRUE(guard.admits(Guard::key(alice, {1, 8}), 1001 + base::redirect_guard_ms));
}

TEST(Guard, RefusesItWithinTheSameMillisecondToo) {
  for (const std::uint32_t ms : {1000U, 1001U}) {
    Guard guard(64);
    EXPECT_TRUE(guard.admits(Guard::key(alice, {1, 7}), ms));
    EXPECT_FALSE(guard.admits(Guard::key(alice, {1, 8}), ms));
  }
}

TEST(Guard, AdmitsAnotherCallIdAndAnotherClient) {
  Guard guard(64);
  EXPECT_TRUE(guard.admits(Guard::key(alice, {1, 7}), 1000));
  EXPECT_TRUE(guard.admits(Guard::key(alice, {2, 8}), 1000));
  EXPECT_TRUE(guard.admits(Guard::key({.low = 0x3333, .high = 0x2222}, {1, 8}), 1000));
}

TEST(Guard, CountsOnWhenTheClockWrapsRound) {
  Guard guard(64);
  EXPECT_TRUE(guard.admits(Guard::key(alice, {1, 7}), 0xffff'f000U));
  EXPECT_FALSE(guard.admits(Guard::key(alice, {1, 8}), 0x0000'0800U));
}

TEST(Guard, ForgetsTheOldestWhenFull) {
  Guard guard(4);  // one set
  for (std::uint64_t i = 0; i < 5; ++i) EXPECT_TRUE(guard.admits(Guard::key({.low = i, .high = 0}, {1, 1}), 1000 + 10 * static_cast<std::uint32_t>(i)));
  EXPECT_FALSE(guard.admits(Guard::key({.low = 4, .high = 0}, {1, 2}), 1100)) << "the newest is remembered";
  EXPECT_TRUE(guard.admits(Guard::key({.low = 0, .high = 0}, {1, 2}), 1100)) << "the oldest is forgotten";
}

}  // namespace
}  // namespace viaduct::edge
