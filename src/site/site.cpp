// SPDX-License-Identifier: Apache-2.0
// What the snapshot derives from its texts; it is built by the control core.
#include "viaduct/site/site.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <utility>

#include "viaduct/sip/reply.h"

namespace viaduct::site {

void HostFilter::reserve(std::size_t names_max) { bits_.assign(std::bit_ceil(names_max + 1), 0); }

void HostFilter::add(std::string_view host) {
  const std::uint64_t h = hash(host);
  bits_[(h >> 32) & (bits_.size() - 1)] |= std::uint64_t{1} << (h & 63);
}

void Site::collect_route_hosts() {
  route_hosts.reserve(node_names.size() + homes.size() + domains.served.size() + domains.aliases.size());
  for (const std::string& name : node_names) route_hosts.add(name);
  for (const assign::Home& home : homes) route_hosts.add(home.name);
  for (const std::string& domain : domains.served) route_hosts.add(domain);
  for (const auto& [alias, domain] : domains.aliases) route_hosts.add(alias);
}

void Site::set_server_header(std::string line) {
  server_header = std::move(line);
  redirect_end = ">\r\n" + server_header + std::string(sip::reply_end);
}

namespace {

constexpr std::string_view ingress_name = ";in=";

// The parameter of a Via of ours that names the listener where the request came in.
std::size_t ingress_of(std::string_view via) {
  const std::size_t at = via.find(ingress_name);
  std::size_t index = no_listener;
  if (at == via.npos) return index;
  const char* const digits = via.data() + at + ingress_name.size();
  return std::from_chars(digits, via.data() + via.size(), index).ec == std::errc{} ? index : no_listener;
}

}  // namespace

bool Site::has_address(const base::Address& a, std::uint16_t vlan) const {
  return std::ranges::any_of(listeners, [&](const Listener& l) { return l.endpoint.address == a && l.vlan == vlan; });
}

void Site::pair_listeners() {
  std::array<std::vector<std::size_t>, 2> by_family;
  for (std::size_t i = 0; i < listeners.size(); ++i) by_family[listeners[i].endpoint.address.is_v4() ? 1 : 0].push_back(i);
  for (int family = 0; family < 2; ++family) {
    const auto &mine = by_family[family], &others = by_family[1 - family];
    for (std::size_t place = 0; place < mine.size() && !others.empty(); ++place) {
      Listener& l = listeners[mine[place]];
      l.partner = others[place < others.size() ? place : 0];
      const std::string here = std::string(ingress_name) + std::to_string(mine[place]);
      l.partner_via_prefix = "Via: SIP/2.0/UDP " + listeners[l.partner].endpoint.text() + here + ";branch=";
    }
  }
}

const Listener* Site::egress_back(const Listener& ingress, std::string_view via, const base::Address& to) const {
  if (ingress.reaches(to)) [[likely]]
    return &ingress;
  const std::size_t named = ingress_of(via);
  return named < listeners.size() && listeners[named].reaches(to) ? &listeners[named] : egress(ingress, to);
}

}  // namespace viaduct::site
