// SPDX-License-Identifier: Apache-2.0
// Sources remembered by all workers: until their time, the latest of a full set, and by many threads at once.
#include "viaduct/site/welcome.h"

#include <gtest/gtest.h>

#include <random>
#include <thread>
#include <vector>

namespace viaduct::site {
namespace {

constexpr base::Key128 secret{1, 2};
constexpr std::uint64_t high = std::uint64_t{1} << 32;
constexpr std::size_t entries = 1024;
constexpr std::uint64_t set_mask = entries / 8 - 1;

TEST(Welcome, LastsUntilItsTime) {
  Welcome welcome(64, secret);
  welcome.keep(7 * high, 10);
  EXPECT_TRUE(welcome.keeps(7 * high, 9));
  EXPECT_FALSE(welcome.keeps(7 * high, 10));
  EXPECT_FALSE(welcome.keeps(8 * high, 9));
  welcome.keep(7 * high, 20);
  EXPECT_TRUE(welcome.keeps(7 * high, 19));
  EXPECT_FALSE(welcome.keeps(0, 0)) << "an empty place is nobody's";
}

TEST(Welcome, IsLostFirstByWhomItEndsForFirst) {
  Welcome welcome(8, secret);   // one set
  for (std::uint32_t i = 1; i <= 8; ++i) welcome.keep(i * high, 100 + i);
  welcome.keep(5 * high, 200);
  welcome.keep(9 * high, 300);
  for (std::uint32_t i = 1; i <= 9; ++i) EXPECT_EQ(welcome.keeps(i * high, 100), i != 1) << i;
}

TEST(Welcome, IsKeptAndReadByManyThreadsAtOnce) {
  Welcome welcome(entries, secret);
  std::vector<std::jthread> threads;
  for (std::uint64_t thread = 0; thread < 4; ++thread)
    threads.emplace_back([&welcome, thread] {
      std::mt19937_64 random{thread};
      for (int i = 0; i < 20'000; ++i) {
        const std::uint64_t key = (random() | high) & ~set_mask;
        welcome.keep(key, 100);   // in the set of all
        EXPECT_FALSE(welcome.keeps(key, 100));
        welcome.keep(key | (1 + thread), 100);   // in its own, where nobody takes its place
        EXPECT_TRUE(welcome.keeps(key | (1 + thread), 99));
      }
    });
  threads.clear();
  welcome.keep(3 * high, 100);
  EXPECT_TRUE(welcome.keeps(3 * high, 99));
}

}  // namespace
}  // namespace viaduct::site
