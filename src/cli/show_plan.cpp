// SPDX-License-Identifier: Apache-2.0
// Plans as text.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "bars.h"
#include "fields.h"
#include "follow.h"
#include "plan.h"
#include "table.h"

namespace viaduct::cli {
namespace {

using nlohmann::json;

std::string homes_table(const json& plan) {
  double largest = 0;
  for (const json& h : plan["homes"]) largest = std::max({largest, number(h, "before"), number(h, "after")});
  TextTable table({"HOME", "BEFORE", "", "AFTER", "", "IN", "OUT"});
  for (const json& h : plan["homes"])
    table.add({cell(h, "home"), fmt::format("{:.1f}", number(h, "before")), load_bar(number(h, "before"), largest), fmt::format("{:.1f}", number(h, "after")),
               load_bar(number(h, "after"), largest), cell(h, "clients_in"), cell(h, "clients_out")});
  return table.text();
}

}  // namespace

double plan_left(const json& plan) {
  return std::max(0.0, number(plan, "clients") - number(plan, "confirmed") - number(plan, "unconfirmed") - number(plan, "overtaken"));
}

std::string plan_progress(const json& plan) {
  const double clients = number(plan, "clients");
  return fmt::format("{} {} of {} moved, {} confirmed, {} waiting, {} unconfirmed ({} sticky), {} told",
                     progress_bar(clients > 0 ? 1 - plan_left(plan) / clients : 1), cell(plan, "moved"), cell(plan, "clients"), cell(plan, "confirmed"),
                     cell(plan, "waiting"), cell(plan, "unconfirmed"), cell(plan, "sticky"), cell(plan, "told"));
}

std::string show_plan(const json& answer) {
  const json& plan = answer["plan"];
  Facts facts;
  if (number(plan, "id") > 0) facts.add("plan", fmt::format("{}, {}, {}", cell(plan, "id"), cell(plan, "state"), cell(plan, "mode")));
  if (plan.contains("verdict")) facts.add("verdict", cell(plan, "verdict"));
  facts.add("why", cell(plan, "reason"));
  if (!plan.value("trouble", std::string{}).empty()) facts.add("trouble", cell(plan, "trouble"));
  facts.add("max/mean", fmt::format("{:.3f} -> {:.3f}", number(plan, "imbalance_before"), number(plan, "imbalance_after")));
  facts.add("moves", fmt::format("{} clients, {} slots of them whole; {:.1f} messages/s of load", cell(plan, "clients"), cell(plan, "slots"),
                                 number(plan, "load_moved")));
  facts.add("cost", fmt::format("{:.0f}, {:.4f} of the least that does the same", number(plan, "cost"), number(plan, "score")));
  facts.add("sends", fmt::format("{:.0f} messages at the most, {:.0f} clients/s: {} at the least", number(plan, "messages"), number(plan, "clients_per_s"),
                                 duration(number(plan, "clients_per_s") > 0 ? number(plan, "clients") / number(plan, "clients_per_s") : 0)));
  if (number(plan, "moved") > 0) facts.add("progress", plan_progress(plan));
  return facts.text() + '\n' + homes_table(plan);
}

std::string show_plans(const json& answer) {
  TextTable table({"PLAN", "STATE", "MODE", "CLIENTS", "MOVED", "CONFIRMED", "UNCONFIRMED", "STICKY", "MAX/MEAN", "BY", "WHY"});
  for (const json& plan : answer["plans"])
    table.add({cell(plan, "id"), cell(plan, "state"), cell(plan, "mode"), cell(plan, "clients"), cell(plan, "moved"), cell(plan, "confirmed"),
               cell(plan, "unconfirmed"), cell(plan, "sticky"),
               fmt::format("{:.2f} -> {:.2f}", number(plan, "imbalance_before"), number(plan, "imbalance_after")), cell(plan, "author"), cell(plan, "reason")});
  return (table.empty() ? std::string("no plans yet\n") : table.text()) + "now: " + cell(answer, "hold") + '\n';
}

std::string show_plan_steps(const json& answer) {
  TextTable table({"CLIENT", "FROM", "TO", "STATE"});
  for (const json& step : answer["steps"])
    table.add({step.contains("aor") ? cell(step, "aor") : "slot " + cell(step, "slot") + ", " + cell(step, "clients") + " clients", cell(step, "from"),
               cell(step, "to"), cell(step, "state")});
  return table.empty() ? "nobody is on his way\n" : table.text();
}

}  // namespace viaduct::cli
