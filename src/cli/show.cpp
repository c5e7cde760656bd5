// SPDX-License-Identifier: Apache-2.0
// One function an answer; the tables are laid out in table.cpp.
#include "show.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

#include "table.h"

namespace viaduct::cli {
namespace {

using nlohmann::json;

/// The field at a path; null when it is not there.
const json& field(const json& from, std::string_view path) {
  static const json none;
  const json* at = &from;
  while (!path.empty()) {
    const auto slash = path.find('/');
    const std::string key{path.substr(0, slash)};
    if (!at->is_object() || !at->contains(key)) return none;
    at = &(*at)[key];
    path.remove_prefix(slash == path.npos ? path.size() : slash + 1);
  }
  return *at;
}

std::string text_of(const json& value) {
  if (value.is_string()) return value.get_ref<const std::string&>().empty() ? "-" : value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_null()) return "-";
  if (!value.is_array()) return value.dump();
  std::string out;
  for (const auto& element : value) out += (out.empty() ? "" : ", ") + text_of(element);
  return out.empty() ? "-" : out;
}

std::string mebibytes(const json& from, std::string_view path) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f MiB", number(from, path) / (1024 * 1024));
  return text.data();
}

std::string percent(double ratio) { return std::to_string(std::lround(ratio * 100)) + " %"; }

std::string decimal(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f", value);
  return text.data();
}

/// Seconds since 1970 as local time.
std::string moment(const json& at_s) {
  if (!at_s.is_number()) return "-";
  const auto seconds = at_s.get<std::time_t>();
  std::tm local{};
  localtime_r(&seconds, &local);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &local);
  return text.data();
}

void add_row(TextTable& table, const json& from, std::initializer_list<std::string_view> paths) {
  std::vector<std::string> row;
  for (const auto path : paths) row.push_back(cell(from, path));
  table.add(std::move(row));
}

/// A counter of every worker and in all, as a row; left out when it is zero and `all` is not asked for.
void add_counter(TextTable& table, const json& answer, const std::string& path, const std::string& name, bool all) {
  if (!all && number(field(answer, "total"), path) == 0) return;
  std::vector<std::string> row{name};
  for (const auto& worker : field(answer, "workers")) row.push_back(cell(worker, path));
  row.push_back(cell(field(answer, "total"), path));
  table.add(std::move(row));
}

std::string worker_counters(const json& answer, bool all) {
  std::vector<std::string> header{"counter"};
  for (const auto& worker : field(answer, "workers")) header.push_back("worker " + cell(worker, "index"));
  header.emplace_back("total");
  TextTable table{std::move(header)};
  for (const auto* name :
       {"rx_pkts", "handed_over", "tx_pkts", "tx_full", "bursts", "sleeps", "redirects_followed", "redirects_not_followed", "reassembled", "fragments_expired",
        "fragments_spoilt", "fragments_sent", "second_homes", "registrations_put_off", "sightings_lost", "requests_shed"})
    add_counter(table, answer, name, name, all);
  for (const auto* name : {"requests_shed_asked", "overload_reports", "overload_outdated", "overload_nonsense"}) add_counter(table, answer, name, name, all);
  for (const auto* kind : {"verdicts", "drops"})
    for (const auto& [name, total] : field(field(answer, "total"), kind).items())
      add_counter(table, answer, std::string{kind} + '/' + name, (kind == std::string_view{"drops"} ? "dropped: " : "verdict: ") + name, all);
  return table.empty() ? "every worker's counters are zero\n" : table.text();
}

std::string named_counters(const json& answer, const std::string& part, bool all) {
  TextTable table{{part, "total"}};
  for (const auto& [name, value] : field(answer, part).items())
    if (all || number(value, "") != 0) table.add({name, text_of(value)});
  return table.empty() ? "" : '\n' + table.text();
}

std::string port_counters(json port, bool all) {
  const std::string name = port.value("name", "");
  const std::string title = name.empty() ? "port" : "port " + name;
  port.erase("name");
  return named_counters({{title, port}}, title, all);
}

/// What a home is, of one in slow start how many of its clients are back, and how much it wants.
std::string state_of(const json& home) {
  if (field(home, "by_health") == true) return cell(home, "state") + " by health";
  const auto& returned = field(home, "returned_ratio");
  const std::string asks = asked(home) == "-" ? "" : ", asks for " + asked(home);
  return cell(home, "state") + (returned.is_number() ? ' ' + percent(returned.get<double>()) : "") + asks;
}

/// What its probes say, for how long, and how long an answer takes.
std::string health_of(const json& home) {
  if (!field(home, "health/for_s").is_number()) return cell(home, "health/seen");
  const std::string seen = cell(home, "health/seen") + " for " + duration(number(home, "health/for_s"));
  const double round_trip_us = number(home, "health/round_trip_us");
  return round_trip_us == 0 ? seen : seen + ", " + decimal(round_trip_us / 1000) + " ms";
}

std::string bullets(const std::string& title, const json& list) {
  std::string out;
  for (const auto& line : list) out += "  - " + harmless(text_of(line)) + '\n';
  return out.empty() ? "" : title + '\n' + out;
}

}  // namespace

std::string cell(const json& from, std::string_view path) { return text_of(field(from, path)); }

double number(const json& from, std::string_view path) {
  const auto& value = field(from, path);
  return value.is_number() ? value.get<double>() : 0;
}

std::string duration(double seconds) {
  const auto whole = std::llround(seconds);
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%lldd %02lld:%02lld:%02lld", whole / 86400, whole / 3600 % 24, whole / 60 % 60, whole % 60);
  return text.data();
}

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
                         (field(answer, "store/loaded") == false ? ", loading: " + percent(number(answer, "store/loaded_ratio")) : ""));
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
    row.push_back(health_of(home));
    for (const auto* path : {"local", "viaduct", "slots", "clients", "pins", "unreachable"}) row.push_back(cell(home, path));
    table.add(std::move(row));
  }
  return table.empty() ? "no homes\n" : table.text();
}

std::string show_counters(const json& answer, bool all) {
  std::string out = worker_counters(answer, all);
  for (const auto* part : {"control", "registrar", "watchers"}) out += named_counters(answer, part, all);
  for (const auto& port : field(answer, "ports")) out += port_counters(port, all);
  const bool balanced = field(answer, "balanced") == true;
  return out + '\n' + (balanced ? "every packet has its verdict\n" : "not balanced: read while the workers ran, or packets are still in their hands\n");
}

static TextTable binding_table(const json& bindings) {
  TextTable table{{"contact", "expires in s", "flow", "path", "cseq"}};
  for (const auto& binding : bindings) add_row(table, binding, {"contact", "expires_in_s", "flow", "path", "cseq"});
  return table;
}

/// How far he is on his way from one home to another.
static std::string move_sentence(const json& move) {
  const std::string state = cell(move, "state");
  const std::string how = state == "planned"     ? "not set out yet"
                          : state == "committed" ? "set out, not registered there yet"
                                                 : "there, his watchers are being told";
  const std::string plan = field(move, "plan").is_number() ? "by plan " + cell(move, "plan") : "by hand";
  return "from " + cell(move, "from") + " to " + cell(move, "to") + ", " + plan + ": " + how;
}

std::string show_client(const json& answer) {
  Facts facts;
  for (const auto* name : {"aor", "key", "home", "layer", "epoch", "slot_home"}) facts.add(name, cell(answer, name));
  if (field(answer, "move").is_object()) facts.add("move", move_sentence(field(answer, "move")));
  std::string out = facts.text();
  const TextTable table = binding_table(field(answer, "bindings"));
  out += table.empty() ? "no binding on this node\n" : '\n' + table.text();
  if (const TextTable seen = binding_table(field(answer, "seen")); !seen.empty()) out += "\nseen of his home, since he is watched here:\n" + seen.text();
  if (field(answer, "note").is_string()) out += harmless(cell(answer, "note")) + '\n';
  return out;
}

std::string show_explanation(const json& answer) {
  Facts facts;
  for (const auto* name : {"aor", "home", "layer", "vias", "verdict", "effective_home"}) facts.add(name, cell(answer, name));
  return facts.text() + bullets("because", field(answer, "why"));
}

std::string show_bound(const json& answer) { return cell(answer, "aor") + '\n' + binding_table(field(answer, "bindings")).text(); }

std::string show_deregistered(const json& answer) { return cell(answer, "aor") + ": " + cell(answer, "removed") + " bindings removed\n"; }

std::string show_assigned(const json& answer) {
  Facts facts;
  for (const auto* name : {"aor", "home", "layer", "epoch"}) facts.add(name, cell(answer, name));
  if (field(answer, "move").is_object()) facts.add("move", move_sentence(field(answer, "move")));
  return facts.text() + (field(answer, "changed") == false ? "nothing to change\n" : "");
}

std::string show_history(const json& answer) {
  TextTable table{{"epoch", "when", "who", "from", "to", "why"}};
  const auto place = [](const json& event, const char* home, const char* pin) { return cell(event, home) + (field(event, pin) == true ? " (pin)" : ""); };
  for (const auto& event : field(answer, "history"))
    table.add({cell(event, "epoch"), moment(field(event, "at_s")), cell(event, "who"), place(event, "from", "from_pin"), place(event, "to", "to_pin"),
               cell(event, "why")});
  return table.empty() ? "never placed, or so long ago that it is forgotten\n" : table.text();
}

std::string show_import(const json& answer) {
  std::string out = cell(answer, "rows") + " rows, " + cell(answer, "changed") + " clients changed, " + cell(answer, "rejected") + " lines rejected";
  if (number(answer, "repeated") > 0) out += ", " + cell(answer, "repeated") + " rows replaced by a later one";
  return out + ", epoch " + cell(answer, "epoch") + '\n';
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

std::string show_home_change(const json& answer) { return "done, epoch " + cell(answer, "epoch") + '\n'; }

std::string show_subscriptions(const json& answer) {
  TextTable table{{"id", "event", "watched", "by", "sent to", "expires in s", "owed", "ends"}};
  for (const auto& s : field(answer, "subscriptions")) add_row(table, s, {"id", "event", "aor", "subscriber", "next", "expires_in_s", "owed", "ending"});
  return table.empty() ? "nobody watches\n" : table.text() + cell(answer, "total") + " subscriptions\n";
}

std::string show_subscription(const json& answer) {
  Facts facts;
  for (const auto* name : {"id", "event", "aor", "subscriber", "target", "next", "expires_in_s", "cseq", "open", "owed", "ending"})
    facts.add(name, cell(answer, name));
  return facts.text();
}

std::string show_terminated(const json& answer) { return cell(answer, "ended") + " subscriptions end\n"; }

std::string show_rules(const json& answer) {
  TextTable table{{"rule", "do", "file", "hits"}};
  for (const auto& rule : field(answer, "rules")) add_row(table, rule, {"rule", "do", "file", "hits"});
  return table.empty() ? "no rules\n" : table.text();
}

std::string show_rules_reload(const json& answer) { return cell(answer, "rules") + " rules\n"; }

std::string show_reload(const json& answer) {
  const std::string applied = bullets("applied", field(answer, "applied"));
  return (applied.empty() ? "nothing to apply\n" : applied) + bullets("needs a restart", field(answer, "needs_restart")) +
         bullets("not applied: the store says otherwise", field(answer, "differs")) + "epoch " + cell(answer, "epoch") + '\n';
}

}  // namespace viaduct::cli
