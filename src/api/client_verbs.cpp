// SPDX-License-Identifier: Apache-2.0
// Verbs about one client: where it is at home and why, who put it there, and putting it elsewhere.
#include <fmt/format.h>

#include <array>

#include "answers.h"
#include "arguments.h"
#include "viaduct/base/clocks.h"

namespace viaduct::api {
namespace {

using nlohmann::json;
using site::Site;

json placement_json(const Plant& plant, const control::Client& client) {
  const Site& site = plant.commons.site.read();
  const assign::Placement p = plant.commons.assignment.find(client.key);
  return {{"ok", true},
          {"aor", client.aor},
          {"key", hex(client.key)},
          {"home", home_name(site, p.home)},
          {"layer", assign::name(p.layer)},
          {"epoch", p.epoch},
          {"slot_home", home_name(site, plant.commons.assignment.slot_home(client.key))}};
}

/// The move that he is on, if any.
void add_move(json& out, const Plant& plant, const sip::ClientKey& key) {
  const auto step = plant.mover.move_of(key);
  if (!step) return;
  plant.loop.call([&] { out["move"] = step_json(plant.commons.site.read(), *step); });
  if (step->plan != 0) out["move"]["plan"] = step->plan;
}

json bindings_json(const location::Bindings& bindings, const sip::ClientKey& key) {
  json rows = json::array();
  for (const location::BindingView& b : bindings.of(key, base::monotonic_ms() / 1000))
    rows.push_back({{"contact", b.contact},
                    {"expires_in_s", b.expires_in_s},
                    {"registered_ago_s", number_or_null(b.registered_ago_s)},
                    {"flow", b.flow.text()},
                    {"path", b.path},
                    {"instance", b.instance},
                    {"reg_id", b.reg_id},
                    {"cseq", b.cseq}});
  return rows;
}

// A REGISTER as a client with so many hops before us would send it (TEST-NET-1 addresses, RFC 5737).
std::string rehearsed_register(const std::string& aor, unsigned vias) {
  const std::string domain = aor.substr(aor.rfind('@') + 1);
  std::string text = "REGISTER sip:" + domain + " SIP/2.0\r\n";
  for (unsigned i = vias; i > 0; --i) text += fmt::format("Via: SIP/2.0/UDP 192.0.2.{}:5060;branch=z9hG4bKexplain{}\r\n", i, i);
  return text + "Max-Forwards: 70\r\nFrom: <sip:" + aor + ">;tag=explain\r\nTo: <sip:" + aor + ">\r\nCall-ID: explain\r\nCSeq: 1 REGISTER\r\n" +
         "Contact: <sip:explain@192.0.2.1>\r\nContent-Length: 0\r\n\r\n";
}

std::string layer_sentence(const assign::Placement& p, const std::string& home) {
  switch (p.layer) {
    case assign::Layer::pin:
      return "the operator has pinned the client to " + home;
    case assign::Layer::override_:
      return "an override places the client at " + home;
    case assign::Layer::slot:
      return "the client has no entry of his own: his slot belongs to " + home;
    case assign::Layer::loading:
      return "the client's placement is not yet loaded";
    case assign::Layer::none:
      break;
  }
  return "no layer names a home";
}

// From one of those who are heeded: several Vias count from a trusted proxy, with one Via the sources of `redirect.from` are redirected.
edge::Arrival rehearsed_arrival(const Site& site, unsigned vias) {
  const auto& heeded = vias > 1 ? site.trusted_proxies : site.redirect_from;
  const bool is_any = vias > 1 ? site.trust_all_proxies : site.redirect_all_sources;
  return edge::rehearsed_arrival(site, is_any ? std::span<const base::Prefix>{} : heeded, static_cast<std::uint8_t>(vias));
}

/// Change one client's placement, in a thread's own time.
Answer place(const Plant& plant, const json& request, const std::string& who, bool is_assigned) {
  return answering([&plant, request, who, is_assigned]() -> json {
    control::Expected<control::Client> client;
    assign::HomeIndex home = assign::no_home;
    plant.loop.call([&] {
      const Site& site = plant.commons.site.read();
      client = client_of(request, site);
      if (is_assigned) home = site.homes.find(request.at("home").get<std::string>());
      if (home != assign::no_home && site.homes[home].state == assign::HomeState::removed) home = assign::no_home;
    });
    if (!client) return failure(client.error());
    if (is_assigned && home == assign::no_home) return failure(request.at("home").get<std::string>() + ": no such home");
    const auto to = is_assigned ? std::optional(home) : std::nullopt;
    const auto done = plant.mover.place(*client, to, request.value("pin", false), {who, request.value("why", std::string{})});
    if (!done) return failure(done.error());
    json out;
    plant.loop.call([&] { out = placement_json(plant, *client); });
    out["changed"] = done->changed > 0;
    add_move(out, plant, client->key);
    return out;
  });
}

json event_json(const store::Event& e, const std::vector<std::string>& homes) {
  const auto home = [&](std::optional<std::uint16_t> index) -> json { return index && *index < homes.size() ? json(homes[*index]) : json(); };
  return {{"epoch", e.epoch},       {"at_s", e.at_s == 0 ? json() : json(e.at_s)},
          {"who", e.author.who},    {"why", e.author.why},
          {"from", home(e.before)}, {"from_pin", e.pin_before},
          {"to", home(e.after)},    {"to_pin", e.pin_after}};
}

}  // namespace

std::string hex(const sip::ClientKey& key) { return fmt::format("{:016x}{:016x}", key.high, key.low); }

control::Expected<control::Client> client_of(const json& request, const Site& site) {
  return control::client_named(request.at("aor").get<std::string>(), site.domains, site.fleet_seed);
}

edge::Rehearsal rehearse_register(const Plant& plant, const control::Client& client, unsigned vias, bool is_watched) {
  const Site& site = plant.commons.site.read();
  const edge::Tables tables{.assignment = plant.commons.assignment,
                            .moves = &plant.commons.moves,
                            .neighbours = &plant.commons.neighbours.read(),
                            .is_watched = [is_watched](const sip::ClientKey&) { return is_watched; }};
  const auto [source, listener] = rehearsed_arrival(site, vias);
  return edge::rehearse(rehearsed_register(client.aor, vias), source, *listener, site, tables, plant.commons.now_min.load());
}

json client_show(const Plant& plant, const json& request) {
  json out;
  control::Expected<control::Client> client;
  plant.loop.call([&] {
    client = client_of(request, plant.commons.site.read());
    if (client) out = placement_json(plant, *client);
  });
  if (!client) return failure(client.error());
  plant.registrar.call(client->key, [&](registrar::Shard& shard) {
    out["bindings"] = bindings_json(shard.bindings(), client->key);
    out["seen"] = bindings_json(shard.sightings().bindings(), client->key);
  });
  add_move(out, plant, client->key);
  return out;
}

json client_deregister(const Plant& plant, const json& request) {
  control::Expected<control::Client> client;
  plant.loop.call([&] { client = client_of(request, plant.commons.site.read()); });
  if (!client) return failure(client.error());
  const auto why = request.value("rejected", false) ? location::Departure::rejected : location::Departure::deactivated;
  std::size_t removed = 0;
  plant.registrar.call(client->key, [&](registrar::Shard& shard) { removed = shard.bindings().remove(client->key, base::monotonic_ms() / 1000, why); });
  return {{"ok", true}, {"aor", client->aor}, {"removed", removed}};
}

json client_bind(const Plant& plant, const json& request) {
  control::Expected<control::Client> client;
  std::string elsewhere;
  plant.loop.call([&] {
    const Site& site = plant.commons.site.read();
    client = client_of(request, site);
    if (!client) return;
    const assign::HomeIndex home = plant.commons.assignment.find(client->key).home;
    if (site.local_home == assign::no_home)
      elsewhere = "this node is no home";
    else if (home != site.local_home)
      elsewhere = client->aor + ": at home at " + home_name(site, home) + ", not at this node";
  });
  if (!client) return failure(client.error());
  if (!elsewhere.empty()) return failure(elsewhere);
  const auto uri = request.at("uri").get<std::string>();
  const auto expires_s = whole_number(request, "expires_s", {1, any_number.most});
  std::expected<void, std::string> created;
  json bindings;
  plant.registrar.call(client->key, [&](registrar::Shard& shard) {
    created = shard.create_binding(client->key, client->aor, uri, expires_s, base::monotonic_ms() / 1000);
    bindings = bindings_json(shard.bindings(), client->key);
  });
  if (!created) return failure(created.error());
  return {{"ok", true}, {"aor", client->aor}, {"bindings", bindings}};
}

json client_explain(const Plant& plant, const json& request) {
  const unsigned vias = whole_number(request, "vias", {1, base::via_values_max}).value_or(1);
  control::Expected<control::Client> client;
  plant.loop.call([&] { client = client_of(request, plant.commons.site.read()); });
  if (!client) return failure(client.error());
  bool is_watched{};
  plant.registrar.call(client->key, [&](registrar::Shard&) { is_watched = plant.commons.watched.contains(client->key); });
  json out;
  plant.loop.call([&] {
    const Site& site = plant.commons.site.read();
    const auto r = rehearse_register(plant, *client, vias, is_watched);
    out = placement_json(plant, *client);
    out["vias"] = vias;
    out["source"] = rehearsed_arrival(site, vias).source.address.text();
    out["verdict"] = base::name(r.judgement.verdict);
    out["effective_home"] = home_name(site, r.judgement.home);
    out["why"] = json::array({layer_sentence(r.placement, home_name(site, r.placement.home)), edge::sentence(r.judgement.reason)});
  });
  return out;
}

Answer client_history(const Plant& plant, const json& request, const std::string&) {
  return answering([&plant, request]() -> json {
    control::Expected<control::Client> client;
    std::vector<std::string> homes;
    plant.loop.call([&] {
      client = client_of(request, plant.commons.site.read());
      for (const assign::Home& h : plant.commons.site.read().homes) homes.push_back(h.name);
    });
    if (!client) return failure(client.error());
    const auto snapshot = plant.placements.store().snapshot();
    if (!snapshot) return failure(snapshot.error().text);
    const auto events = (*snapshot)->history(client->key);
    if (!events) return failure(events.error().text);
    json rows = json::array();
    for (const store::Event& e : *events) rows.push_back(event_json(e, homes));
    return {{"ok", true}, {"aor", client->aor}, {"history", rows}};
  });
}

Answer client_assign(const Plant& plant, const json& request, const std::string& who) { return place(plant, request, who, true); }
Answer client_unassign(const Plant& plant, const json& request, const std::string& who) { return place(plant, request, who, false); }

}  // namespace viaduct::api
