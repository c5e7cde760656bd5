// SPDX-License-Identifier: Apache-2.0
// [sip], [redirect] and [proxy]: which domains are served, what answers say of us, who is redirected, and what proxied requests say of us.
#include <algorithm>
#include <unordered_set>

#include "sections.h"
#include "values.h"

namespace viaduct::config {
namespace {

constexpr std::size_t server_bytes_max = 64;  // an answer may exceed its request by 200 octets in all

// Also of aliases. A message's domain is compared with them one after the other: beyond, that alone takes more than all the rest.
constexpr std::size_t domains_max = 16'384;

using Names = std::unordered_set<std::string>;

std::string served_text(const Config& config) {
  constexpr std::size_t named_max = 16;
  if (config.domains.size() > named_max) return "a domain of sip.domains";
  std::vector<std::string> names;
  for (const auto& domain : config.domains) names.push_back('"' + domain + '"');
  return "a domain of sip.domains: " + list_of(names);
}

/// Refuse what is more than there may be.
void check_count(std::size_t count, const Place& place) {
  if (count > domains_max) place.refuse(std::to_string(count) + " are too many", "up to " + std::to_string(domains_max));
}

Names read_domains(const Table& sip, Config& config) {
  const auto items = sip.items("domains", host_text);
  check_count(items.size(), sip.place("domains"));
  Names served;
  for (const auto& item : items) {
    const auto domain = host(item);
    if (!served.insert(domain).second) item.refuse_text("is given twice", "each domain once");
    config.domains.push_back(domain);
  }
  if (config.domains.empty()) sip.place("domains").refuse("is missing", "one or more of " + std::string{host_text});
  return served;
}

void read_aliases(const Table& sip, const Names& served, Config& config) {
  const auto aliases = sip.child("aliases");
  const auto keys = aliases.keys();
  check_count(keys.size(), sip.place("aliases"));
  const std::string allowed = served_text(config);
  Names known;
  for (const auto& key : keys) {
    const auto target = aliases.required_item(key, allowed);
    const auto alias = host(Item{target.place, key});
    if (served.contains(alias)) target.refuse("is itself a served domain", "a domain that is not in sip.domains");
    if (!known.insert(alias).second) target.refuse("is given twice, in whatever case", "each alias once");
    const auto domain = host(target);
    if (!served.contains(domain)) target.refuse_text("is not a served domain", allowed);
    config.domain_aliases.emplace_back(alias, domain);
  }
}

void read_server(const Table& sip, Config& config) {
  const std::string allowed = "up to " + std::to_string(server_bytes_max) + " printable ASCII characters, or \"\" for no Server header";
  const auto server = sip.item("server", allowed);
  config.server_header = server ? server->text : "Viaduct";
  const bool is_printable = std::all_of(config.server_header.begin(), config.server_header.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (!is_printable || config.server_header.size() > server_bytes_max) server->refuse("cannot stand in a header", allowed);
}

}  // namespace

void read_sip(const Table& sip, Config& config) {
  sip.only({"domains", "aliases", "default_domain", "server"});
  const Names served = read_domains(sip, config);
  read_aliases(sip, served, config);
  const auto chosen = sip.item("default_domain", served_text(config));
  config.default_domain = chosen ? host(*chosen) : config.domains.front();
  if (!served.contains(config.default_domain)) chosen->refuse_text("is not a served domain", served_text(config));
  read_server(sip, config);
}

void read_redirect(const Table& redirect, Config& config) {
  redirect.only({"policy", "status", "trusted_proxies", "from"});
  config.redirect = redirect.choice<Redirect>(
      "policy", {{"single-via", Redirect::single_via}, {"listed", Redirect::listed}, {"always", Redirect::always}, {"never", Redirect::never}},
      Redirect::single_via);
  config.redirect_status = redirect.number<std::uint16_t>("status", {301, 302}, 302);
  config.trusted_proxies = prefixes(redirect.items("trusted_proxies", prefix_text));
  if (!redirect.has("trusted_proxies")) config.trusted_proxies = any_address();
  config.redirect_from = prefixes(redirect.items("from", prefix_text));
  if (!redirect.has("from")) config.redirect_from = any_address();
}

void read_proxy(const Table& proxy, Config& config) {
  proxy.only({"path", "record_route"});
  config.path = proxy.choice<Path>("path", {{"always", Path::always}, {"supported", Path::supported}, {"never", Path::never}}, Path::always);
  config.record_route = proxy.flag("record_route", true);
}

}  // namespace viaduct::config
