// SPDX-License-Identifier: Apache-2.0
// The queue of small values: order, its bound, and two threads at its ends.
#include "viaduct/share/feed.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <thread>

namespace viaduct::share {
namespace {

TEST(Feed, KeepsItsOrderAndItsBound) {
  Feed<int> feed(3);   // rounded up to 4
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(feed.push(i));
  EXPECT_FALSE(feed.push(4));
  int value = -1;
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(feed.pop(value));
    EXPECT_EQ(value, i);
  }
  EXPECT_FALSE(feed.pop(value));
  EXPECT_TRUE(feed.push(5));
}

TEST(Feed, LosesNothingBetweenTwoThreads) {
  struct Pair {
    std::uint64_t number, again;
  };
  Feed<Pair> feed(64);
  constexpr std::uint64_t count = 200'000;
  std::thread sender([&] {
    for (std::uint64_t i = 0; i < count;)
      if (feed.push({i, ~i})) ++i;
  });
  Pair got{};
  for (std::uint64_t i = 0; i < count;) {
    if (!feed.pop(got)) continue;
    ASSERT_EQ(got.number, i);
    ASSERT_EQ(got.again, ~i);
    ++i;
  }
  sender.join();
}

}  // namespace
}  // namespace viaduct::share
