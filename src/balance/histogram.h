// SPDX-License-Identifier: Apache-2.0
// How many clients of which kind each home has: all that a plan knows of clients until it picks them.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "viaduct/balance/plan.h"

namespace viaduct::balance {

/// What is alike in the clients of one home: a row by flags and a class of load.
inline constexpr std::size_t classes_count = 256;
enum class Row : std::uint8_t { immovable, plain, watched };
inline constexpr std::size_t rows_count = 3;
inline constexpr std::size_t kinds_count = rows_count * classes_count;

/// The row of a client's flags.
inline constexpr std::array<Row, 4> row_of_flags{Row::plain, Row::immovable, Row::watched, Row::immovable};
inline constexpr std::uint8_t flags_known = immovable_flag | watched_flag;

inline std::size_t kind_of(Row row, LoadClass c) { return static_cast<std::size_t>(row) * classes_count + c; }
inline Row row_of(std::uint8_t flags) { return row_of_flags[flags & flags_known]; }

class Histogram {
 public:
  Histogram(const Clients& clients, std::size_t homes);
  [[nodiscard]] std::uint32_t count(HomeIndex home, Row row, LoadClass c) const { return counts_[home * kinds_count + kind_of(row, c)]; }

 private:
  std::vector<std::uint32_t> counts_;
};

}  // namespace viaduct::balance
