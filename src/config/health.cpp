// SPDX-License-Identifier: Apache-2.0
// [health]: how often homes are asked whether they are alive, what is concluded from it, and how their clients go back.
#include <algorithm>

#include "sections.h"

namespace viaduct::config {

void read_health(const Table& health, Config& config) {
  Health& out = config.health;
  health.only({"enabled", "interval_ms", "timeout_ms", "down_after", "up_after", "slow_start_s"});
  out.is_enabled = health.flag("enabled", out.is_enabled);
  out.interval_ms = health.number<std::uint32_t>("interval_ms", {100, 3'600'000}, out.interval_ms);
  out.timeout_ms = health.number<std::uint32_t>("timeout_ms", {50, 60'000}, std::min(out.timeout_ms, out.interval_ms));
  if (out.timeout_ms > out.interval_ms) health.place("timeout_ms").refuse("is longer than interval_ms", "at most interval_ms");
  out.down_after = health.number<std::uint32_t>("down_after", {1, 100}, out.down_after);
  out.up_after = health.number<std::uint32_t>("up_after", {1, 100}, out.up_after);
  out.slow_start_s = health.number<std::uint32_t>("slow_start_s", {0, 3'600}, out.slow_start_s);
}

}  // namespace viaduct::config
