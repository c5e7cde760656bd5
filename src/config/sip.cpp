// SPDX-License-Identifier: Apache-2.0
// [sip], [redirect] and [proxy]: which domains are served, what answers say of us, who is redirected, and what proxied requests say of us.
#include <algorithm>

#include "sections.h"
#include "values.h"

namespace viaduct::config {
namespace {

constexpr std::size_t server_bytes_max = 64;  // an answer may exceed its request by 200 octets in all

bool is_served(const Config& config, std::string_view domain) {
  return std::find(config.domains.begin(), config.domains.end(), domain) != config.domains.end();
}

std::string served_text(const Config& config) {
  std::vector<std::string> names;
  for (const auto& domain : config.domains) names.push_back('"' + domain + '"');
  return "a domain of sip.domains: " + list_of(names);
}

void read_aliases(const Table& sip, Config& config) {
  const auto aliases = sip.child("aliases");
  for (const auto& key : aliases.keys()) {
    const auto target = aliases.required_item(key, served_text(config));
    const auto alias = host(Item{target.place, key});
    if (is_served(config, alias)) target.refuse("is itself a served domain", "a domain that is not in sip.domains");
    if (std::ranges::any_of(config.domain_aliases, [&](const auto& known) { return known.first == alias; }))
      target.refuse("is given twice, in whatever case", "each alias once");
    const auto domain = host(target);
    if (!is_served(config, domain)) target.refuse_text("is not a served domain", served_text(config));
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
  for (const auto& item : sip.items("domains", host_text)) {
    const auto domain = host(item);
    if (is_served(config, domain)) item.refuse_text("is given twice", "each domain once");
    config.domains.push_back(domain);
  }
  if (config.domains.empty()) sip.place("domains").refuse("is missing", "one or more of " + std::string{host_text});
  read_aliases(sip, config);
  const auto chosen = sip.item("default_domain", served_text(config));
  config.default_domain = chosen ? host(*chosen) : config.domains.front();
  if (!is_served(config, config.default_domain)) chosen->refuse_text("is not a served domain", served_text(config));
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
