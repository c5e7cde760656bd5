// SPDX-License-Identifier: Apache-2.0
// Verbs that change the homes of the fleet, and how empty one is. What a home may be is the configuration's to say: a request becomes the text of a table of it.
#include <spdlog/spdlog.h>

#include <array>

#include "answers.h"
#include "viaduct/control/homes.h"

namespace viaduct::api {
namespace {

using nlohmann::json;

/// The fields of a request that describe a home, laid over those that stand, as TOML (whose strings, numbers and arrays are JSON's).
std::string toml_of(const json& request, const json& standing) {
  std::string toml;
  for (const char* key : {"name", "address", "public", "weight", "capacity", "local", "viaduct", "probe", "control", "zone", "reg_notifier", "max_per_s"}) {
    const json& value = request.contains(key) ? request[key] : standing.value(key, json());
    if (!value.is_null()) toml += std::string(key) + " = " + value.dump() + '\n';
  }
  return toml;
}

/// Who changed a home by hand is in the log, since it may be asked at once.
void log_change(const std::string& name, std::string_view what, const store::Author& author) {
  spdlog::info("home {} is {} by {}{}{}", name, what, author.who, author.why.empty() ? "" : ": ", author.why);
}

json told(const std::string& name, std::string_view what, const store::Author& author, const control::Expected<control::Outcome>& done) {
  if (!done) return failure(done.error());
  log_change(name, what, author);
  return {{"ok", true}, {"epoch", done->epoch}};
}

json told_state(const std::string& name, assign::HomeState state, const store::Author& author, const control::Expected<control::StateOutcome>& done) {
  if (!done) return failure(done.error());
  log_change(name, state == assign::HomeState::draining ? "drained" : state == assign::HomeState::up ? "brought up" : "taken down", author);
  json out = {{"ok", true}, {"epoch", done->epoch}};
  if (!done->refusal.empty())
    out["warning"] = name + ": is " + std::string(assign::name(state)) + ", but a restart would not know of it until the store takes it: " + done->refusal;
  return out;
}

store::Author author_of(const json& request, const std::string& who) { return {who, request.value("why", std::string{})}; }

json change_home(const Plant& plant, const json& request, const std::string& who) {
  const auto name = request.at("name").get<std::string>();
  const auto toml = [&request](const assign::Home& home) {
    json standing = json::parse(control::describe(home));
    // Where clients are sent follows where edges send, unless it was another place.
    if (request.contains("address") && standing["public"] == json::array({standing["address"]})) standing.erase("public");
    // Who is or becomes a Viaduct notifies by itself, unless it is said otherwise.
    if (request.contains("viaduct") || request.contains("control")) standing.erase("reg_notifier");
    return toml_of(request, standing);
  };
  const store::Author author = author_of(request, who);
  return told(name, "changed", author, plant.fleet.set(name, toml, author));
}

template <assign::HomeState state>
Answer set_state(const Plant& plant, const json& request, const std::string& who) {
  return answering([&plant, request, who] {
    const auto name = request.at("name").get<std::string>();
    const store::Author author = author_of(request, who);
    return told_state(name, state, author, plant.fleet.set_state(name, state, author));
  });
}

/// A home, and who is placed there: by an entry of his own, or by his slot as far as he is known.
struct Leaving {
  assign::HomeIndex home{assign::no_home};
  assign::HomeState state{};
  bool is_local{};
  std::uint64_t clients{};
};

control::Expected<Leaving> leaving(const Plant& plant, const std::string& name) {
  Leaving out;
  plant.loop.call([&] {
    const site::Site& site = plant.commons.site.read();
    out.home = site.homes.find(name);
    if (out.home != assign::no_home) out.state = site.homes[out.home].state, out.is_local = site.homes[out.home].is_local;
  });
  if (out.home == assign::no_home || out.state == assign::HomeState::removed) return std::unexpected(name + ": no such home");
  const auto placed = plant.placements.counts();
  if (out.home < placed.size()) out.clients = placed[out.home].overrides + placed[out.home].pins;
  for (const control::SlotLoad& slot : plant.monitor.slots())
    if (slot.home == out.home) out.clients += slot.clients;
  return out;
}

json leaving_json(const Plant& plant, const json& request) {
  const auto name = request.at("name").get<std::string>();
  const auto found = leaving(plant, name);
  if (!found) return failure(found.error());
  json out = {{"ok", true},
              {"name", name},
              {"state", assign::name(found->state)},
              {"clients", found->clients},
              {"waiting", plant.mover.waiting(found->home)},
              {"bindings", nullptr},
              {"subscriptions", nullptr}};
  const auto standing = found->is_local ? control::Expected<control::HomeStanding>(own_standing(plant)) : plant.peers.standing(found->home);
  if (standing) out["bindings"] = standing->bindings, out["subscriptions"] = standing->subscriptions;
  return out;
}

}  // namespace

control::HomeStanding own_standing(const Plant& plant) {
  control::HomeStanding out;
  plant.registrar.call_each([&](registrar::Shard& shard) {
    out.clients += shard.bindings().clients();
    out.bindings += shard.bindings().bindings();
    out.subscriptions += shard.watchers().size();
  });
  return out;
}

Answer home_leaving(const Plant& plant, const json& request, const std::string&) {
  return answering([&plant, request] { return leaving_json(plant, request); });
}

Answer home_drain(const Plant& plant, const json& request, const std::string& who) { return set_state<assign::HomeState::draining>(plant, request, who); }
Answer home_down(const Plant& plant, const json& request, const std::string& who) { return set_state<assign::HomeState::down>(plant, request, who); }
Answer home_up(const Plant& plant, const json& request, const std::string& who) { return set_state<assign::HomeState::up>(plant, request, who); }

Answer home_add(const Plant& plant, const json& request, const std::string& who) {
  return answering([&plant, request, who] {
    const store::Author author = author_of(request, who);
    return told(request.at("name").get<std::string>(), "added", author, plant.fleet.add(toml_of(request, json::object()), author));
  });
}

Answer home_set(const Plant& plant, const json& request, const std::string& who) {
  return answering([&plant, request, who] { return change_home(plant, request, who); });
}

Answer home_remove(const Plant& plant, const json& request, const std::string& who) {
  return answering([&plant, request, who] {
    const auto name = request.at("name").get<std::string>();
    const store::Author author = author_of(request, who);
    return told(name, "removed", author, plant.fleet.remove(name, author));
  });
}

}  // namespace viaduct::api
