// SPDX-License-Identifier: Apache-2.0
// Look-ups on the snapshot; it is built by the control core.
#include "viaduct/site/site.h"

#include <algorithm>
#include <utility>

#include "viaduct/sip/reply.h"

namespace viaduct::site {

bool any_contains(const std::vector<base::Prefix>& prefixes, const base::Address& a) {
  return std::ranges::any_of(prefixes, [&](const base::Prefix& p) { return p.contains(a); });
}

void Site::set_server_header(std::string line) {
  server_header = std::move(line);
  redirect_end = ">\r\n" + server_header + std::string(sip::reply_end);
}

base::Address Site::next_hop(const base::Address& destination) const { return any_contains(on_link, destination) ? destination : gateway; }

}  // namespace viaduct::site
