// SPDX-License-Identifier: Apache-2.0
// The table of all verbs, and the reload.
#include "viaduct/api/verbs.h"

#include <array>
#include <string_view>

#include "answers.h"

namespace viaduct::api {
namespace {

using nlohmann::json;

json reload(const Plant& plant, const json&) {
  const auto done = plant.reload();
  if (!done) return failure(done.error());
  return {{"ok", true}, {"applied", done->applied}, {"needs_restart", done->needs_restart}, {"differs", done->differs}, {"epoch", done->epoch}};
}

/// A reload waits for whoever changes the fleet.
Answer reload_later(const Plant& plant, const json& request, const std::string&) {
  return answering([&plant, request] { return reload(plant, request); });
}

template <json (*answer)(const Plant&, const json&)>
Answer at_once(const Plant& plant, const json& request, const std::string&) {
  return answer(plant, request);
}

struct Verb {
  std::string_view name;
  Answer (*answer)(const Plant&, const json&, const std::string& who);
};
constexpr std::array verbs = {
    Verb{"status", at_once<status>},
    Verb{"homes", at_once<homes>},
    Verb{"homes.add", home_add},
    Verb{"homes.set", home_set},
    Verb{"homes.remove", home_remove},
    Verb{"homes.drain", home_drain},
    Verb{"homes.leaving", home_leaving},
    Verb{"homes.down", home_down},
    Verb{"homes.ready", home_up},
    Verb{"homes.up", home_up},
    Verb{"counters", at_once<counters>},
    Verb{"directory", at_once<directory_show>},
    Verb{"fleet", at_once<fleet_show>},
    Verb{"load", load_homes},
    Verb{"load.clients", load_clients},
    Verb{"reload", reload_later},
    Verb{"trace", trace},
    Verb{"subs.list", at_once<subs_list>},
    Verb{"subs.show", at_once<subs_show>},
    Verb{"subs.terminate", at_once<subs_terminate>},
    Verb{"plan.create", plan_create},
    Verb{"plan.simulate", plan_simulate},
    Verb{"plan.show", plan_show},
    Verb{"plan.diff", plan_diff},
    Verb{"plan.apply", plan_apply},
    Verb{"plan.pause", plan_pause},
    Verb{"plan.resume", plan_resume},
    Verb{"plan.abort", plan_abort},
    Verb{"plan.history", plan_history},
    Verb{"rules", at_once<rules_show>},
    Verb{"rules.reload", rules_reload},
    Verb{"client.show", at_once<client_show>},
    Verb{"client.explain", at_once<client_explain>},
    Verb{"client.bind", at_once<client_bind>},
    Verb{"client.deregister", at_once<client_deregister>},
    Verb{"client.history", client_history},
    Verb{"client.assign", client_assign},
    Verb{"client.unassign", client_unassign},
    Verb{"clients.import", clients_import},
    Verb{"clients.export", clients_export},
    Verb{"clients.verify", clients_verify},
    Verb{"clients.stats", at_once<clients_stats>},
};

}  // namespace

Answer answer(const Plant& plant, const json& request, const std::string& who) {
  if (!request.contains("verb") || !request["verb"].is_string()) return failure("a request is an object with a \"verb\"");
  const auto name = request["verb"].get<std::string>();
  for (const Verb& v : verbs)
    if (v.name == name) return v.answer(plant, request, who);
  return failure(name + ": no such verb");
}

}  // namespace viaduct::api
