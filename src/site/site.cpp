// SPDX-License-Identifier: Apache-2.0
// What the snapshot derives from its texts; it is built by the control core.
#include "viaduct/site/site.h"

#include <algorithm>
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
constexpr std::size_t no_listener = ~std::size_t{0};

// The parameter of a Via of ours that names the listener where the request came in.
std::size_t ingress_of(std::string_view via) {
  const std::size_t at = via.find(ingress_name);
  std::size_t index = no_listener;
  if (at == via.npos) return index;
  const char* const digits = via.data() + at + ingress_name.size();
  return std::from_chars(digits, via.data() + via.size(), index).ec == std::errc{} ? index : no_listener;
}

}  // namespace

bool Site::has_address(const base::Address& a, base::Link link) const {
  return std::ranges::any_of(listeners, [&](const Listener& l) { return l.endpoint.address == a && l.link == link; });
}

void Site::relate_listeners() {
  crossings.clear();
  for (Listener& l : listeners) {
    l.position = static_cast<std::size_t>(std::count_if(listeners.data(), &l, [&](const Listener& before) { return before.is_beside(l); }));
    const std::string here = std::string(ingress_name) + std::to_string(number_of(l));
    for (const Listener& egress : listeners) crossings.push_back("Via: SIP/2.0/UDP " + egress.endpoint.text() + here + ";branch=");
  }
}

const Listener* Site::crossed(const Listener& ingress, const base::Address& to, base::Link by) const {
  const Listener* best = nullptr;
  int best_likeness = -1;
  for (const Listener& l : listeners) {
    const int likeness = (l.link == ingress.link ? 2 : 0) + (l.position == ingress.position ? 1 : 0);
    if (!l.reaches(to, by) || likeness <= best_likeness) continue;
    best = &l;
    best_likeness = likeness;
  }
  return best;
}

const Listener* Site::egress(const base::Address& to, base::Link by) const {
  const auto found = std::ranges::find_if(listeners, [&](const Listener& l) { return l.reaches(to, by); });
  return found != listeners.end() ? &*found : nullptr;
}

const Listener* Site::egress_back(const Listener& ingress, std::string_view via, const base::Address& to, base::Link by) const {
  const std::size_t named = listeners.size() > 1 ? ingress_of(via) : no_listener;
  return egress(named < listeners.size() && listeners[named].reaches(to, by) ? listeners[named] : ingress, to, by);
}

}  // namespace viaduct::site
