// SPDX-License-Identifier: Apache-2.0
// How long what clients ask for may last: the same three keys for bindings and for subscriptions.
#include <algorithm>

#include "values.h"

namespace viaduct::config {

Expiry read_expiry(const Table& table, std::uint32_t usual_s) {
  constexpr std::int64_t longest_s = 2'592'000;  // 30 days: longer, a binding outlives every address it could name
  Expiry out;
  // RFC 3261 10.3 step 7, RFC 6665 4.2.1.1: an expiry of an hour or more may not be refused as too brief.
  out.min_s = table.number<std::uint32_t>("expires_min_s", {1, 3600}, 60);
  out.max_s = table.number<std::uint32_t>("expires_max_s", {1, longest_s}, 7200);
  // Not given, it is brought between the two others, so that one of them can be set alone.
  const auto middle = std::max(out.min_s, std::min(usual_s, out.max_s));
  out.default_s = table.number<std::uint32_t>("expires_default_s", {1, longest_s}, middle);
  const std::string order = "expires_min_s <= expires_default_s <= expires_max_s (" + std::to_string(out.min_s) + ", " + std::to_string(out.default_s) + ", " +
                            std::to_string(out.max_s) + ')';
  if (out.min_s > out.max_s) table.place("expires_min_s").refuse("is above expires_max_s", order);
  if (out.default_s < out.min_s) table.place("expires_default_s").refuse("is below expires_min_s", order);
  if (out.default_s > out.max_s) table.place("expires_default_s").refuse("is above expires_max_s", order);
  return out;
}

}  // namespace viaduct::config
