// SPDX-License-Identifier: Apache-2.0
// [limits]: how much of everything there may be.
#include <algorithm>
#include <bit>
#include <tuple>

#include "sections.h"
#include "values.h"
#include "viaduct/base/limits.h"

namespace viaduct::config {
namespace {

/// A rate and how much of it may come at once; by default two seconds' worth.
std::pair<std::uint64_t, std::uint64_t> read_rate(const Table& limits, const std::string& rate_key, const std::string& burst_key, std::uint64_t burst_least) {
  const auto rate = limits.number<std::uint64_t>(rate_key, {0, static_cast<std::int64_t>(base::limit_rate_max)}, 0);
  const auto burst = limits.number<std::uint64_t>(burst_key, {static_cast<std::int64_t>(burst_least), static_cast<std::int64_t>(base::limit_burst_max)},
                                                  std::max(burst_least, 2 * rate));
  if (limits.has(burst_key) && rate == 0) limits.place(burst_key).refuse("has no rate to go with", "only together with " + rate_key);
  return {rate, burst};
}

void read_abuse(const Table& limits, Limits& out) {
  std::tie(out.source_pps, out.source_burst) = read_rate(limits, "source_pps", "source_burst", 1);
  std::tie(out.strangers_pps, out.strangers_burst) = read_rate(limits, "strangers_pps", "strangers_burst", 1);
  std::tie(out.aor_pps, out.aor_burst) = read_rate(limits, "aor_pps", "aor_burst", 1);
  // Less than the longest answer, and some would never be given.
  std::tie(out.reply_bytes_per_s, out.reply_burst_bytes) = read_rate(limits, "reply_bytes_per_s", "reply_burst_bytes", base::message_bytes_max);
  out.source_bits_v4 = limits.number("source_v4_bits", {8, 32}, 32U);
  out.source_bits_v6 = limits.number("source_v6_bits", {16, 128}, 64U);
  out.answer_503 = limits.choice<bool>("over", {{"drop", false}, {"503", true}}, false);
  out.friends = prefixes(limits.items("friends", prefix_text));
}

}  // namespace

void read_limits(const Table& limits, Config& config) {
  limits.only({"ring_slots", "neighbours_max", "redirects_kept", "limit_entries", "source_pps", "source_burst", "source_v4_bits", "source_v6_bits",
               "strangers_pps", "strangers_burst", "aor_pps", "aor_burst", "reply_bytes_per_s", "reply_burst_bytes", "friends", "over"});
  config.ring_slots = limits.number<std::size_t>("ring_slots", {64, 1'048'576}, 4096);
  if (!std::has_single_bit(config.ring_slots))
    limits.place("ring_slots").refuse(std::to_string(config.ring_slots) + " is not a power of two", "a power of two, 64 to 1048576");
  config.neighbours_max = limits.number<std::size_t>("neighbours_max", {16, 1'048'576}, 4096);
  config.redirects_kept = limits.number<std::size_t>("redirects_kept", {1024, 67'108'864}, 262'144);
  config.limit_entries = limits.number<std::size_t>("limit_entries", {1024, 67'108'864}, 65'536);
  read_abuse(limits, config.limits);
}

}  // namespace viaduct::config
