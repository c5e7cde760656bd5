// SPDX-License-Identifier: Apache-2.0
// Where a region's memory comes from, on a machine with reserved huge pages and on one without.
#include "region.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace viaduct::assign::test {
namespace {

std::size_t reserved_pages_free() {
  std::ifstream meminfo("/proc/meminfo");
  for (std::string line; std::getline(meminfo, line);)
    if (line.starts_with("HugePages_Free:")) return std::stoul(line.substr(15));
  return 0;
}

TEST(Region, IsWrittenAndReadFromEndToEnd) {
  for (const std::size_t bytes : {std::size_t{1}, huge_page_bytes, 5 * huge_page_bytes + 12'345}) {
    const RegionArray<std::uint8_t> octets(bytes);
    std::ranges::fill(octets, 0xa5);
    EXPECT_EQ(std::ranges::count(octets, 0xa5), static_cast<std::ptrdiff_t>(bytes));
  }
}

TEST(Region, EndsWithSmallPagesWhenItIsLarge) {
  EXPECT_EQ(Region(1).bytes(), 4096u);
  EXPECT_EQ(Region(huge_page_bytes / 2).bytes(), huge_page_bytes);
  EXPECT_EQ(Region(3 * huge_page_bytes + 1).bytes(), 4 * huge_page_bytes);
  EXPECT_EQ(Region(4 * huge_page_bytes + 1).bytes(), 4 * huge_page_bytes + 4096);
}

TEST(Region, TakesReservedHugePagesWhereThereAreEnough) {
  const std::size_t free_pages = reserved_pages_free();
  const Region five(5 * huge_page_bytes + 1);
  EXPECT_EQ(five.bytes_reserved(), free_pages >= 5 ? 5 * huge_page_bytes : 0);
  EXPECT_EQ(Region(4096).bytes_reserved(), 0u);
}

}  // namespace
}  // namespace viaduct::assign::test
