// SPDX-License-Identifier: Apache-2.0
// Homes to text and back.
#include "viaduct/control/homes.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

namespace viaduct::control {
namespace {

using nlohmann::json;

constexpr std::array states = {assign::HomeState::up, assign::HomeState::draining, assign::HomeState::down, assign::HomeState::removed};

/// What is there of a state after a restart: slow start is over with it.
assign::HomeState kept(assign::HomeState s) { return s == assign::HomeState::returning ? assign::HomeState::up : s; }

/// Throws std::string.
assign::HomeState state_from(const std::string& named) {
  const auto state = std::ranges::find(states, named, [](assign::HomeState s) { return assign::name(s); });
  if (state == states.end()) throw std::string("has a state that this build does not know: " + named);
  return *state;
}

/// Throws json::exception, or std::string for what is well-formed and wrong.
assign::Home home_from(const json& j) {
  const auto endpoint = [](const json& text) {
    const auto e = base::Endpoint::parse(text.get<std::string>(), 0);
    if (!e || e->port == 0) throw std::string("is no address with a port: " + text.dump());
    return *e;
  };
  assign::Home home;
  home.name = j.at("name").get<std::string>();
  home.address = endpoint(j.at("address"));
  for (const json& text : j.at("public")) {
    const auto e = endpoint(text);
    (e.address.is_v4() ? home.public_v4 : home.public_v6) = e;
  }
  home.weight = j.at("weight").get<std::uint32_t>();
  home.capacity = j.value("capacity", 0U);   // what was written before there were any has none
  home.is_local = j.at("local").get<bool>();
  home.is_viaduct = j.at("viaduct").get<bool>();
  home.is_probed = j.value("probe", true);
  if (j.contains("control")) home.control = endpoint(j["control"]);
  home.zone = j.value("zone", std::string{});
  home.edge_notifies = j.contains("reg_notifier") ? j["reg_notifier"].get<std::string>() == "edge" : !home.is_viaduct && !home.control;
  home.max_per_s = j.value("max_per_s", 0U);
  home.state = state_from(j.at("state").get<std::string>());
  if (j.contains("restores")) home.restores = state_from(j["restores"].get<std::string>());
  return home;
}

}  // namespace

std::string describe(const assign::Home& home) {
  json publics = json::array();
  if (home.public_v4) publics.push_back(home.public_v4->text());
  if (home.public_v6) publics.push_back(home.public_v6->text());
  json out = {{"name", home.name},          {"address", home.address.text()}, {"public", publics},
              {"weight", home.weight},      {"capacity", home.capacity},      {"local", home.is_local},
              {"viaduct", home.is_viaduct}, {"probe", home.is_probed},        {"state", assign::name(kept(home.state))}};
  if (home.restores) out["restores"] = assign::name(*home.restores);
  if (home.control) out["control"] = home.control->text();
  if (!home.zone.empty()) out["zone"] = home.zone;
  out["reg_notifier"] = home.edge_notifies ? "edge" : "home";
  if (home.max_per_s != 0) out["max_per_s"] = home.max_per_s;
  return out.dump();
}

std::expected<assign::Home, std::string> home_described(std::string_view description) {
  try {
    return home_from(json::parse(description));
  } catch (const json::exception& e) {
    return std::unexpected("a home's description: " + std::string(e.what()));
  } catch (const std::string& what) {
    return std::unexpected("a home's description: " + what);
  }
}

assign::Home home_of(const config::Home& h) {
  assign::Home home;
  home.name = h.name;
  home.address = h.address;
  for (const base::Endpoint& e : h.public_endpoints) (e.address.is_v4() ? home.public_v4 : home.public_v6) = e;
  home.weight = h.weight;
  home.capacity = h.capacity;
  home.is_local = h.is_local;
  home.is_viaduct = h.is_viaduct;
  home.is_probed = h.is_probed;
  home.control = h.control;
  home.zone = h.zone;
  home.edge_notifies = h.edge_notifies;
  home.max_per_s = h.max_per_s;
  return home;
}

std::vector<assign::Home> homes_of(const config::Config& config) {
  std::vector<assign::Home> homes;
  for (const config::Home& h : config.homes) homes.push_back(home_of(h));
  return homes;
}

assign::Home as_shared(assign::Home home) {
  home.state = kept(home.restores.value_or(home.state));
  home.restores.reset();
  home.is_local = false;
  return home;
}

std::vector<std::string> differences(const config::Config& config, const assign::Homes& standing) {
  std::vector<std::string> out;
  for (const assign::Home& wanted : homes_of(config)) {
    const assign::HomeIndex i = standing.find(wanted.name);
    if (i == assign::no_home || standing[i].state == assign::HomeState::removed) {
      out.push_back("home " + wanted.name + " is in the configuration, not in the store: viaduct homes add");
      continue;
    }
    assign::Home stands = standing[i];
    stands.state = assign::HomeState::up;
    stands.restores.reset();
    if (describe(stands) != describe(wanted)) out.push_back("home " + wanted.name + " is another in the configuration than in the store: viaduct homes set");
  }
  for (const assign::Home& stands : standing)
    if (stands.state != assign::HomeState::removed && std::ranges::find(config.homes, stands.name, &config::Home::name) == config.homes.end())
      out.push_back("home " + stands.name + " is in the store, not in the configuration: viaduct homes remove");
  return out;
}

}  // namespace viaduct::control
