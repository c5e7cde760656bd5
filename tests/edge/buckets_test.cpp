// SPDX-License-Identifier: Apache-2.0
// Token buckets: the rate, what may come at once, that nobody pays for another, and that the memory stays what it is.
#include "buckets.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace viaduct::edge {
namespace {

constexpr std::uint64_t ms = 1'000'000;
constexpr std::uint64_t second = 1000 * ms;

std::size_t taken(Buckets& buckets, std::uint64_t key, std::size_t times, const site::Rate& rate, std::uint64_t now_ns) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < times; ++i) count += buckets.take(key, 1, rate, now_ns) ? 1 : 0;
  return count;
}

TEST(Buckets, GiveWhatMayComeAtOnceAndThenTheRate) {
  Buckets buckets(64);
  const site::Rate rate = site::rate(10, 5);
  EXPECT_EQ(taken(buckets, 1, 100, rate, second), 5U);
  EXPECT_EQ(taken(buckets, 1, 100, rate, second + 99 * ms), 0U);
  EXPECT_EQ(taken(buckets, 1, 100, rate, second + 100 * ms), 1U);
  EXPECT_EQ(taken(buckets, 1, 100, rate, second + 400 * ms), 3U);
  EXPECT_EQ(taken(buckets, 1, 100, rate, 60 * second), 5U) << "a rest gives no more than at once";
}

TEST(Buckets, TakeNothingFromWhoIsRefused) {
  Buckets buckets(64);
  const site::Rate rate = site::rate(1000, 100);
  EXPECT_TRUE(buckets.take(1, 60, rate, second));
  EXPECT_FALSE(buckets.take(1, 60, rate, second));
  EXPECT_TRUE(buckets.take(1, 40, rate, second));
}

// Exactly a bucket a key, as long as the keys have room.
TEST(Buckets, AreThoseOfASlowModel) {
  std::mt19937_64 random(7);
  Buckets buckets(4096);
  const site::Rate rate = site::rate(50, 20);
  std::map<std::uint64_t, std::uint64_t> paid_ns;
  std::uint64_t now_ns = second;
  for (int i = 0; i < 200'000; ++i) {
    now_ns += random() % (2 * ms);
    const std::uint64_t key = 1 + random() % 100 * 0x9e3779b97f4a7c15U, units = 1 + random() % 3;
    const std::uint64_t after = std::max(paid_ns[key], now_ns) + units * rate.each_ns;
    const bool may = after - now_ns <= rate.capacity_ns;
    if (may) paid_ns[key] = after;
    ASSERT_EQ(buckets.take(key, units, rate, now_ns), may) << i;
  }
}

TEST(Buckets, HoldNobodyBackForWhatOthersHaveSent) {
  std::mt19937_64 random(11);
  Buckets buckets(256);
  const site::Rate rate = site::rate(10, 5);
  for (int i = 0; i < 100'000; ++i) {
    for (int each = 0; each < 5; ++each) static_cast<void>(buckets.take(random() | 1, 1, rate, second));
    if (i % 100 == 0) {
      ASSERT_TRUE(buckets.take(2 * random(), 1, rate, second)) << "a source that has sent nothing yet";
    }
  }
}

TEST(Buckets, BoundASourceAlsoWhileOthersComeAndGo) {
  std::mt19937_64 random(13);
  Buckets buckets(65'536);
  const site::Rate rate = site::rate(10, 5);
  std::size_t count = 0;
  for (std::uint64_t now_ns = second; now_ns < 11 * second; now_ns += ms) {
    for (int i = 0; i < 50; ++i) static_cast<void>(buckets.take(random(), 1, rate, now_ns));
    count += taken(buckets, 42, 10, rate, now_ns);
  }
  EXPECT_NEAR(static_cast<double>(count), 105.0, 1.0);
}

}  // namespace
}  // namespace viaduct::edge
