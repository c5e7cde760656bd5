// SPDX-License-Identifier: Apache-2.0
// Answers about clients, and about who watches them.
#include <nlohmann/json.hpp>

#include "fields.h"
#include "show.h"
#include "table.h"

namespace viaduct::cli {

using nlohmann::json;

static TextTable binding_table(const json& bindings) {
  TextTable table{{"contact", "registered s ago", "expires in s", "flow", "path", "cseq"}};
  for (const auto& binding : bindings) add_row(table, binding, {"contact", "registered_ago_s", "expires_in_s", "flow", "path", "cseq"});
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
  for (const auto* name : {"aor", "home", "layer", "vias", "source", "verdict", "effective_home"}) facts.add(name, cell(answer, name));
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

}  // namespace viaduct::cli
