// SPDX-License-Identifier: Apache-2.0
// Hosts of URIs, compared with what the site says of itself and its homes.
#include "hosts.h"

#include <algorithm>
#include <array>

#include "viaduct/base/limits.h"

namespace viaduct::edge {

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower_case(x) == lower_case(y); });
}

std::optional<base::Address> host_address(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return base::Address::parse(host);
}

// RFC 1034 3.1: a name may end with the dot of the root.
static std::string_view without_root(std::string_view name) { return name.substr(0, name.size() - (name.ends_with('.') ? 1 : 0)); }

static bool is_named(const site::Site& site, const base::Address& a) { return std::ranges::find(site.node_addresses, a) != site.node_addresses.end(); }

bool is_here(const site::Site& site, std::string_view host) {
  if (const auto a = host_address(host))
    return is_named(site, *a) || std::ranges::any_of(site.listeners, [&](const site::Listener& l) { return l.endpoint.address == *a; });
  return std::ranges::any_of(site.node_names, [&](const std::string& n) { return equal_ignoring_case(n, without_root(host)); });
}

bool is_here_with_port(const site::Site& site, const sip::Uri& uri) {
  const auto a = host_address(uri.host);
  if (a && !is_named(site, *a)) return site.listener({.address = *a, .port = port_or_default(uri.port)}) != nullptr;
  if (!a && !is_here(site, uri.host)) return false;
  // RFC 3263 4.2: without a port SRV records say it, or a NAT.
  return uri.port == 0 || std::ranges::any_of(site.listeners, [&](const site::Listener& l) { return l.endpoint.port == uri.port; });
}

bool is_served(const site::Site& site, std::string_view host) {
  if (sip::serves(site.domains, host)) return true;
  const auto a = host.starts_with('[') ? host_address(host) : std::nullopt;
  if (!a || a->is_v4()) return false;
  std::array<char, base::address_text_bytes_max + 3> canonical{'['};
  const std::size_t bytes = a->print(std::span(canonical).subspan(1));
  canonical[1 + bytes] = ']';
  return sip::serves(site.domains, {canonical.data(), bytes + 2});
}

static assign::HomeIndex named_home(const assign::Homes& homes, std::string_view name) {
  name = without_root(name);
  std::array<char, base::home_name_bytes_max> lower;
  if (name.size() > lower.size()) return assign::no_home;
  std::ranges::transform(name, lower.begin(), lower_case);
  const assign::HomeIndex home = homes.find(std::string_view{lower.data(), name.size()});
  return home != assign::no_home && homes.brief(home).state != assign::HomeState::removed ? home : assign::no_home;
}

bool is_home(const site::Site& site, std::string_view host) {
  const auto a = host_address(host);
  return a ? site.homes.is_home_host(*a) : named_home(site.homes, host) != assign::no_home;
}

assign::HomeIndex home_of(const site::Site& site, const sip::Uri& uri) {
  const auto a = host_address(uri.host);
  const assign::HomeIndex home = a ? site.homes.find(base::Endpoint{.address = *a, .port = port_or_default(uri.port)}) : named_home(site.homes, uri.host);
  return home != assign::no_home && site.homes.brief(home).is_local ? assign::no_home : home;
}

}  // namespace viaduct::edge
