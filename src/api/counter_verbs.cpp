// SPDX-License-Identifier: Apache-2.0
// The verb of the node's counters: of each worker, the control core, the registrar and the ports.
#include "answers.h"

namespace viaduct::api {
namespace {

using nlohmann::json;

json sums_json(const share::CounterSums& s) {
  json out = {{"verdicts", named(base::verdict_names, s.verdicts, &base::NamedCounter::name)},
              {"drops", named(base::drop_names, s.drops, &base::NamedCounter::name)}};
#define X(name, what) out[#name] = s.name;
  VIADUCT_WORKER_COUNTERS(X)
#undef X
  return out;
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

/// null where this node is no directory.
json directory_json(const Plant& plant) {
  if (!plant.names) return {};
  json out;
#define X(name, what) out[#name] = plant.names->counters().name.load(std::memory_order_relaxed);
  VIADUCT_DIRECTORY_COUNTERS(X)
#undef X
  return out;
}

json port_json(const nic::PortStatistics& p, const std::string& port) {
  json out = {{"name", port}};
#define X(name, what) out[#name] = p.name;
  VIADUCT_PORT_COUNTERS(X)
#undef X
  return out;
}

/// A row each, by number.
json ports_json(const Plant& plant) {
  json rows = json::array();
  for (std::size_t i = 0; i < plant.commons.ports.size(); ++i) rows.push_back(port_json(plant.commons.ports[i].statistics(), plant.config.dpdk.ports[i].name));
  return rows;
}

/// What the workers' counters count. Shape: that of their sums.
json sums_what() {
  json out;
  for (const base::NamedCounter& verdict : base::verdict_names) out["verdicts"][verdict.name] = verdict.what;
  for (const base::NamedCounter& drop : base::drop_names) out["drops"][drop.name] = drop.what;
#define X(name, what) out[#name] = what;
  VIADUCT_WORKER_COUNTERS(X)
#undef X
  return out;
}

json control_what() {
  json out = {{"tx_pkts", "packets of the control core's that a queue or a ring took"},
              {"tx_full", "packets of the control core's that found no buffer or no way, or that a full queue or ring refused"},
              {"registrar_tx_pkts", "the same of all registrar shards: taken"},
              {"registrar_tx_full", "the same of all registrar shards: not sent"}};
#define X(name, what) out[#name] = what;
  VIADUCT_RESOLVER_COUNTERS(X)
  VIADUCT_EXCEPTION_COUNTERS(X)
  VIADUCT_HEALTH_COUNTERS(X)
#undef X
  return out;
}

/// What every counter counts, a sentence each. Shape: that of the answer; `ports` once for all.
json what_json() {
  json registrar;
  json watchers;
  json directory;
  json ports;
#define X(name, what) registrar[#name] = what;
  VIADUCT_SHARD_COUNTERS(X)
#undef X
#define X(name, what) watchers[#name] = what;
  VIADUCT_WATCHER_COUNTERS(X)
#undef X
#define X(name, what) ports[#name] = what;
  VIADUCT_PORT_COUNTERS(X)
#undef X
#define X(name, what) directory[#name] = what;
  VIADUCT_DIRECTORY_COUNTERS(X)
#undef X
  return {{"total", sums_what()}, {"control", control_what()}, {"registrar", registrar}, {"watchers", watchers}, {"directory", directory}, {"ports", ports}};
}

}  // namespace

json counters(const Plant& plant, const json& request) {
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
  json answer = {{"ok", true},
                 {"workers", workers},
                 {"total", sums_json(total)},
                 {"control", control_json(plant, registered)},
                 {"registrar", registrar_json(registered)},
                 {"watchers", watchers_json(plant.registrar.watcher_sums())},
                 {"directory", directory_json(plant)},
                 {"ports", ports_json(plant)},
                 {"balanced", total.balanced()}};
  if (request.value("what", false)) answer["what"] = what_json();
  return answer;
}

}  // namespace viaduct::api
