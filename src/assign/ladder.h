// SPDX-License-Identifier: Apache-2.0
// How large a shard is made: rungs half as large again, staggered over the shards, so that a growing table grows one shard at a time.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "entry.h"
#include "region.h"
#include "viaduct/base/check.h"

namespace viaduct::assign {

/// Load at which a shard must grow, in 1,000ths of its entries: above it the walks become long (see lines_per_find_max).
inline constexpr std::size_t load_full_per_mille = 680;
/// Load that a new shard has at most: room for some clients more, or it would have to be made anew at once.
inline constexpr std::size_t load_new_per_mille = 677;
inline constexpr double growth_factor = 1.5;
inline constexpr std::size_t shard_bytes_first = 4096;
inline constexpr std::uint32_t shard_lines_max = std::uint32_t{1} << 30;

/// The nearest size that memory comes in: whole huge pages from half of one on. A large region may end with small pages: were it rounded, shards would grow
/// in crowds.
[[nodiscard]] inline std::size_t nearest_region(double bytes) {
  const double pages = bytes / static_cast<double>(huge_page_bytes);
  if (pages < 0.5 || pages >= region_huge_pages_whole) return region_bytes(static_cast<std::size_t>(bytes));
  return static_cast<std::size_t>(std::lround(pages)) * huge_page_bytes;
}

/// The lines of shard `index` of `shards_count` for so many clients. Over the shards 1/load is spread evenly on a logarithmic scale between 1/0.68 and
/// 1.5/0.68, however many clients there are: 23.2 octets of lines a client, the mean of 12.8 octets/load.
[[nodiscard]] inline std::uint32_t lines_for(std::size_t clients, std::uint32_t index, std::uint32_t shards_count) {
  double bytes = shard_bytes_first * std::pow(growth_factor, static_cast<double>(index) / shards_count);
  while (clients * 1000 > nearest_region(bytes) / sizeof(Line) * entries_per_line * load_new_per_mille) bytes *= growth_factor;
  const std::size_t lines = nearest_region(bytes) / sizeof(Line);
  base::check(lines <= shard_lines_max, "a shard of the assignment table beyond its bound");
  return static_cast<std::uint32_t>(lines);
}

}  // namespace viaduct::assign
