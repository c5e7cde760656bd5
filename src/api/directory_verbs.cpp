// SPDX-License-Identifier: Apache-2.0
// What the directory says: to its operator, and by HTTP to clients and to those who provision them.
#include "answers.h"
#include "viaduct/base/clocks.h"

namespace viaduct::api {
namespace {

using nlohmann::json;

json edge_json(const control::EdgeView& e) {
  json out = {{"name", e.name},
              {"own", e.is_own},
              {"state", directory::name(e.standing.state)},
              {"busy_ratio", e.busy_ratio ? json(*e.busy_ratio) : json()},
              {"offered", e.offer.is_made},
              {"priority", e.offer.priority},
              {"weight", e.offer.weight}};
  if (e.pulse) {
    out["seen"] = control::name(e.pulse->pulse.seen());
    out["for_s"] = (base::monotonic_ms() - e.pulse->pulse.changed_ms()) / 1000;
    if (e.pulse->pulse.round_trip_us() != 0) out["round_trip_us"] = e.pulse->pulse.round_trip_us();
  }
  if (!e.why_unknown.empty()) out["error"] = e.why_unknown;
  return out;
}

json addresses_of(const directory::Edge& edge) {
  json out = json::array();
  for (const base::Address& a : edge.addresses) out.push_back(a.text());
  return out;
}

/// Where clients of a home register.
json uris_of(const assign::Home& home) {
  json out = json::array();
  for (const auto& at : {home.public_v4, home.public_v6})
    if (at) out.push_back("sip:" + at->text());
  return out;
}

}  // namespace

json directory_show(const Plant& plant, const json&) {
  if (!plant.names) return failure("this node is no directory: its configuration has no [directory]");
  json edges = json::array();
  for (const control::EdgeView& e : plant.names->edges()) edges.push_back(edge_json(e));
  const auto now = plant.names->now();
  const config::DirectoryAccess& access = *plant.config.directory_access;
  return {{"ok", true},
          {"edges", edges},
          {"zones", now->settings().zones},
          {"serial", now->serial()},
          {"ttl_s", now->settings().ttl_s},
          {"socket", access.socket.string()},
          {"listen", access.http ? json(access.http->text()) : json()}};
}

NodeAnswer directory_edges(const Plant& plant, const std::string& domain) {
  const auto now = plant.names->now();
  const directory::Settings& settings = now->settings();
  if (!now->serves(domain)) return refused(404, domain.empty() ? "domain: is missing" : domain + ": is not served here");
  json edges = json::array();
  for (std::size_t i = 0; i < settings.edges.size(); ++i)
    if (const directory::Offer& offer = now->offers()[i]; offer.is_made)
      edges.push_back({{"name", settings.edges[i].name},
                       {"addresses", addresses_of(settings.edges[i])},
                       {"port", settings.edges[i].port},
                       {"transport", "udp"},
                       {"priority", offer.priority},
                       {"weight", offer.weight}});
  return {.body = {{"ok", true}, {"domain", domain}, {"ttl_s", settings.ttl_s}, {"edges", edges}}};
}

NodeAnswer directory_home(const Plant& plant, const std::string& aor) {
  NodeAnswer out = refused(404, "aor: is missing");
  if (aor.empty()) return out;
  plant.loop.call([&] {
    const site::Site& site = plant.commons.site.read();
    const auto client = control::client_named(aor, site.domains, site.fleet_seed);
    if (!client) {
      out = refused(404, client.error());
      return;
    }
    const edge::Judgement judged = rehearse_register(plant, *client, 1, false).judgement;
    if (judged.home == assign::no_home) {
      out = refused(judged.status == 404 ? 404 : 503, client->aor + ": " + std::string(edge::sentence(judged.reason)));
      return;
    }
    const assign::Home& home = site.homes[judged.home];
    out = {.body = {{"ok", true}, {"aor", client->aor}, {"home", home.name}, {"uris", uris_of(home)}, {"ttl_s", plant.names->now()->settings().ttl_s}}};
  });
  return out;
}

}  // namespace viaduct::api
