// SPDX-License-Identifier: Apache-2.0
// From the verbs' answers to metrics, a family each: what there is to be seen is gathered in one place, the verbs, and only spelt differently here.
#include <fmt/format.h>

#include <array>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "viaduct/api/metrics.h"

namespace viaduct::api {
namespace {

using nlohmann::json;
using Labels = std::vector<std::pair<std::string_view, std::string>>;

/// Families in the order of their names, each with its samples side by side as the format wants them.
class Exposition {
 public:
  void counter(const std::string& name, std::string_view help, const Labels& labels, double value) { add(name + "_total", "counter", help, labels, value); }
  void gauge(const std::string& name, std::string_view help, const Labels& labels, double value) { add(name, "gauge", help, labels, value); }
  /// One of several states: 1 for the one that is.
  template <std::size_t N>
  void state(const std::string& name, std::string_view help, const Labels& labels, const std::array<std::string_view, N>& states, std::string_view now) {
    for (const std::string_view one : states) {
      Labels all = labels;
      all.emplace_back("state", one);
      gauge(name, help, all, one == now ? 1 : 0);
    }
  }
  [[nodiscard]] std::string text() const {
    std::string out;
    for (const auto& [name, family] : families_) out.append(family.head).append(family.samples);
    return out;
  }

 private:
  struct Family {
    std::string head, samples;
  };
  static std::string escaped(std::string_view text, bool is_quoted) {
    std::string out;
    for (const char c : text) {
      if (c == '\n') {
        out += "\\n";
        continue;
      }
      if (c == '\\' || (is_quoted && c == '"')) out += '\\';
      out += c;
    }
    return out;
  }
  void add(const std::string& name, std::string_view type, std::string_view help, const Labels& labels, double value) {
    Family& family = families_[name];
    if (family.head.empty()) family.head = fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, escaped(help, false), name, type);
    std::string inside;
    for (const auto& [label, text] : labels) inside += fmt::format("{}{}=\"{}\"", inside.empty() ? "" : ",", label, escaped(text, true));
    family.samples += inside.empty() ? fmt::format("{} {}\n", name, value) : fmt::format("{}{{{}}} {}\n", name, inside, value);
  }
  std::map<std::string, Family> families_;
};

double number(const json& from, const char* key) {
  const auto found = from.find(key);
  return found != from.end() && found->is_number() ? found->get<double>() : 0;
}
std::string text(const json& from, const char* key) {
  const auto found = from.find(key);
  return found != from.end() && found->is_string() ? found->get<std::string>() : "";
}
bool flag(const json& from, const char* key) {
  const auto found = from.find(key);
  return found != from.end() && *found == true;
}
const json& part(const json& from, const char* key) {
  static const json none = json::object();
  const auto found = from.find(key);
  return found != from.end() && (found->is_object() || found->is_array()) ? *found : none;
}

/// Every number of `counters` under its own name; `what`: what each counts.
void put_counters(Exposition& out, const std::string& prefix, const json& counters, const json& what, const Labels& labels) {
  for (const auto& [name, value] : counters.items())
    if (value.is_number() && name != "index") out.counter(prefix + name, text(what, name.c_str()), labels, value.get<double>());
}

/// The same as one family, by label.
void put_labelled(Exposition& out, const std::string& family, std::string_view help, std::string_view label, const json& counters, const Labels& labels) {
  for (const auto& [name, value] : counters.items()) {
    Labels all = labels;
    all.emplace_back(label, name);
    out.counter(family, help, all, value.get<double>());
  }
}

void put_workers(Exposition& out, const json& counters) {
  const json& what = part(part(counters, "what"), "total");
  for (const json& worker : part(counters, "workers")) {
    const Labels labels = {{"worker", std::to_string(worker.value("index", 0))}};
    json rest = worker;
    // Seconds are the base unit.
    out.counter("viaduct_worker_busy_seconds", "time spent with polls that brought something", labels, number(worker, "busy_ms") / 1000);
    rest.erase("busy_ms");
    put_counters(out, "viaduct_worker_", rest, what, labels);
    put_labelled(out, "viaduct_verdicts", "packets by what became of them, one verdict each", "verdict", part(worker, "verdicts"), labels);
    put_labelled(out, "viaduct_drops", "packets dropped, by why", "reason", part(worker, "drops"), labels);
  }
}

void put_parts(Exposition& out, const json& counters) {
  for (const char* name : {"control", "registrar", "watchers", "directory"})
    put_counters(out, std::string("viaduct_") + name + '_', part(counters, name), part(part(counters, "what"), name), {});
  const json& ports_what = part(part(counters, "what"), "ports");
  for (const json& port : part(counters, "ports")) put_counters(out, "viaduct_port_", port, ports_what, {{"port", text(port, "name")}});
}

void put_node(Exposition& out, const json& status) {
  out.gauge("viaduct_build_info", "the version of the running daemon", {{"version", text(status, "version")}}, 1);
  out.gauge("viaduct_uptime_seconds", "since the daemon was started", {}, number(status, "uptime_s"));
  const json& store = part(status, "store");
  out.gauge("viaduct_ready", "all that the store has is in the table", {}, flag(store, "loaded") ? 1 : 0);
  out.gauge("viaduct_store_bytes", "octets of the store", {}, number(store, "bytes"));
  out.gauge("viaduct_store_read_only", "the store could not be written at the start", {}, flag(store, "read_only") ? 1 : 0);
  out.gauge("viaduct_store_homes_unkept", "homes whose state the store has refused", {}, number(store, "homes_unkept"));
  out.gauge("viaduct_epoch", "of the assignment: one more with each change", {}, number(status, "epoch"));
  const json& assignment = part(status, "assignment");
  for (const char* layer : {"pins", "overrides"})
    out.gauge("viaduct_assignment_entries", "clients placed explicitly", {{"layer", layer}}, number(assignment, layer));
  out.gauge("viaduct_assignment_bytes", "octets of the assignment table", {}, number(assignment, "bytes"));
  const json& registrar = part(status, "registrar");
  out.gauge("viaduct_clients", "clients registered at this node", {}, number(registrar, "clients"));
  out.gauge("viaduct_bindings", "contacts registered at this node", {}, number(registrar, "bindings"));
  out.gauge("viaduct_subscriptions", "subscriptions to registrations at this node", {}, number(registrar, "subscriptions"));
  for (const auto& [kind, bytes] : part(status, "memory").items())
    out.gauge("viaduct_memory_bytes", "of the process allocator (jemalloc)", {{"kind", kind}}, bytes.get<double>());
  const json& health = part(status, "health");
  out.gauge("viaduct_health_frozen", "so many homes look dead that nothing is planned", {}, flag(health, "frozen") ? 1 : 0);
  out.gauge("viaduct_health_panic", "so many homes look dead that none is taken down", {}, flag(health, "panic") ? 1 : 0);
}

void put_homes(Exposition& out, const json& homes) {
  constexpr std::array<std::string_view, 4> states = {"up", "draining", "returning", "down"};
  for (const json& home : part(homes, "homes")) {
    const Labels labels = {{"home", text(home, "name")}};
    out.state("viaduct_home_state", "1 for the state that the home has", labels, states, text(home, "state"));
    out.gauge("viaduct_home_weight", "as it is configured", labels, number(home, "weight"));
    out.gauge("viaduct_home_slots", "slots whose clients live there", labels, number(home, "slots"));
    out.gauge("viaduct_home_placed_clients", "clients placed there explicitly", labels, number(home, "clients"));
    out.counter("viaduct_home_unreachable", "ICMP errors that said that it cannot be reached", labels, number(home, "unreachable"));
    if (const json& health = part(home, "health"); health.contains("round_trip_us"))
      out.gauge("viaduct_home_probe_seconds", "how long its last answer to OPTIONS took", labels, number(health, "round_trip_us") / 1e6);
  }
}

void put_load(Exposition& out, const json& load) {
  constexpr std::array<std::pair<std::string_view, const char*>, 3> quantiles = {{{"0.5", "p50_ms"}, {"0.95", "p95_ms"}, {"0.99", "p99_ms"}}};
  out.gauge("viaduct_imbalance_ratio", "load over weight of the most loaded home against the mean, over the last window", {}, number(load, "max_over_mean"));
  for (const json& home : part(load, "homes")) {
    const Labels labels = {{"home", text(home, "name")}};
    out.gauge("viaduct_home_load_per_second", "requests weighed by kind, over the last window", labels, number(home, "load_per_s"));
    out.gauge("viaduct_home_known_clients", "clients placed there explicitly, and known to live there by their slot", labels, number(home, "clients"));
    if (home.contains("utilisation") && home["utilisation"].is_number())
      out.gauge("viaduct_home_utilisation_ratio", "messages a second over its capacity, over the last window", labels, number(home, "utilisation"));
    put_labelled(out, "viaduct_home_requests", "requests that went there, by kind", "kind", part(home, "requests"), labels);
    put_labelled(out, "viaduct_home_responses", "responses that came from there, by class", "class", part(home, "responses"), labels);
    out.counter("viaduct_home_shed", "requests refused in its place", labels, number(home, "shed"));
    out.counter("viaduct_home_shed_asked", "requests refused in its place since it has asked for fewer", labels, number(home, "shed_asked"));
    if (const json& answers = part(home, "answers"); !answers.empty())
      for (const auto& [quantile, key] : quantiles) {
        Labels all = labels;
        all.emplace_back("quantile", quantile);
        out.gauge("viaduct_home_answer_seconds", "what so many of its answers took at the most, over the last window", all, number(answers, key) / 1000);
      }
  }
}

void put_edges(Exposition& out, const json& directory) {
  constexpr std::array<std::string_view, 3> states = {"up", "draining", "down"};
  for (const json& edge : part(directory, "edges")) {
    const Labels labels = {{"edge", text(edge, "name")}};
    out.state("viaduct_edge_state", "1 for the state that the directory sees the edge in", labels, states, text(edge, "state"));
    out.gauge("viaduct_edge_weight", "in its SRV record; 0: it is not offered", labels, number(edge, "weight"));
    if (edge.contains("busy_ratio") && edge["busy_ratio"].is_number())
      out.gauge("viaduct_edge_busy_ratio", "how much of its time its busiest worker is busy", labels, number(edge, "busy_ratio"));
  }
}

void put_fleet(Exposition& out, const json& fleet) {
  if (!fleet.is_object()) return;
  out.gauge("viaduct_fleet_stale", "what the fleet has is not known here: nobody is redirected", {}, flag(fleet, "stale") ? 1 : 0);
  out.gauge("viaduct_fleet_behind", "changes of the fleet's that this node does not have yet", {}, number(fleet, "behind"));
  out.gauge("viaduct_fleet_heard_ago_seconds", "since the fleet's log last answered", {}, number(fleet, "heard_ago_s"));
  out.gauge("viaduct_fleet_leads", "this node makes the fleet's plans", {}, flag(fleet, "leads") ? 1 : 0);
  out.gauge("viaduct_fleet_nodes", "nodes of the fleet that are there", {}, static_cast<double>(part(fleet, "nodes").size()));
}

}  // namespace

std::string metrics_text(const Readings& readings) {
  Exposition out;
  put_workers(out, readings.counters);
  put_parts(out, readings.counters);
  put_node(out, readings.status);
  put_homes(out, readings.homes);
  put_load(out, readings.load);
  put_edges(out, readings.directory);
  put_fleet(out, readings.fleet);
  return out.text();
}

}  // namespace viaduct::api
