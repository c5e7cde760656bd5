// SPDX-License-Identifier: Apache-2.0
// The verbs, one function each; a file a subject.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "failure.h"
#include "viaduct/api/control_server.h"
#include "viaduct/api/server.h"
#include "viaduct/api/verbs.h"
#include "viaduct/edge/rehearse.h"

namespace viaduct::api {

/// An object of values by their names: `Name` makes a name of what stands in `names`.
template <typename Names, typename Values, typename Name = std::identity>
[[nodiscard]] nlohmann::json named(const Names& names, const Values& values, Name name = {}) {
  auto out = nlohmann::json::object();
  for (std::size_t i = 0; i < names.size(); ++i) out[std::string(std::invoke(name, names[i]))] = values[i];
  return out;
}
[[nodiscard]] inline nlohmann::json number_or_null(std::optional<std::uint32_t> number) { return number ? nlohmann::json(*number) : nlohmann::json(); }
[[nodiscard]] inline NodeAnswer refused(int status, std::string_view why) { return {.status = status, .body = failure(why)}; }
[[nodiscard]] inline std::string home_name(const site::Site& site, assign::HomeIndex home) { return home == assign::no_home ? "" : site.homes[home].name; }

// status_verbs.cpp
[[nodiscard]] nlohmann::json status(const Plant& plant, const nlohmann::json& request);
[[nodiscard]] nlohmann::json homes(const Plant& plant, const nlohmann::json& request);

// counter_verbs.cpp
[[nodiscard]] nlohmann::json counters(const Plant& plant, const nlohmann::json& request);

// client_verbs.cpp
[[nodiscard]] std::string hex(const sip::ClientKey& key);
/// Whom a request names.
[[nodiscard]] control::Expected<control::Client> client_of(const nlohmann::json& request, const site::Site& site);
/// What would become of his REGISTER with so many Vias. Thread: the control core's.
[[nodiscard]] edge::Rehearsal rehearse_register(const Plant& plant, const control::Client& client, unsigned vias, bool is_watched);
[[nodiscard]] nlohmann::json client_show(const Plant& plant, const nlohmann::json& request);
[[nodiscard]] nlohmann::json client_bind(const Plant& plant, const nlohmann::json& request);
[[nodiscard]] nlohmann::json client_deregister(const Plant& plant, const nlohmann::json& request);
[[nodiscard]] nlohmann::json client_explain(const Plant& plant, const nlohmann::json& request);
[[nodiscard]] Answer client_history(const Plant& plant, const nlohmann::json& request, const std::string& who);
[[nodiscard]] Answer client_assign(const Plant& plant, const nlohmann::json& request, const std::string& who);
[[nodiscard]] Answer client_unassign(const Plant& plant, const nlohmann::json& request, const std::string& who);

// clients_verbs.cpp
[[nodiscard]] Answer clients_import(const Plant& plant, const nlohmann::json& request, const std::string& who);
[[nodiscard]] Answer clients_export(const Plant& plant, const nlohmann::json& request, const std::string& who);
[[nodiscard]] Answer clients_verify(const Plant& plant, const nlohmann::json& request, const std::string& who);
[[nodiscard]] nlohmann::json clients_stats(const Plant& plant, const nlohmann::json& request);

// assignment_calls.cpp
/// What the store says but for its clients, homes from "first_home" on, as many as an answer holds.
[[nodiscard]] NodeAnswer assignment_call(const store::Store& store, const nlohmann::json& request);
/// Clients of blocks "first" to "end" - 1 with their epochs, as many whole blocks as an answer holds.
[[nodiscard]] NodeAnswer placements_call(const store::Store& store, const nlohmann::json& request);

// load_verbs.cpp
/// What this node has seen in its last window, for the one that makes the fleet's plans.
[[nodiscard]] NodeAnswer load_call(const Plant& plant);

// fleet_verb.cpp
[[nodiscard]] nlohmann::json fleet_show(const Plant& plant, const nlohmann::json& request);

// directory_verbs.cpp
[[nodiscard]] nlohmann::json directory_show(const Plant& plant, const nlohmann::json& request);
/// Which edges clients of a domain may use first. Shape: {"domain", "ttl_s", "edges": [{"name", "addresses", "port", "transport", "priority", "weight"}, ...]}.
[[nodiscard]] NodeAnswer directory_edges(const Plant& plant, const std::string& domain);
/// Where a client is at home now. Shape: {"aor", "home", "uris", "ttl_s"}. Errors: 404 nobody serves him, 503 no home is up, or the store is still being read.
[[nodiscard]] NodeAnswer directory_home(const Plant& plant, const std::string& aor);

// home_verbs.cpp
/// What this node's registrar has in all.
[[nodiscard]] control::HomeStanding own_standing(const Plant& plant);
[[nodiscard]] Answer home_leaving(const Plant& plant, const nlohmann::json& request, const std::string& who);
[[nodiscard]] Answer home_add(const Plant& plant, const nlohmann::json& request, const std::string& who);
[[nodiscard]] Answer home_set(const Plant& plant, const nlohmann::json& request, const std::string& who);
[[nodiscard]] Answer home_drain(const Plant& plant, const nlohmann::json& request, const std::string& who);
[[nodiscard]] Answer home_down(const Plant& plant, const nlohmann::json& request, const std::string& who);
[[nodiscard]] Answer home_up(const Plant& plant, const nlohmann::json& request, const std::string& who);
[[nodiscard]] Answer home_remove(const Plant& plant, const nlohmann::json& request, const std::string& who);

// load_verbs.cpp
/// The last window, and all that homes have had.
[[nodiscard]] nlohmann::json load_now(const Plant& plant);
[[nodiscard]] Answer load_homes(const Plant& plant, const nlohmann::json& request, const std::string& who);
/// How much a home wants now, and for how much longer; null: nothing less than comes.
[[nodiscard]] nlohmann::json asked_json(const site::Overloads& overloads, assign::HomeIndex home);
[[nodiscard]] Answer load_clients(const Plant& plant, const nlohmann::json& request, const std::string& who);

// sub_verbs.cpp
[[nodiscard]] nlohmann::json subs_list(const Plant& plant, const nlohmann::json& request);
[[nodiscard]] nlohmann::json subs_show(const Plant& plant, const nlohmann::json& request);
[[nodiscard]] nlohmann::json subs_terminate(const Plant& plant, const nlohmann::json& request);

// plan_verbs.cpp
[[nodiscard]] Answer plan_create(const Plant& plant, const nlohmann::json& request, const std::string& who);
[[nodiscard]] Answer plan_simulate(const Plant& plant, const nlohmann::json& request, const std::string& who);
[[nodiscard]] Answer plan_show(const Plant& plant, const nlohmann::json& request, const std::string& who);
[[nodiscard]] Answer plan_diff(const Plant& plant, const nlohmann::json& request, const std::string& who);
[[nodiscard]] Answer plan_apply(const Plant& plant, const nlohmann::json& request, const std::string& who);
[[nodiscard]] Answer plan_pause(const Plant& plant, const nlohmann::json& request, const std::string& who);
[[nodiscard]] Answer plan_resume(const Plant& plant, const nlohmann::json& request, const std::string& who);
[[nodiscard]] Answer plan_abort(const Plant& plant, const nlohmann::json& request, const std::string& who);
[[nodiscard]] Answer plan_history(const Plant& plant, const nlohmann::json& request, const std::string& who);

/// One move.
[[nodiscard]] nlohmann::json step_json(const site::Site& site, const migration::Step& step);

// trace_verb.cpp
[[nodiscard]] Answer trace(const Plant& plant, const nlohmann::json& request, const std::string& who);

// rule_verbs.cpp
[[nodiscard]] nlohmann::json rules_show(const Plant& plant, const nlohmann::json& request);
[[nodiscard]] Answer rules_reload(const Plant& plant, const nlohmann::json& request, const std::string& who);

}  // namespace viaduct::api
