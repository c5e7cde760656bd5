// SPDX-License-Identifier: Apache-2.0
// Verbs about plans: make one, look at it, carry it out, hold it.
#include <algorithm>
#include <array>

#include "answers.h"
#include "arguments.h"

namespace viaduct::api {
namespace {

using migration::MoveMode;
using migration::Plan;
using migration::PlanState;
using migration::Step;
using nlohmann::json;

constexpr std::array modes = {MoveMode::lazy, MoveMode::paced, MoveMode::evacuate};

/// Where a client who moves tells: he, and each watcher, subscribes and is answered; he registers.
constexpr double messages_per_move = 14;

constexpr std::uint32_t steps_told_max = 1'000'000;
constexpr std::uint32_t weight_max = 65'535;   // as `home.weight`

json plan_json(const Plan& p) {
  json homes = json::array();
  for (const migration::Forecast& h : p.homes)
    homes.push_back(
        {{"home", h.home}, {"before", h.before}, {"after", h.after}, {"capacity", h.capacity}, {"clients_in", h.clients_in}, {"clients_out", h.clients_out}});
  const std::uint64_t gone = p.moved + p.overtaken;
  const std::uint64_t left = p.state == PlanState::aborted ? 0 : p.clients - std::min(p.clients, gone);
  return {{"id", p.id},
          {"state", migration::name(p.state)},
          {"mode", migration::name(p.mode)},
          {"author", p.author},
          {"reason", p.reason},
          {"trouble", p.trouble},
          {"created_s", p.created_s},
          {"ended_s", p.ended_s},
          {"clients_per_s", p.clients_per_s},
          {"homes", homes},
          {"imbalance_before", p.imbalance_before},
          {"imbalance_after", p.imbalance_after},
          {"load_moved", p.load_moved},
          {"cost", p.cost},
          {"lower_bound", p.lower_bound},
          {"score", p.lower_bound > 0 ? p.cost / p.lower_bound : 1.0},
          {"messages", static_cast<double>(p.clients) * messages_per_move},
          {"clients", p.clients},
          {"slots", p.slots},
          {"moved", p.moved},
          {"confirmed", p.confirmed},
          {"unconfirmed", p.unconfirmed},
          {"sticky", p.sticky},
          {"waiting", p.moved - std::min(p.moved, p.confirmed + p.unconfirmed)},
          {"overtaken", p.overtaken},
          {"told", p.told},
          {"left", left},
          {"least_s", p.clients_per_s > 0 ? static_cast<double>(left) / p.clients_per_s : 0.0}};
}

control::Expected<Plan> named_plan(const Plant& plant, const json& request) {
  const auto id = whole_number(request, "id", any_number);
  const auto plans = plant.mover.plans();
  if (plans.empty()) return std::unexpected("there is no plan");
  if (!id) return plans.back();
  const auto at = std::ranges::find(plans, *id, &Plan::id);
  if (at == plans.end()) return std::unexpected("plan " + std::to_string(*id) + ": no such plan");
  return *at;
}

json shown(const control::Expected<Plan>& plan) {
  if (!plan) return failure(plan.error());
  return {{"ok", true}, {"plan", plan_json(*plan)}};
}

/// If the request has one. Errors: std::invalid_argument, which becomes the answer.
std::optional<MoveMode> mode_of(const json& request) {
  if (!request.contains("mode")) return std::nullopt;
  const auto named = request["mode"].get<std::string>();
  const auto at = std::ranges::find(modes, named, [](MoveMode mode) { return migration::name(mode); });
  if (at == modes.end()) throw std::invalid_argument("mode: lazy, paced or evacuate");
  return *at;
}

migration::Wish wish_of(const json& request) {
  migration::Wish wish{.without = request.value("without", std::string{}),
                       .with = {},
                       .target = number(request, "target", {0.001, 1}),
                       .moves_ratio_max = number(request, "moves_max", {0, 1}),
                       .loads = {},
                       .is_forced = request.value("force", false)};
  const auto weight = whole_number(request, "with_weight", {1, weight_max});
  if (weight) wish.with = balance::Home{.weight = static_cast<double>(*weight), .state = balance::HomeState::joining};
  if (request.contains("loads")) wish.loads = request["loads"].get<std::map<std::string, double>>();
  return wish;
}

json create(const Plant& plant, const json& request, const std::string& who) {
  const bool drains = request.contains("without");
  const auto id = plant.balancer.create(wish_of(request), mode_of(request).value_or(drains ? MoveMode::paced : MoveMode::lazy), who);
  if (!id) return failure(id.error());
  return shown(named_plan(plant, {{"id", *id}}));
}

json simulate(const Plant& plant, const json& request) {
  const auto made = plant.balancer.simulate(wish_of(request));
  if (!made) return failure(made.error());
  json out = {{"ok", true}, {"plan", plan_json(made->plan)}};
  out["plan"]["verdict"] = balance::name(made->outcome.verdict);
  return out;
}

json told(const control::Expected<void>& done, const Plant& plant, const json& request) {
  if (!done) return failure(done.error());
  return shown(named_plan(plant, request));
}

/// The plan's number, or the newest plan's.
control::Expected<std::uint32_t> id_of(const Plant& plant, const json& request) {
  const auto plan = named_plan(plant, request);
  if (!plan) return std::unexpected(plan.error());
  return plan->id;
}

template <control::Expected<void> (migration::Mover::*act)(std::uint32_t)>
Answer acted(const Plant& plant, const json& request) {
  return answering([&plant, request] {
    const auto id = id_of(plant, request);
    return id ? told((plant.mover.*act)(*id), plant, request) : failure(id.error());
  });
}

}  // namespace

json step_json(const site::Site& site, const Step& step) {
  constexpr std::array states = {"planned", "committed", "settled", "resting"};
  json out = {{"from", home_name(site, step.from)},
              {"to", home_name(site, step.to)},
              {"state", states[static_cast<std::size_t>(step.state)]},
              {"clients", step.clients}};
  if (step.is_slot)
    out["slot"] = assign::slot_of(step.key);
  else
    out["aor"] = step.aor;
  return out;
}

Answer plan_create(const Plant& plant, const json& request, const std::string& who) {
  return answering([&plant, request, who] { return create(plant, request, who); });
}

Answer plan_simulate(const Plant& plant, const json& request, const std::string&) {
  return answering([&plant, request] { return simulate(plant, request); });
}

Answer plan_apply(const Plant& plant, const json& request, const std::string&) {
  return answering([&plant, request] {
    const auto id = id_of(plant, request);
    if (!id) return failure(id.error());
    return told(plant.mover.apply(*id, number(request, "rate", {0.001, 1e6}), mode_of(request)), plant, request);
  });
}

Answer plan_pause(const Plant& plant, const json& request, const std::string&) { return acted<&migration::Mover::pause>(plant, request); }
Answer plan_resume(const Plant& plant, const json& request, const std::string&) { return acted<&migration::Mover::resume>(plant, request); }
Answer plan_abort(const Plant& plant, const json& request, const std::string&) { return acted<&migration::Mover::abort>(plant, request); }

Answer plan_show(const Plant& plant, const json& request, const std::string&) {
  return answering([&plant, request] { return shown(named_plan(plant, request)); });
}

Answer plan_history(const Plant& plant, const json&, const std::string&) {
  return answering([&plant] {
    json rows = json::array();
    for (const Plan& plan : plant.mover.plans()) rows.push_back(plan_json(plan));
    return json{{"ok", true}, {"plans", rows}, {"hold", balance::name(plant.balancer.hold())}};
  });
}

Answer plan_diff(const Plant& plant, const json& request, const std::string&) {
  return answering([&plant, request] {
    const auto id = id_of(plant, request);
    if (!id) return failure(id.error());
    const auto steps = plant.mover.steps(*id, whole_number(request, "most", {1, steps_told_max}).value_or(1000));
    json rows = json::array();
    plant.loop.call([&] {
      for (const Step& step : steps) rows.push_back(step_json(plant.commons.site.read(), step));
    });
    return json{{"ok", true}, {"id", *id}, {"steps", rows}};
  });
}

}  // namespace viaduct::api
