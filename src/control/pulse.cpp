// SPDX-License-Identifier: Apache-2.0
#include "viaduct/control/pulse.h"

#include <array>
#include <utility>

namespace viaduct::control {

std::string_view name(Seen s) {
  constexpr std::array<std::string_view, 4> names = {"unknown", "up", "suspect", "down"};
  return names[std::to_underlying(s)];
}

void Pulse::count(bool is_beat) { in_a_row_ = std::exchange(was_beat_, is_beat) == is_beat ? in_a_row_ + 1 : 1; }

void Pulse::become(Seen s, std::uint64_t now_ms) {
  if (std::exchange(seen_, s) != s) changed_ms_ = now_ms;
}

void Pulse::beat(const config::Health& rules, std::uint32_t round_trip_us, std::uint64_t now_ms) {
  count(true);
  round_trip_us_ = round_trip_us;
  // Who was down must show that it lasts; who was not is believed.
  if (seen_ != Seen::down || in_a_row_ >= rules.up_after) become(Seen::up, now_ms);
}

void Pulse::miss(const config::Health& rules, std::uint64_t now_ms) {
  count(false);
  if (seen_ == Seen::unknown || seen_ == Seen::down) return;
  become(in_a_row_ >= rules.down_after ? Seen::down : Seen::suspect, now_ms);
}

void Pulse::doubt(std::uint64_t now_ms) {
  if (seen_ == Seen::up) become(Seen::suspect, now_ms);
}

}  // namespace viaduct::control
