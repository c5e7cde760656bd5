// SPDX-License-Identifier: Apache-2.0
// The table of all verbs, and those about the node itself.
#include "viaduct/api/verbs.h"

#include <array>
#include <string_view>

#include "answers.h"
#include "memory.h"
#include "viaduct/api/version.h"

namespace viaduct::api {
namespace {

using nlohmann::json;
using site::Site;

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
          {"redirects_followed", s.redirects_followed},
          {"redirects_not_followed", s.redirects_not_followed},
          {"reassembled", s.reassembled},
          {"fragments_expired", s.fragments_expired},
          {"fragments_spoilt", s.fragments_spoilt},
          {"fragments_sent", s.fragments_sent},
          {"second_homes", s.second_homes},
          {"registrations_put_off", s.registrations_put_off},
          {"sightings_lost", s.sightings_lost},
          {"requests_shed", s.requests_shed},
          {"requests_shed_asked", s.requests_shed_asked},
          {"overload_reports", s.overload_reports},
          {"overload_outdated", s.overload_outdated},
          {"overload_nonsense", s.overload_nonsense},
          {"verdicts", named(base::verdict_names, s.verdicts)},
          {"drops", named(base::drop_names, s.drops)}};
}

json registrar_json(const registrar::ShardSums& sums) {
  json out;
#define X(name, what) out[#name] = sums.name;
  VIADUCT_SHARD_COUNTERS(X)
#undef X
  return out;
}

json watchers_json(const registrar::WatcherSums& sums) {
  json out;
#define X(name, what) out[#name] = sums.name;
  VIADUCT_WATCHER_COUNTERS(X)
#undef X
  return out;
}

json control_json(const Plant& plant, const registrar::ShardSums& sums) {
  json out;
#define X(name, what) out[#name] = plant.resolver.counters().name.get();
  VIADUCT_RESOLVER_COUNTERS(X)
#undef X
#define X(name, what) out[#name] = plant.exceptions.counters().name.get();
  VIADUCT_EXCEPTION_COUNTERS(X)
#undef X
#define X(name, what) out[#name] = plant.health.counters().name.get();
  VIADUCT_HEALTH_COUNTERS(X)
#undef X
  out["tx_pkts"] = plant.control_wire.sent().get();
  out["tx_full"] = plant.control_wire.refused().get();
  out["registrar_tx_pkts"] = sums.sent;
  out["registrar_tx_full"] = sums.refused_by_wire;
  return out;
}

json port_json(const nic::PortStatistics& p, const std::string& name) {
  return {{"name", name},
          {"rx_pkts", p.rx_pkts},
          {"rx_bytes", p.rx_bytes},
          {"rx_missed", p.rx_missed},
          {"rx_errors", p.rx_errors},
          {"rx_no_buffer", p.rx_no_buffer},
          {"tx_pkts", p.tx_pkts},
          {"tx_bytes", p.tx_bytes},
          {"tx_errors", p.tx_errors}};
}

/// A row each, by number.
json ports_json(const Plant& plant) {
  json rows = json::array();
  for (std::size_t i = 0; i < plant.commons.ports.size(); ++i) rows.push_back(port_json(plant.commons.ports[i].statistics(), plant.config.dpdk.ports[i].name));
  return rows;
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
  const registrar::ShardSums registered = plant.registrar.sums();
  return {{"ok", true},
          {"workers", workers},
          {"total", sums_json(total)},
          {"control", control_json(plant, registered)},
          {"registrar", registrar_json(registered)},
          {"watchers", watchers_json(plant.registrar.watcher_sums())},
          {"ports", ports_json(plant)},
          {"balanced", total.balanced()}};
}

// --- status, homes

json homes_by_state(const Site& site) {
  json out = {{"up", 0}, {"draining", 0}, {"returning", 0}, {"down", 0}};
  for (const assign::Home& h : site.homes)
    if (h.state != assign::HomeState::removed) out[std::string(assign::name(h.state))] = out[std::string(assign::name(h.state))].get<int>() + 1;
  return out;
}

json assignment_json(const Plant& plant) {
  const auto s = plant.commons.assignment.statistics();
  return {
      {"pins", s.pins},   {"overrides", s.overrides},           {"capacity", s.capacity},
      {"bytes", s.bytes}, {"reserved_bytes", s.bytes_reserved}, {"policy", plant.config.assign_policy == config::AssignPolicy::slots ? "slots" : "explicit"}};
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

/// What each port's device is, and what it does by itself.
json devices_json(const Plant& plant) {
  json rows = json::array();
  for (std::size_t i = 0; i < plant.commons.ports.size(); ++i) {
    const nic::Port& port = plant.commons.ports[i];
    rows.push_back({{"name", plant.config.dpdk.ports[i].name},
                    {"driver", port.driver()},
                    {"rx_queues", port.rx_queues()},
                    {"tx_queues", port.tx_queues()},
                    {"rx_checksums", port.rx_checksums()},
                    {"tx_checksums", port.tx_checksums()}});
  }
  return rows;
}

json store_json(const Plant& plant) {
  store::Store& store = plant.placements.store();
  return {{"path", plant.config.store_path.string()},
          {"bytes", store.bytes()},
          {"read_only", store.is_read_only()},
          {"loaded", plant.placements.is_loaded()},
          {"loaded_ratio", plant.placements.loaded_ratio()}};
}

json status(const Plant& plant, const json&) {
  json listen = json::array();
  for (const config::Listen& l : plant.config.listen) listen.push_back(l.endpoint.text());
  const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - plant.started).count();
  json out = {{"ok", true},
              {"node", plant.config.node_name},
              {"version", version},
              {"uptime_s", uptime},
              {"pid", process_id()},
              {"profile", plant.config.dpdk.profile},
              {"ports", devices_json(plant)},
              {"listen", listen},
              {"workers", worker_rows(plant)},
              {"memory", memory_json()},
              {"store", store_json(plant)}};
  plant.loop.call([&] {
    const Site& site = plant.commons.site.read();
    out["epoch"] = plant.commons.assignment.epoch();
    out["homes"] = homes_by_state(site);
    out["health"] = {{"frozen", plant.health.is_frozen()}, {"panic", plant.health.is_panicking()}};
    out["traces"] = plant.commons.traces.read().size();
    out["assignment"] = assignment_json(plant);
  });
  const control::HomeStanding own = own_standing(plant);
  out["registrar"] = {{"clients", own.clients}, {"bindings", own.bindings}, {"subscriptions", own.subscriptions}};
  return out;
}

json home_row(const assign::Home& h, std::size_t slots, const control::HomeCount& placed) {
  json addresses = json::array();
  if (h.public_v4) addresses.push_back(h.public_v4->text());
  if (h.public_v6) addresses.push_back(h.public_v6->text());
  const bool is_returning = h.state == assign::HomeState::returning;
  return {{"name", h.name},
          {"returned_ratio", is_returning ? json(h.returned_percent / 100.0) : json()},
          {"by_health", h.restores.has_value()},
          {"address", h.address.text()},
          {"public", addresses},
          {"weight", h.weight},
          {"capacity", h.capacity},
          {"state", assign::name(h.state)},
          {"local", h.is_local},
          {"viaduct", h.is_viaduct},
          {"control", h.control ? json(h.control->text()) : json()},
          {"zone", h.zone},
          {"reg_notifier", h.edge_notifies ? "edge" : "home"},
          {"max_per_s", h.max_per_s},
          {"slots", slots},
          {"clients", placed.overrides + placed.pins},
          {"pins", placed.pins}};
}

/// What health has of a home; of one that is not asked, that.
json health_json(const control::Pulse* pulse) {
  if (pulse == nullptr) return {{"seen", "not asked"}};
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  const auto now_ms = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  json out = {{"seen", name(pulse->seen())}, {"in_a_row", pulse->in_a_row()}, {"for_s", (now_ms - pulse->changed_ms()) / 1000}};
  if (pulse->round_trip_us() != 0) out["round_trip_us"] = pulse->round_trip_us();
  return out;
}

json homes(const Plant& plant, const json&) {
  json rows = json::array();
  auto placed = plant.placements.counts();
  plant.loop.call([&] {
    const Site& site = plant.commons.site.read();
    placed.resize(std::max(placed.size(), site.homes.size()));
    std::vector<std::size_t> slots(site.homes.size());
    for (const assign::HomeIndex home : plant.commons.assignment.slots())
      if (home < slots.size()) ++slots[home];
    for (std::size_t i = 0; i < site.homes.size(); ++i) {
      const assign::Home& home = site.homes[static_cast<assign::HomeIndex>(i)];
      rows.push_back(home_row(home, slots[i], placed[i]));
      rows.back()["unreachable"] = plant.resolver.unreachable(home.address);
      rows.back()["asks"] = asked_json(plant.commons.load.overloads, static_cast<assign::HomeIndex>(i));
      rows.back()["health"] = health_json(plant.health.pulse(static_cast<assign::HomeIndex>(i)));
    }
  });
  return {{"ok", true}, {"homes", rows}};
}

json reload(const Plant& plant, const json&) {
  const auto done = plant.reload();
  if (!done) return failure(done.error());
  return {{"ok", true}, {"applied", done->applied}, {"needs_restart", done->needs_restart}, {"differs", done->differs}, {"epoch", done->epoch}};
}

/// A reload waits for whoever changes the fleet.
Answer reload_later(const Plant& plant, const json& request, const std::string&) {
  return answering([&plant, request] { return reload(plant, request); });
}

template <json (*answer)(const Plant&, const json&)>
Answer at_once(const Plant& plant, const json& request, const std::string&) {
  return answer(plant, request);
}

struct Verb {
  std::string_view name;
  Answer (*answer)(const Plant&, const json&, const std::string& who);
};
constexpr std::array verbs = {
    Verb{"status", at_once<status>},
    Verb{"homes", at_once<homes>},
    Verb{"homes.add", home_add},
    Verb{"homes.set", home_set},
    Verb{"homes.remove", home_remove},
    Verb{"homes.drain", home_drain},
    Verb{"homes.leaving", home_leaving},
    Verb{"homes.down", home_down},
    Verb{"homes.ready", home_up},
    Verb{"homes.up", home_up},
    Verb{"counters", at_once<counters>},
    Verb{"load", load_homes},
    Verb{"load.clients", load_clients},
    Verb{"reload", reload_later},
    Verb{"trace", trace},
    Verb{"subs.list", at_once<subs_list>},
    Verb{"subs.show", at_once<subs_show>},
    Verb{"subs.terminate", at_once<subs_terminate>},
    Verb{"plan.create", plan_create},
    Verb{"plan.simulate", plan_simulate},
    Verb{"plan.show", plan_show},
    Verb{"plan.diff", plan_diff},
    Verb{"plan.apply", plan_apply},
    Verb{"plan.pause", plan_pause},
    Verb{"plan.resume", plan_resume},
    Verb{"plan.abort", plan_abort},
    Verb{"plan.history", plan_history},
    Verb{"rules", at_once<rules_show>},
    Verb{"rules.reload", rules_reload},
    Verb{"client.show", at_once<client_show>},
    Verb{"client.explain", at_once<client_explain>},
    Verb{"client.bind", at_once<client_bind>},
    Verb{"client.deregister", at_once<client_deregister>},
    Verb{"client.history", client_history},
    Verb{"client.assign", client_assign},
    Verb{"client.unassign", client_unassign},
    Verb{"clients.import", clients_import},
    Verb{"clients.export", clients_export},
    Verb{"clients.verify", clients_verify},
    Verb{"clients.stats", at_once<clients_stats>},
};

}  // namespace

Answer answer(const Plant& plant, const json& request, const std::string& who) {
  const auto name = request.at("verb").get<std::string>();
  for (const Verb& v : verbs)
    if (v.name == name) return v.answer(plant, request, who);
  return failure(name + ": no such verb");
}

}  // namespace viaduct::api
