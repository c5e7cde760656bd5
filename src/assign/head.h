// SPDX-License-Identifier: Apache-2.0
// Where a shard's lines are and how many: one word, which readers load whole.
#pragma once
#include <atomic>
#include <cstdint>

#include "entry.h"
#include "viaduct/base/check.h"

namespace viaduct::assign {

/// Lines begin on a page and below 2^47 (x86-64 without an asked-for higher address), so 35 bits say where; they are 2^29 pairs at most.
/// The heads of all shards stand side by side: a reader on his way to a line meets no further memory that may be far.
class Head {
 public:
  Head() = default;
  /// Shape: lines_count is even, 2 to 2^30.
  Head(const Line* lines, std::uint32_t lines_count) {
    const auto address = reinterpret_cast<std::uintptr_t>(lines);
    base::check(address % page_bytes == 0 && address >> address_bits == 0, "lines of the assignment table where no head can point");
    base::check(lines_count % 2 == 0 && lines_count >= 2 && lines_count / 2 - 1 <= pairs_mask, "a shard of the assignment table beyond its bound");
    word_ = address / page_bytes << pairs_bits | (lines_count / 2 - 1);
  }
  [[nodiscard]] const Line* lines() const { return reinterpret_cast<const Line*>((word_ >> pairs_bits) * page_bytes); }
  [[nodiscard]] std::uint32_t lines_count() const { return (static_cast<std::uint32_t>(word_ & pairs_mask) + 1) * 2; }

 private:
  static constexpr unsigned address_bits = 47;
  static constexpr std::uint64_t page_bytes = 4096;
  static constexpr unsigned pairs_bits = 29;
  static constexpr std::uint64_t pairs_mask = (std::uint64_t{1} << pairs_bits) - 1;
  static_assert(address_bits - 12 + pairs_bits == 64);

  std::uint64_t word_{};
};
static_assert(std::atomic<Head>::is_always_lock_free);

}  // namespace viaduct::assign
