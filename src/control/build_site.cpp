// SPDX-License-Identifier: Apache-2.0
// How a configuration becomes the snapshot that every core reads.
#include "viaduct/control/build_site.h"

#include <algorithm>

namespace viaduct::control {
namespace {

using site::Listener;
using site::RedirectPolicy;
using site::Site;

// A fleet without any key still signs its own branches; config has refused that when it matters.
sip::SigningKeys signing_keys(const config::Config& c) {
  sip::SigningKeys keys;
  for (std::size_t i = 0; i < c.fleet_keys.size() && i < keys.keys.size(); ++i) keys.keys[i].emplace(c.fleet_keys[i].letter, c.fleet_keys[i].key);
  return keys;
}

assign::Home home_from(const config::Home& h) {
  assign::Home home;
  home.name = h.name;
  home.address = h.address;
  for (const base::Endpoint& e : h.public_endpoints) (e.address.is_v4() ? home.public_v4 : home.public_v6) = e;
  home.weight = h.weight;
  home.is_local = h.is_local;
  home.is_viaduct = h.is_viaduct;
  return home;
}

// Indices of homes are stored in the assignment: a known name keeps its index, and its committed state.
std::vector<assign::Home> merged_homes(const config::Config& c, const Site* previous) {
  std::vector<assign::Home> merged;
  if (previous != nullptr) {
    for (const assign::Home& old : previous->homes) {
      assign::Home kept = old;
      const auto next = std::ranges::find(c.homes, old.name, &config::Home::name);
      if (next == c.homes.end()) {
        kept.state = assign::HomeState::removed;
      } else {
        kept = home_from(*next);
        kept.state = old.state == assign::HomeState::removed ? assign::HomeState::up : old.state;
      }
      merged.push_back(std::move(kept));
    }
  }
  for (const config::Home& h : c.homes)
    if (std::ranges::find(merged, h.name, &assign::Home::name) == merged.end()) merged.push_back(home_from(h));
  return merged;
}

void set_listeners(Site& site, const config::Config& c) {
  for (const base::Endpoint& e : c.listen) {
    Listener l{.endpoint = e, .host = e.address.text(), .via_prefix = {}};
    l.via_prefix = "Via: SIP/2.0/UDP " + e.text() + ";branch=";
    site.listeners.push_back(std::move(l));
  }
}

void set_policy(Site& site, const config::Config& c) {
  site.redirect = c.redirect == config::Redirect::always ? RedirectPolicy::always : RedirectPolicy::never;
  site.redirect_status_line = c.redirect_status == 301 ? "SIP/2.0 301 Moved Permanently\r\n" : "SIP/2.0 302 Moved Temporarily\r\n";
  const auto all = [](const std::vector<base::Prefix>& prefixes) { return std::ranges::any_of(prefixes, [](const base::Prefix& p) { return p.bits == 0; }); };
  site.trusted_proxies = c.trusted_proxies;
  site.trust_all_proxies = all(c.trusted_proxies);
  site.redirect_from = c.redirect_from;
  site.redirect_all_sources = all(c.redirect_from);
  site.edges = c.edges;
}

void set_texts(Site& site, const config::Config& c) {
  site.set_server_header(c.server_header.empty() ? std::string{} : "Server: " + c.server_header + "\r\n");
  site.options_headers =
      "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, REGISTER, SUBSCRIBE, NOTIFY, PUBLISH, MESSAGE, INFO, PRACK, UPDATE, REFER\r\n"
      "Accept: application/sdp\r\nSupported: path\r\n" +
      site.server_header;
}

// A domain that the site maps to itself would be looked up for ever: config refuses it. Here only the move.
sip::Domains domains_from(const config::Config& c) {
  sip::Domains d{.served = c.domains, .aliases = c.domain_aliases, .default_domain = c.default_domain};
  if (d.default_domain.empty() && !d.served.empty()) d.default_domain = d.served.front();
  return d;
}

}  // namespace

std::expected<std::unique_ptr<const site::Site>, std::string> build_site(const config::Config& c, const site::Site* previous) {
  for (const base::Endpoint& e : c.listen)
    if (!e.address.is_v4()) return std::unexpected("node.listen: IPv6 listeners are not served yet: " + e.text());
  for (const config::Home& h : c.homes)
    if (!h.address.address.is_v4()) return std::unexpected("home.address: IPv6 homes are not served yet: " + h.name);
  auto built = std::make_unique<Site>();
  set_listeners(*built, c);
  built->node_names = c.node_names;
  built->homes = assign::Homes(merged_homes(c, previous));
  for (std::size_t i = 0; i < built->homes.size(); ++i)
    if (const assign::Home& h = built->homes[static_cast<assign::HomeIndex>(i)]; h.is_local && h.state != assign::HomeState::removed)
      built->local_home = static_cast<assign::HomeIndex>(i);
  built->domains = domains_from(c);
  set_policy(*built, c);
  built->fleet_seed = c.fleet_seed;
  built->keys = signing_keys(c);
  set_texts(*built, c);
  built->on_link = c.on_link;
  if (c.gateway) built->gateway = *c.gateway;
  return built;
}

}  // namespace viaduct::control
