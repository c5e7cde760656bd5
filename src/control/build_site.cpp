// SPDX-License-Identifier: Apache-2.0
// How a configuration and the fleet's homes become the snapshot that every core reads.
#include "viaduct/control/build_site.h"

#include <sys/random.h>

#include <algorithm>
#include <iterator>

#include "viaduct/base/check.h"

namespace viaduct::control {
namespace {

using site::Listener;
using site::RedirectPolicy;
using site::Site;

// What signs the answers of a node without a fleet. The same until the process ends, so that their ACKs are known.
const base::Key128& own_key() {
  static const base::Key128 key = [] {
    base::Key128 random{};
    base::check(getrandom(random.data(), random.size(), 0) == std::ssize(random), "random octets from the system");
    return random;
  }();
  return key;
}

sip::SigningKeys signing_keys(const config::Config& c) {
  sip::SigningKeys keys;
  if (c.fleet_keys.empty()) keys.keys[0].emplace('a', own_key());
  for (std::size_t i = 0; i < c.fleet_keys.size() && i < keys.keys.size(); ++i) keys.keys[i].emplace(c.fleet_keys[i].letter, c.fleet_keys[i].key);
  return keys;
}

void set_listeners(Site& site, const config::Config& c) {
  for (const config::Listen& listen : c.listen) {
    const base::Endpoint& e = listen.endpoint;
    const std::string address = e.address.text();
    Listener l{.endpoint = e, .host = e.address.is_v4() ? address : '[' + address + ']', .via_prefix = {}, .link = listen.link};
    l.via_prefix = "Via: SIP/2.0/UDP " + e.text() + ";branch=";
    l.uri_end = '@' + e.text() + ";lr";
    site.listeners.push_back(std::move(l));
  }
  site.relate_listeners();
}

void set_names(Site& site, const config::Config& c) {
  for (const std::string& name : c.node_names) {
    const bool has_brackets = name.starts_with('[');
    const auto address = base::Address::parse(has_brackets ? std::string_view(name).substr(1, name.size() - 2) : name);
    if (!address)
      site.node_names.push_back(name);
    else if (std::ranges::none_of(site.listeners, [&](const Listener& l) { return l.endpoint.address == *address; }))
      site.node_addresses.push_back(*address);
  }
}

RedirectPolicy redirect_policy(config::Redirect redirect) {
  switch (redirect) {
    case config::Redirect::single_via:
      return RedirectPolicy::single_via;
    case config::Redirect::listed:
      return RedirectPolicy::listed;
    case config::Redirect::always:
      return RedirectPolicy::always;
    case config::Redirect::never:
      return RedirectPolicy::never;
  }
  base::fail("a redirect policy without a name");
}

site::PathPolicy path_policy(config::Path path) {
  switch (path) {
    case config::Path::always:
      return site::PathPolicy::always;
    case config::Path::supported:
      return site::PathPolicy::supported;
    case config::Path::never:
      return site::PathPolicy::never;
  }
  base::fail("a path policy without a name");
}

void set_policy(Site& site, const config::Config& c) {
  site.redirect = redirect_policy(c.redirect);
  site.redirect_status_line = c.redirect_status == 301 ? "SIP/2.0 301 Moved Permanently\r\n" : "SIP/2.0 302 Moved Temporarily\r\n";
  const auto all = [](const std::vector<base::Prefix>& prefixes) {
    const auto have = [&](const base::Prefix& whole) { return std::ranges::find(prefixes, whole) != prefixes.end(); };
    return have(base::whole_v4) && have(base::whole_v6);
  };
  site.trusted_proxies = c.trusted_proxies;
  site.trust_all_proxies = all(c.trusted_proxies);
  site.redirect_from = c.redirect_from;
  site.redirect_all_sources = all(c.redirect_from);
  site.edges = c.edges;
  site.watcher_prefixes = c.watching.prefixes;
  site.path = path_policy(c.path);
  site.record_route = c.record_route;
}

void set_limits(Site& site, const config::Config& c) {
  const config::Limits& l = c.limits;
  site.limits = {.is_any = l.source_pps + l.strangers_pps + l.aor_pps + l.reply_bytes_per_s != 0,
                 .over = l.answer_503 ? site::Over::answer_503 : site::Over::drop,
                 .source_bits_v4 = static_cast<std::uint8_t>(base::v4_prefix_bits + l.source_bits_v4),
                 .source_bits_v6 = static_cast<std::uint8_t>(l.source_bits_v6),
                 .source = site::rate(l.source_pps, l.source_burst),
                 .strangers = site::rate(l.strangers_pps, l.strangers_burst),
                 .client = site::rate(l.aor_pps, l.aor_burst),
                 .reply = site::rate(l.reply_bytes_per_s, l.reply_burst_bytes),
                 .friends = l.friends};
  // Who trusts everybody, of either IP version, has no friends by it.
  std::ranges::copy_if(c.trusted_proxies, std::back_inserter(site.limits.friends), [](const base::Prefix& p) { return !p.is_whole(); });
}

void set_texts(Site& site, const config::Config& c) {
  site.set_server_header(c.server_header.empty() ? std::string{} : "Server: " + c.server_header + "\r\n");
  for (const std::string& uri : c.service_route) site.service_route += "Service-Route: <" + uri + ">\r\n";
  site.options_headers =
      "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, REGISTER, SUBSCRIBE, NOTIFY, PUBLISH, MESSAGE, INFO, PRACK, UPDATE, REFER\r\n"
      "Allow-Events: reg\r\nAccept: application/sdp\r\nSupported: path, outbound, gruu\r\n" +
      site.server_header;
}

// A domain that the site maps to itself would be looked up for ever: config refuses it. Here only the move.
sip::Domains domains_from(const config::Config& c) {
  sip::Domains d{.served = c.domains, .aliases = c.domain_aliases, .default_domain = c.default_domain};
  if (d.default_domain.empty() && !d.served.empty()) d.default_domain = d.served.front();
  return d;
}

// What was asked of the configuration's homes when it was read is asked of those that stand as well: they may be others.
std::expected<void, std::string> check_homes(const config::Config& c, const std::vector<assign::Home>& homes) {
  for (const assign::Home& home : homes) {
    if (home.state == assign::HomeState::removed) continue;
    if (c.fleet_keys.empty()) return std::unexpected("fleet.keys: is missing, and there is the home " + home.name + "; allowed: one or two of LETTER:KEY");
    if (c.fleet_seed == base::Key128{})
      return std::unexpected("fleet.seed: is missing, and there is the home " + home.name + "; allowed: 32 hexadecimal digits, not all zero");
    if (const auto fault = config::fault_of_home(c, home.address); fault && !home.is_local)
      return std::unexpected("home " + home.name + ": \"" + home.address.text() + "\" " + std::string(fault->what) +
                             "; allowed: " + std::string(fault->allowed));
  }
  return {};
}

}  // namespace

std::expected<std::unique_ptr<const site::Site>, std::string> build_site(const config::Config& c, std::vector<assign::Home> homes, bool is_stale) {
  if (const auto good = check_homes(c, homes); !good) return std::unexpected(good.error());
  auto built = std::make_unique<Site>();
  set_listeners(*built, c);
  set_names(*built, c);
  built->homes = assign::Homes(std::move(homes));
  for (std::size_t i = 0; i < built->homes.size(); ++i)
    if (const assign::Home& h = built->homes[static_cast<assign::HomeIndex>(i)]; h.is_local && h.state != assign::HomeState::removed)
      built->local_home = static_cast<assign::HomeIndex>(i);
  built->domains = domains_from(c);
  built->collect_route_hosts();
  set_policy(*built, c);
  built->is_stale = is_stale;
  if (is_stale) built->redirect = RedirectPolicy::never;
  set_limits(*built, c);
  built->fleet_seed = c.fleet_seed;
  built->keys = signing_keys(c);
  set_texts(*built, c);
  return built;
}

}  // namespace viaduct::control
