// SPDX-License-Identifier: Apache-2.0
// The two clocks of a move: one that survives a restart, one that nobody sets.
#pragma once
#include <chrono>
#include <cstdint>

namespace viaduct::migration {

/// Seconds since 1970.
[[nodiscard]] inline std::uint64_t wall_s() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count());
}
[[nodiscard]] inline std::uint64_t monotonic_ms() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count());
}

}  // namespace viaduct::migration
