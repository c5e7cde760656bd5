// SPDX-License-Identifier: Apache-2.0
// One function an answer about the node and its homes; the tables are laid out in table.cpp.
#include "show.h"

#include <nlohmann/json.hpp>

#include "fields.h"
#include "table.h"

namespace viaduct::cli {
namespace {

using nlohmann::json;

/// Whether the answer says what each counter counts.
bool has_sentences(const json& answer) { return answer.contains("what"); }

/// A counter of every worker and in all, or in all and what it counts, as a row; left out when it is zero and `all` is not asked for.
void add_counter(TextTable& table, const json& answer, const std::string& path, const std::string& name, bool all) {
  if (!all && number(field(answer, "total"), path) == 0) return;
  std::vector<std::string> row{name};
  if (!has_sentences(answer))
    for (const auto& worker : field(answer, "workers")) row.push_back(cell(worker, path));
  row.push_back(cell(field(answer, "total"), path));
  if (has_sentences(answer)) row.push_back(cell(field(answer, "what/total"), path));
  table.add(std::move(row));
}

std::vector<std::string> worker_header(const json& answer) {
  if (has_sentences(answer)) return {"counter", "total", "what"};
  std::vector<std::string> header{"counter"};
  for (const auto& worker : field(answer, "workers")) header.push_back("worker " + cell(worker, "index"));
  header.emplace_back("total");
  return header;
}

std::string worker_counters(const json& answer, bool all) {
  TextTable table{worker_header(answer)};
  for (const auto* name :
       {"rx_pkts", "handed_over", "tx_pkts", "tx_full", "bursts", "busy_ms", "sleeps", "redirects_followed", "redirects_not_followed", "reassembled",
        "fragments_expired", "fragments_spoilt", "fragments_sent", "second_homes", "registrations_put_off", "sightings_lost", "requests_shed"})
    add_counter(table, answer, name, name, all);
  for (const auto* name : {"requests_shed_asked", "overload_reports", "overload_outdated", "overload_nonsense"}) add_counter(table, answer, name, name, all);
  for (const auto* kind : {"verdicts", "drops"})
    for (const auto& [name, total] : field(field(answer, "total"), kind).items())
      add_counter(table, answer, std::string{kind} + '/' + name, (kind == std::string_view{"drops"} ? "dropped: " : "verdict: ") + name, all);
  return table.empty() ? "every worker's counters are zero\n" : table.text();
}

/// Counters under a title, with `what` they count; null: nothing is said of it.
std::string named_counters(const std::string& title, const json& counters, const json& what, bool all) {
  std::vector<std::string> header{title, "total"};
  if (!what.is_null()) header.emplace_back("what");
  TextTable table{std::move(header)};
  for (const auto& [name, value] : counters.items()) {
    if (!all && number(value, "") == 0) continue;
    std::vector<std::string> row{name, as_text(value)};
    if (!what.is_null()) row.push_back(cell(what, name));
    table.add(std::move(row));
  }
  return table.empty() ? "" : '\n' + table.text();
}

std::string port_counters(json port, const json& what, bool all) {
  const std::string name = port.value("name", "");
  port.erase("name");
  return named_counters(name.empty() ? "port" : "port " + name, port, what, all);
}

/// What a home is, of one in slow start how many of its clients are back, whether the store has it so, and how much it wants.
std::string state_of(const json& home) {
  const std::string kept = field(home, "kept") == false ? ", not kept" : "";
  if (field(home, "by_health") == true) return cell(home, "state") + " by health" + kept;
  const auto& returned = field(home, "returned_ratio");
  const std::string asks = asked(home) == "-" ? "" : ", asks for " + asked(home);
  return cell(home, "state") + (returned.is_number() ? ' ' + percent(returned.get<double>()) : "") + kept + asks;
}

/// What somebody's probes say, for how long, and how long an answer takes.
std::string seen_of(const json& probed) {
  if (!field(probed, "seen").is_string()) return "not asked";
  if (!field(probed, "for_s").is_number()) return cell(probed, "seen");
  const std::string seen = cell(probed, "seen") + " for " + duration(number(probed, "for_s"));
  const double round_trip_us = number(probed, "round_trip_us");
  return round_trip_us == 0 ? seen : seen + ", " + decimal(round_trip_us / 1000) + " ms";
}

}  // namespace

std::string show_status(const json& answer) {
  Facts facts;
  facts.add("node",
            cell(answer, "node") + ", version " + cell(answer, "version") + ", pid " + cell(answer, "pid") + ", up " + duration(number(answer, "uptime_s")));
  facts.add("profile", cell(answer, "profile"));
  for (const auto& port : field(answer, "ports")) {
    const std::string name = port.value("name", "");
    facts.add(name.empty() ? "port" : "port " + name, cell(port, "driver") + ", " + cell(port, "rx_queues") + " rx and " + cell(port, "tx_queues") +
                                                          " tx queues, checksums: rx by " + cell(port, "rx_checksums") + ", tx by " +
                                                          cell(port, "tx_checksums"));
  }
  facts.add("listen", cell(answer, "listen"));
  facts.add("homes", cell(answer, "homes/up") + " up, " + cell(answer, "homes/draining") + " draining, " + cell(answer, "homes/down") + " down" +
                         (number(answer, "homes/returning") > 0 ? ", " + cell(answer, "homes/returning") + " returning" : "") +
                         (field(answer, "health/frozen") == true ? "; so many look dead that nothing is planned" : ""));
  facts.add("assignment", "policy " + cell(answer, "assignment/policy") + ", epoch " + cell(answer, "epoch") + ", " + cell(answer, "assignment/pins") +
                              " pins, " + cell(answer, "assignment/overrides") + " overrides, room for " + cell(answer, "assignment/capacity") + " in " +
                              mebibytes(answer, "assignment/bytes"));
  facts.add("registrar", cell(answer, "registrar/clients") + " clients, " + cell(answer, "registrar/bindings") + " bindings, " +
                             cell(answer, "registrar/subscriptions") + " subscriptions");
  facts.add("memory", mebibytes(answer, "memory/allocated") + " allocated, " + mebibytes(answer, "memory/active") + " active, " +
                          mebibytes(answer, "memory/resident") + " resident, " + mebibytes(answer, "memory/mapped") + " mapped");
  facts.add("store", cell(answer, "store/path") + ", " + mebibytes(answer, "store/bytes") + (field(answer, "store/read_only") == true ? ", read-only" : "") +
                         (number(answer, "store/homes_unkept") > 0 ? ", has refused the state of " + cell(answer, "store/homes_unkept") + " homes" : "") +
                         (field(answer, "store/loaded") == false ? ", loading: " + percent(number(answer, "store/loaded_ratio")) : ""));
  if (field(answer, "fleet").is_object())
    facts.add("fleet", cell(answer, "fleet/nodes") + " nodes, plans made by " +
                           (cell(answer, "fleet/leader").empty() ? "nobody" : cell(answer, "fleet/leader")) +
                           (number(answer, "fleet/behind") > 0 ? ", " + cell(answer, "fleet/behind") + " changes behind" : "") +
                           (field(answer, "fleet/stale") == true ? ", stale: nobody is redirected" : ""));
  TextTable workers{{"worker", "cpu", "rx", "tx", "bursts", "sleeps"}};
  for (const auto& worker : field(answer, "workers")) add_row(workers, worker, {"index", "cpu", "rx", "tx", "bursts", "sleeps"});
  return facts.text() + '\n' + workers.text();
}

std::string show_homes(const json& answer) {
  TextTable table{{"home", "address", "public", "weight", "state", "health", "local", "viaduct", "slots", "clients", "pins", "unreachable"}};
  for (const auto& home : field(answer, "homes")) {
    std::vector<std::string> row;
    for (const auto* path : {"name", "address", "public", "weight"}) row.push_back(cell(home, path));
    row.push_back(state_of(home));
    row.push_back(seen_of(field(home, "health")));
    for (const auto* path : {"local", "viaduct", "slots", "clients", "pins", "unreachable"}) row.push_back(cell(home, path));
    table.add(std::move(row));
  }
  return table.empty() ? "no homes\n" : table.text();
}

std::string show_counters(const json& answer, bool all) {
  std::string out = worker_counters(answer, all);
  for (const std::string part : {"control", "registrar", "watchers", "directory"})
    out += named_counters(part, field(answer, part), field(answer, "what/" + part), all);
  for (const auto& port : field(answer, "ports")) out += port_counters(port, field(answer, "what/ports"), all);
  const bool balanced = field(answer, "balanced") == true;
  return out + '\n' + (balanced ? "every packet has its verdict\n" : "not balanced: read while the workers ran, or packets are still in their hands\n");
}

std::string show_directory(const json& answer) {
  TextTable table{{"edge", "state", "health", "busy", "priority", "weight"}};
  for (const auto& edge : field(answer, "edges")) {
    const bool is_offered = field(edge, "offered") == true;
    const auto& busy = field(edge, "busy_ratio");
    table.add({cell(edge, "name"), cell(edge, "state"), field(edge, "own") == true ? "this node" : seen_of(edge),
               busy.is_number() ? percent(busy.get<double>()) : "-", is_offered ? cell(edge, "priority") : "-", is_offered ? cell(edge, "weight") : "-"});
  }
  std::string errors;
  for (const auto& edge : field(answer, "edges"))
    if (field(edge, "error").is_string()) errors += cell(edge, "name") + ": " + cell(edge, "error") + '\n';
  Facts facts;
  facts.add("zones", cell(answer, "zones") + ", serial " + cell(answer, "serial") + ", TTL " + cell(answer, "ttl_s") + " s");
  facts.add("asked at", cell(answer, "socket") + (field(answer, "listen").is_string() ? " and http://" + cell(answer, "listen") : ""));
  return facts.text() + '\n' + table.text() + errors;
}

std::string show_fleet(const json& answer) {
  Facts facts;
  facts.add("log",
            "etcd at " + cell(answer, "endpoints") + ", " + cell(answer, "prefix") + ", changes " + cell(answer, "first") + " to " + cell(answer, "last"));
  const double behind = number(answer, "behind");
  const std::string here = "epoch " + cell(answer, "epoch") + (behind > 0 ? ", " + cell(answer, "behind") + " behind" : "");
  facts.add("this node", here + (field(answer, "stale") == true ? ", stale: nobody is redirected" : "") +
                             (field(answer, "trouble").is_string() ? "; " + cell(answer, "trouble") : ""));
  facts.add("plans", field(answer, "leader").is_string() ? "made by " + cell(answer, "leader") : "made by nobody");
  TextTable table{{"node", "epoch", "leads", "control", "version"}};
  for (const auto& node : field(answer, "nodes")) add_row(table, node, {"name", "epoch", "leads", "control", "version"});
  return facts.text() + '\n' + (table.empty() ? "no node is there\n" : table.text());
}

std::string show_import(const json& answer) {
  std::string out = cell(answer, "rows") + " rows, " + cell(answer, "changed") + " clients changed, " + cell(answer, "rejected") + " lines rejected";
  if (number(answer, "repeated") > 0) out += ", " + cell(answer, "repeated") + " rows replaced by a later one";
  if (field(answer, "epoch").is_number()) out += ", epoch " + cell(answer, "epoch");
  return out + '\n';
}

std::string show_verified(const json& answer) { return cell(answer, "clients") + " clients: store and table agree\n"; }

std::string show_stats(const json& answer) {
  Facts facts;
  facts.add("clients", cell(answer, "clients") + ": " + cell(answer, "overrides") + " overrides, " + cell(answer, "pins") + " pins" +
                           (field(answer, "loaded") == false ? " (still loading)" : ""));
  facts.add("table", mebibytes(answer, "table/bytes") + ", " + decimal(number(answer, "table/bytes_per_client")) + " octets a client, " +
                         cell(answer, "table/shards") + " shards, " + percent(number(answer, "table/load_ratio")) + " full, " +
                         mebibytes(answer, "table/reserved_bytes") + " on reserved huge pages");
  facts.add("store", mebibytes(answer, "store/bytes") + ", " + decimal(number(answer, "store/bytes_per_client")) + " octets a client");
  TextTable table{{"home", "overrides", "pins"}};
  for (const auto& [name, counts] : field(answer, "homes").items()) table.add({name, cell(counts, "overrides"), cell(counts, "pins")});
  return facts.text() + '\n' + table.text();
}

std::string show_home_change(const json& answer) {
  const std::string warning = field(answer, "warning").is_string() ? "warning: " + cell(answer, "warning") + '\n' : "";
  return warning + "done, epoch " + cell(answer, "epoch") + '\n';
}

std::string show_rules(const json& answer) {
  TextTable table{{"rule", "do", "file", "hits"}};
  for (const auto& rule : field(answer, "rules")) add_row(table, rule, {"rule", "do", "file", "hits"});
  return table.empty() ? "no rules\n" : table.text();
}

std::string show_rules_reload(const json& answer) { return cell(answer, "rules") + " rules\n"; }

std::string show_reload(const json& answer) {
  return bullets("in force", field(answer, "applied")) + bullets("needs a restart", field(answer, "needs_restart")) +
         bullets("not applied: the store says otherwise", field(answer, "differs")) + "epoch " + cell(answer, "epoch") + '\n';
}

}  // namespace viaduct::cli
