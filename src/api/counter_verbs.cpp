// SPDX-License-Identifier: Apache-2.0
// The verb of the node's counters: of each worker, the control core, the registrar and the ports.
#include "answers.h"

namespace viaduct::api {
namespace {

using nlohmann::json;

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
          {"verdicts", named(base::verdict_names, s.verdicts, &base::NamedCounter::name)},
          {"drops", named(base::drop_names, s.drops, &base::NamedCounter::name)}};
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

}  // namespace

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

}  // namespace viaduct::api
