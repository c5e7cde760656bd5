// SPDX-License-Identifier: Apache-2.0
// The two clocks of everything beside the packet path: one that survives a restart, one that nobody sets. Workers count ticks (nic/nic.h).
#pragma once
#include <chrono>
#include <cstdint>

namespace viaduct::base {

/// Seconds since 1970.
[[nodiscard]] inline std::uint64_t wall_s() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count());
}
/// Since some moment before the process began.
[[nodiscard]] inline std::uint64_t monotonic_ms() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count());
}

}  // namespace viaduct::base
