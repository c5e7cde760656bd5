// SPDX-License-Identifier: Apache-2.0
// [registrar] and [limits]: how long bindings last, and how much of everything there may be.
#include <algorithm>
#include <bit>

#include "sections.h"

namespace viaduct::config {
namespace {

constexpr std::int64_t expires_s_max = 2'592'000;  // 30 days: longer, a binding outlives every address it could name

}  // namespace

void read_registrar(const Table& registrar, Config& config) {
  registrar.only({"expires_default_s", "expires_min_s", "expires_max_s", "bindings_per_aor_max", "bindings_max"});
  // RFC 3261 10.3 step 7: an expiry of an hour or more may not be refused as too brief.
  config.expires_min_s = registrar.number<std::uint32_t>("expires_min_s", {1, 3600}, 60);
  config.expires_max_s = registrar.number<std::uint32_t>("expires_max_s", {1, expires_s_max}, 7200);
  // Not given, it is brought between the two others, so that one of them can be set alone.
  const auto middle = std::max(config.expires_min_s, std::min(3600U, config.expires_max_s));
  config.expires_default_s = registrar.number<std::uint32_t>("expires_default_s", {1, expires_s_max}, middle);
  config.bindings_per_aor_max = registrar.number<std::uint32_t>("bindings_per_aor_max", {1, 64}, 10);
  config.bindings_max = registrar.number<std::size_t>("bindings_max", {1, 100'000'000}, 1'000'000);
  const std::string order = "expires_min_s <= expires_default_s <= expires_max_s (" + std::to_string(config.expires_min_s) + ", " +
                            std::to_string(config.expires_default_s) + ", " + std::to_string(config.expires_max_s) + ')';
  if (config.expires_min_s > config.expires_max_s) registrar.place("expires_min_s").refuse("is above expires_max_s", order);
  if (config.expires_default_s < config.expires_min_s) registrar.place("expires_default_s").refuse("is below expires_min_s", order);
  if (config.expires_default_s > config.expires_max_s) registrar.place("expires_default_s").refuse("is above expires_max_s", order);
}

void read_limits(const Table& limits, Config& config) {
  limits.only({"ring_slots", "neighbours_max", "redirects_kept"});
  config.ring_slots = limits.number<std::size_t>("ring_slots", {64, 1'048'576}, 4096);
  if (!std::has_single_bit(config.ring_slots))
    limits.place("ring_slots").refuse(std::to_string(config.ring_slots) + " is not a power of two", "a power of two, 64 to 1048576");
  config.neighbours_max = limits.number<std::size_t>("neighbours_max", {16, 1'048'576}, 4096);
  config.redirects_kept = limits.number<std::size_t>("redirects_kept", {1024, 67'108'864}, 262'144);
}

}  // namespace viaduct::config
