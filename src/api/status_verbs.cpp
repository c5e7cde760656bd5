// SPDX-License-Identifier: Apache-2.0
// Verbs that tell how the node is, and its homes.
#include <chrono>

#include "answers.h"
#include "memory.h"
#include "viaduct/api/version.h"
#include "viaduct/base/clocks.h"

namespace viaduct::api {
namespace {

using nlohmann::json;
using site::Site;

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
  return {{"path", plant.config.store_path.string()}, {"bytes", store.bytes()},
          {"read_only", store.is_read_only()},        {"homes_unkept", plant.fleet.unkept()},
          {"loaded", plant.placements.is_loaded()},   {"loaded_ratio", plant.placements.loaded_ratio()}};
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
  json out = {{"seen", name(pulse->seen())}, {"in_a_row", pulse->in_a_row()}, {"for_s", (base::monotonic_ms() - pulse->changed_ms()) / 1000}};
  if (pulse->round_trip_us() != 0) out["round_trip_us"] = pulse->round_trip_us();
  return out;
}

}  // namespace

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
  if (plant.replica) {
    const control::Replica::Standing fleet = plant.replica->standing();
    out["fleet"] = {{"nodes", fleet.nodes.size()},
                    {"leader", fleet.leader},
                    {"stale", fleet.is_stale},
                    {"behind", fleet.last > fleet.epoch ? fleet.last - fleet.epoch : 0}};
  }
  const control::HomeStanding own = own_standing(plant);
  out["registrar"] = {{"clients", own.clients}, {"bindings", own.bindings}, {"subscriptions", own.subscriptions}};
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
      rows.back()["kept"] = plant.fleet.is_kept(static_cast<assign::HomeIndex>(i));
      rows.back()["unreachable"] = plant.resolver.unreachable(home.address);
      rows.back()["asks"] = asked_json(plant.commons.load.overloads, static_cast<assign::HomeIndex>(i));
      rows.back()["health"] = health_json(plant.health.pulse(static_cast<assign::HomeIndex>(i)));
    }
  });
  return {{"ok", true}, {"homes", rows}};
}

}  // namespace viaduct::api
