// SPDX-License-Identifier: Apache-2.0
// [watchers]: who may watch registrations beside their owner, for how long, how many, and how fast they are told.
#include "sections.h"
#include "values.h"

namespace viaduct::config {

void read_watchers(const Table& watchers, Config& config) {
  Watching& out = config.watching;
  watchers.only({"prefixes", "expires_default_s", "expires_min_s", "expires_max_s", "per_client_max", "subscriptions_max", "notifies_per_s"});
  out.prefixes = prefixes(watchers.items("prefixes", prefix_text));
  const Expiry expiry = read_expiry(watchers, 3761);  // RFC 3680 4.4
  out.expires_min_s = expiry.min_s;
  out.expires_default_s = expiry.default_s;
  out.expires_max_s = expiry.max_s;
  out.per_client_max = watchers.number<std::uint32_t>("per_client_max", {1, 10'000}, 32);
  out.subscriptions_max = watchers.number<std::size_t>("subscriptions_max", {1, 100'000'000}, 100'000);
  out.notifies_per_s = watchers.number<std::uint32_t>("notifies_per_s", {1, 1'000'000}, 5'000);
}

}  // namespace viaduct::config
