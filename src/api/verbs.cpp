// SPDX-License-Identifier: Apache-2.0
// One function a verb, and the table that names them.
#include "viaduct/api/verbs.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "memory.h"
#include "viaduct/api/version.h"
#include "viaduct/edge/rehearse.h"

namespace viaduct::api {
namespace {

using nlohmann::json;
using site::Site;

constexpr std::string_view memory_only = "kept in memory only: lost at a restart";

json failure(const std::string& why) { return {{"ok", false}, {"error", why}}; }

// --- counters

template <typename Names, typename Values>
json named(const Names& names, const Values& values) {
  json out = json::object();
  for (std::size_t i = 0; i < names.size(); ++i) out[std::string(names[i].name)] = values[i];
  return out;
}

json sums_json(const share::CounterSums& s) {
  return {{"rx_pkts", s.rx_pkts},
          {"handed_over", s.handed_over},
          {"tx_pkts", s.tx_pkts},
          {"tx_full", s.tx_full},
          {"bursts", s.bursts},
          {"sleeps", s.sleeps},
          {"verdicts", named(base::verdict_names, s.verdicts)},
          {"drops", named(base::drop_names, s.drops)}};
}

json registrar_json(const registrar::ShardCounters& c) {
  json out;
#define X(name, what) out[#name] = c.name.get();
  VIADUCT_SHARD_COUNTERS(X)
#undef X
  return out;
}

json control_json(const Plant& plant) {
  json out;
#define X(name, what) out[#name] = plant.resolver.counters().name.get();
  VIADUCT_RESOLVER_COUNTERS(X)
#undef X
  out["tx_pkts"] = plant.control_wire.sent().get();
  out["tx_full"] = plant.control_wire.refused().get();
  out["registrar_tx_pkts"] = plant.shard.wire().sent().get();
  out["registrar_tx_full"] = plant.shard.wire().refused().get();
  return out;
}

json port_json(const nic::PortStatistics& p) {
  return {{"rx_pkts", p.rx_pkts},           {"rx_bytes", p.rx_bytes}, {"rx_missed", p.rx_missed}, {"rx_errors", p.rx_errors},
          {"rx_no_buffer", p.rx_no_buffer}, {"tx_pkts", p.tx_pkts},   {"tx_bytes", p.tx_bytes},   {"tx_errors", p.tx_errors}};
}

json counters(const Plant& plant, const json&) {
  share::CounterSums total;
  json workers = json::array();
  for (std::size_t i = 0; i < plant.commons.counters.size(); ++i) {
    share::CounterSums one;
    one.add(plant.commons.counters[i]);
    total.add(plant.commons.counters[i]);
    json row = sums_json(one);
    row["index"] = i;
    workers.push_back(std::move(row));
  }
  return {{"ok", true},
          {"workers", workers},
          {"total", sums_json(total)},
          {"control", control_json(plant)},
          {"registrar", registrar_json(plant.shard.counters())},
          {"port", port_json(plant.commons.port.statistics())},
          {"balanced", total.balanced()}};
}

// --- status, homes

json homes_by_state(const Site& site) {
  json out = {{"up", 0}, {"draining", 0}, {"down", 0}};
  for (const assign::Home& h : site.homes)
    if (h.state != assign::HomeState::removed) out[std::string(assign::name(h.state))] = out[std::string(assign::name(h.state))].get<int>() + 1;
  return out;
}

json assignment_json(const Plant& plant) {
  const auto s = plant.commons.assignment.statistics();
  return {{"pins", s.pins},
          {"overrides", s.overrides},
          {"capacity", s.capacity},
          {"bytes", s.bytes},
          {"policy", plant.config.assign_policy == config::AssignPolicy::slots ? "slots" : "explicit"}};
}

json worker_rows(const Plant& plant) {
  json rows = json::array();
  for (std::size_t i = 0; i < plant.commons.counters.size(); ++i) {
    const share::Counters& c = plant.commons.counters[i];
    rows.push_back({{"index", i},
                    {"cpu", plant.config.worker_cpus[i]},
                    {"rx", c.rx_pkts.get()},
                    {"tx", c.tx_pkts.get()},
                    {"sleeps", c.sleeps.get()},
                    {"bursts", c.bursts.get()}});
  }
  return rows;
}

json status(const Plant& plant, const json&) {
  json listen = json::array();
  for (const base::Endpoint& e : plant.config.listen) listen.push_back(e.text());
  const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - plant.started).count();
  json out = {{"ok", true},
              {"node", plant.config.node_name},
              {"version", version},
              {"uptime_s", uptime},
              {"pid", process_id()},
              {"profile", plant.config.dpdk.profile},
              {"driver", plant.commons.port.driver()},
              {"listen", listen},
              {"workers", worker_rows(plant)},
              {"memory", memory_json()},
              {"durable", false}};
  plant.loop.call([&] {
    const Site& site = plant.commons.site.read();
    out["epoch"] = plant.commons.assignment.epoch();
    out["homes"] = homes_by_state(site);
    out["assignment"] = assignment_json(plant);
    out["registrar"] = {{"clients", plant.shard.bindings().clients()}, {"bindings", plant.shard.bindings().bindings()}};
  });
  return out;
}

json home_row(const assign::Home& h, std::size_t slots, std::size_t clients) {
  json addresses = json::array();
  if (h.public_v4) addresses.push_back(h.public_v4->text());
  if (h.public_v6) addresses.push_back(h.public_v6->text());
  return {{"name", h.name},      {"address", h.address.text()}, {"public", addresses}, {"weight", h.weight}, {"state", assign::name(h.state)},
          {"local", h.is_local}, {"viaduct", h.is_viaduct},     {"slots", slots},      {"clients", clients}};
}

json homes(const Plant& plant, const json&) {
  json rows = json::array();
  plant.loop.call([&] {
    const Site& site = plant.commons.site.read();
    std::vector<std::size_t> entries(site.homes.size());
    std::vector<std::size_t> slots(site.homes.size());
    plant.commons.assignment.count_by_home(entries, slots);
    for (std::size_t i = 0; i < site.homes.size(); ++i) rows.push_back(home_row(site.homes[static_cast<assign::HomeIndex>(i)], slots[i], entries[i]));
  });
  return {{"ok", true}, {"homes", rows}};
}

// --- one client

std::string hex(const sip::ClientKey& key) { return fmt::format("{:016x}{:016x}", key.high, key.low); }

std::string home_name(const Site& site, assign::HomeIndex home) { return home == assign::no_home ? "" : site.homes[home].name; }

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

json bindings_json(const Plant& plant, const sip::ClientKey& key) {
  const auto now_s = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now().time_since_epoch()).count());
  json rows = json::array();
  for (const registrar::BindingView& b : plant.shard.bindings().of(key, now_s))
    rows.push_back({{"contact", b.contact}, {"expires_in_s", b.expires_in_s}, {"flow", b.flow.text()}, {"call_id", b.call_id}, {"cseq", b.cseq}});
  return rows;
}

json client_show(const Plant& plant, const json& request) {
  json out;
  plant.loop.call([&] {
    const auto client = control::client_named(request.at("aor").get<std::string>(), plant.commons.site.read());
    if (!client) {
      out = failure(client.error());
      return;
    }
    out = placement_json(plant, *client);
    out["bindings"] = bindings_json(plant, client->key);
    out["note"] = memory_only;
  });
  return out;
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
    case assign::Layer::none:
      break;
  }
  return "no layer names a home";
}

// One that the site believes: several Vias count only from a trusted proxy.
base::Endpoint rehearsed_source(const Site& site, unsigned vias) {
  const bool through_proxy = vias > 1 && !site.trust_all_proxies && !site.trusted_proxies.empty();
  return {.address = through_proxy ? site.trusted_proxies.front().address : base::Address::v4({192, 0, 2, static_cast<std::uint8_t>(vias)}), .port = 5060};
}

json client_explain(const Plant& plant, const json& request) {
  const unsigned vias = request.value("vias", 1U);
  if (vias < 1 || vias > base::via_values_max) return failure(fmt::format("vias: 1 to {}", base::via_values_max));
  json out;
  plant.loop.call([&] {
    const Site& site = plant.commons.site.read();
    const auto client = control::client_named(request.at("aor").get<std::string>(), site);
    if (!client) {
      out = failure(client.error());
      return;
    }
    const auto r = edge::rehearse(rehearsed_register(client->aor, vias), rehearsed_source(site, vias), site.listeners.front(), site, plant.commons.assignment,
                                  plant.commons.now_min.load());
    out = placement_json(plant, *client);
    out["vias"] = vias;
    out["verdict"] = base::name(r.judgement.verdict);
    out["effective_home"] = home_name(site, r.judgement.home);
    out["why"] = json::array({layer_sentence(r.placement, home_name(site, r.placement.home)), edge::sentence(r.judgement.reason)});
  });
  return out;
}

json changed(const Plant& plant, const std::expected<control::Client, std::string>& client) {
  if (!client) return failure(client.error());
  json out = placement_json(plant, *client);
  out["note"] = memory_only;
  return out;
}

json client_assign(const Plant& plant, const json& request) {
  json out;
  plant.loop.call([&] {
    out = changed(plant, plant.placements.assign(request.at("aor").get<std::string>(), request.at("home").get<std::string>(), request.value("pin", false)));
  });
  return out;
}

json client_unassign(const Plant& plant, const json& request) {
  json out;
  plant.loop.call([&] { out = changed(plant, plant.placements.unassign(request.at("aor").get<std::string>())); });
  return out;
}

json reload(const Plant& plant, const json&) {
  const auto done = plant.reload();
  if (!done) return failure(done.error());
  return {{"ok", true}, {"applied", done->applied}, {"needs_restart", done->needs_restart}, {"epoch", done->epoch}};
}

struct Verb {
  std::string_view name;
  json (*answer)(const Plant&, const json&);
};
constexpr std::array verbs = {
    Verb{"status", status},
    Verb{"homes", homes},
    Verb{"counters", counters},
    Verb{"reload", reload},
    Verb{"client.show", client_show},
    Verb{"client.explain", client_explain},
    Verb{"client.assign", client_assign},
    Verb{"client.unassign", client_unassign},
};

}  // namespace

json answer(const Plant& plant, const json& request) {
  const auto name = request.at("verb").get<std::string>();
  for (const Verb& v : verbs)
    if (v.name == name) return v.answer(plant, request);
  return failure(name + ": no such verb");
}

}  // namespace viaduct::api
