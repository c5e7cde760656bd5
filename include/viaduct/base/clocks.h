// SPDX-License-Identifier: Apache-2.0
// The clocks of everything beside the packet path: one that survives a restart, one that nobody sets, one between the two. Workers count ticks (nic/nic.h).
#pragma once
#include <chrono>
#include <cstdint>

namespace viaduct::base {

/// Seconds since 1970.
[[nodiscard]] inline std::uint64_t wall_s() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count());
}
/// Since some moment before the process began.
[[nodiscard]] inline std::uint64_t monotonic_us() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch()).count());
}
[[nodiscard]] inline std::uint64_t monotonic_ms() { return monotonic_us() / 1000; }
/// Seconds since 1970 by the clock as it was when this was first asked: whoever sets it later changes nothing here.
[[nodiscard]] inline std::uint64_t unset_wall_s() {
  static const std::uint64_t ahead_ms =
      static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count()) -
      monotonic_ms();
  return (ahead_ms + monotonic_ms()) / 1000;
}

}  // namespace viaduct::base
