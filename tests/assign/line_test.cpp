// SPDX-License-Identifier: Apache-2.0
// What one line tells of a client: vector code against scalar code, and the look without a branch against the one with branches.
#include <gtest/gtest.h>

#include <random>

#include "shard.h"

namespace viaduct::assign::test {
namespace {

constexpr std::uint64_t tags = 40;  // few, so that a line often has the one that is looked for, sometimes twice; more than there are marks

/// A line of clients, free places and freed ones.
void fill(Line& line, std::mt19937_64& random) {
  for (std::uint32_t i = 0; i < entries_per_line; ++i) {
    const std::uint64_t client = word::make(1 + random() % tags, static_cast<HomeIndex>(random()), random() % 4);
    const std::uint64_t kind = random() % 8;
    line.words[i].store(kind == 0 ? 0 : kind == 1 ? word::freed : client, std::memory_order_relaxed);
    line.epochs[i].store(static_cast<std::uint32_t>(random()), std::memory_order_relaxed);
  }
  line.marks.store(static_cast<std::uint32_t>(random() & random()), std::memory_order_relaxed);
}

TEST(Line, IsSearchedAtOnceAsWordByWord) {
  std::mt19937_64 random(1);
  Line line;
  unsigned met = 0;
  for (int i = 0; i < 20'000; ++i) {
    fill(line, random);
    for (std::uint64_t tag = 1; tag <= tags + 1; ++tag) {
      ASSERT_EQ(match_at_once(line, tag), match(line, tag)) << tag;
      met |= match(line, tag);
    }
  }
  EXPECT_EQ(met, (1U << entries_per_line) - 1) << "in every place";
}

TEST(Line, TellsTheSameWithoutABranch) {
  std::mt19937_64 random(2);
  Line line;
  std::array<int, 3> told{};
  for (int i = 0; i < 20'000; ++i) {
    fill(line, random);
    for (std::uint64_t tag = 1; tag <= tags + 1; ++tag) {
      const Told expected = read(line, tag);
      const Glance glance = assign::glance(line, tag);
      ++told[static_cast<std::size_t>(expected.where)];
      ASSERT_EQ(glance.is_elsewhere, expected.where != Told::Where::here);
      if (glance.is_elsewhere) continue;
      ASSERT_EQ(glance.found.home, expected.found.home);
      if (expected.found.home == no_home) continue;
      ASSERT_EQ(glance.found.pinned, expected.found.pinned);
      ASSERT_EQ(glance.found.epoch, expected.found.epoch);
    }
  }
  for (const int times : told) EXPECT_GT(times, 1000);
}

}  // namespace
}  // namespace viaduct::assign::test
