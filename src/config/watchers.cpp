// SPDX-License-Identifier: Apache-2.0
// [watchers]: who may watch registrations beside their owner, for how long, how many, and how fast they are told.
#include <algorithm>

#include "sections.h"
#include "values.h"

namespace viaduct::config {

void read_watchers(const Table& watchers, Config& config) {
  Watching& out = config.watching;
  watchers.only({"prefixes", "expires_default_s", "expires_min_s", "expires_max_s", "per_client_max", "subscriptions_max", "notifies_per_s"});
  out.prefixes = prefixes(watchers.items("prefixes", prefix_text));
  // RFC 6665 4.2.1.1: an hour or more may not be refused as too brief.
  out.expires_min_s = watchers.number<std::uint32_t>("expires_min_s", {1, 3600}, 60);
  out.expires_max_s = watchers.number<std::uint32_t>("expires_max_s", {1, 2'592'000}, 7200);
  const auto middle = std::max(out.expires_min_s, std::min(3761U, out.expires_max_s));
  out.expires_default_s = watchers.number<std::uint32_t>("expires_default_s", {1, 2'592'000}, middle);
  out.per_client_max = watchers.number<std::uint32_t>("per_client_max", {1, 10'000}, 32);
  out.subscriptions_max = watchers.number<std::size_t>("subscriptions_max", {1, 100'000'000}, 100'000);
  out.notifies_per_s = watchers.number<std::uint32_t>("notifies_per_s", {1, 1'000'000}, 5'000);
  const std::string order = "expires_min_s <= expires_default_s <= expires_max_s (" + std::to_string(out.expires_min_s) + ", " +
                            std::to_string(out.expires_default_s) + ", " + std::to_string(out.expires_max_s) + ')';
  if (out.expires_min_s > out.expires_max_s) watchers.place("expires_min_s").refuse("is above expires_max_s", order);
  if (out.expires_default_s < out.expires_min_s) watchers.place("expires_default_s").refuse("is below expires_min_s", order);
  if (out.expires_default_s > out.expires_max_s) watchers.place("expires_default_s").refuse("is above expires_max_s", order);
}

}  // namespace viaduct::config
