// SPDX-License-Identifier: Apache-2.0
// Look-ups on the snapshot; it is built by the control core.
#include "viaduct/site/site.h"

#include <algorithm>

namespace viaduct::site {

bool any_contains(const std::vector<base::Prefix>& prefixes, const base::Address& a) {
  return std::ranges::any_of(prefixes, [&](const base::Prefix& p) { return p.contains(a); });
}

base::Address Site::next_hop(const base::Address& destination) const { return any_contains(on_link, destination) ? destination : gateway; }

}  // namespace viaduct::site
