// SPDX-License-Identifier: Apache-2.0
// A shard's head gives back what was put into its one word, and refuses what it has no room for.
#include "head.h"

#include <gtest/gtest.h>

namespace viaduct::assign::test {
namespace {

const Line* at(std::uint64_t address) { return reinterpret_cast<const Line*>(address); }

TEST(Head, GivesBackPlaceAndNumberOfItsLines) {
  for (const std::uint64_t address : {0x1000UL, 0x7f0000000000UL, 0x7ffffffff000UL, 0x555555555000UL})
    for (const std::uint32_t count : {2U, 8U, 6U, (1U << 30) - 2, 1U << 30}) {
      const Head head(at(address), count);
      EXPECT_EQ(head.lines(), at(address));
      EXPECT_EQ(head.lines_count(), count);
    }
}

TEST(HeadDeathTest, RefusesWhatDoesNotFit) {
  EXPECT_DEATH(Head(at(0x1040), 8), "where no head can point");
  EXPECT_DEATH(Head(at(1UL << 47), 8), "where no head can point");
  for (const std::uint32_t count : {0U, 1U, 7U, (1U << 30) + 2}) EXPECT_DEATH(Head(at(0x1000), count), "beyond its bound");
}

}  // namespace
}  // namespace viaduct::assign::test
