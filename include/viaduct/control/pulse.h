// SPDX-License-Identifier: Apache-2.0
// What the probes of one home have come to: alive, doubtful or dead. Pure; it sends nothing and has no clock.
#pragma once
#include <cstdint>
#include <string_view>

#include "viaduct/config/config.h"

namespace viaduct::control {

/// `unknown`: it has answered no probe yet, and nothing is concluded from its silence. `suspect`: it was up, and a probe was not answered or an ICMP error
/// came; its clients stay.
enum class Seen : std::uint8_t { unknown, up, suspect, down };
[[nodiscard]] std::string_view name(Seen s);

/// Units: milliseconds of a monotonic clock.
class Pulse {
 public:
  /// Of a home that is known to be down when it is first looked at, or not.
  Pulse(bool is_down, std::uint64_t now_ms) : changed_ms_(now_ms), seen_(is_down ? Seen::down : Seen::unknown) {}
  /// A probe was answered, in so many microseconds, as by one who is alive.
  void beat(const config::Health& rules, std::uint32_t round_trip_us, std::uint64_t now_ms);
  /// A probe was not answered in time, or by one who is out of service.
  void miss(const config::Health& rules, std::uint64_t now_ms);
  /// Somebody says that it cannot be reached. Worth a probe, no more: anybody may say it.
  void doubt(std::uint64_t now_ms);

  [[nodiscard]] Seen seen() const { return seen_; }
  /// It was up, and its last probe tells otherwise.
  [[nodiscard]] bool looks_dead() const { return seen_ == Seen::down || (seen_ == Seen::suspect && !was_beat_); }
  [[nodiscard]] std::uint32_t round_trip_us() const { return round_trip_us_; }   ///< of the last answer; 0: none
  [[nodiscard]] std::uint32_t in_a_row() const { return in_a_row_; }             ///< probes of the last outcome
  [[nodiscard]] std::uint64_t changed_ms() const { return changed_ms_; }         ///< since when it is seen so

 private:
  void count(bool is_beat);
  void become(Seen s, std::uint64_t now_ms);

  std::uint64_t changed_ms_;
  std::uint32_t round_trip_us_{};
  std::uint32_t in_a_row_{};
  bool was_beat_{};
  Seen seen_;
};

}  // namespace viaduct::control
