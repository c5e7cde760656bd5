// SPDX-License-Identifier: Apache-2.0
#include "viaduct/api/node_calls.h"

#include <spdlog/spdlog.h>

#include <array>

#include "answers.h"
#include "arguments.h"
#include "viaduct/base/limits.h"

namespace viaduct::api {
namespace {

using nlohmann::json;
using notifier::Notice;

/// Whom the call is about. Errors: why it is about nobody.
control::Expected<std::vector<location::ClientKey>> clients_of(const Plant& plant, const json& request) {
  const auto aors = request.at("clients").get<std::vector<std::string>>();
  if (aors.empty() || aors.size() > base::node_call_clients_max)
    return std::unexpected("clients: " + std::to_string(aors.size()) + "; allowed: 1 to " + std::to_string(base::node_call_clients_max));
  sip::Domains domains;
  base::Key128 seed{};
  plant.loop.call([&] {
    domains = plant.commons.site.read().domains;
    seed = plant.commons.site.read().fleet_seed;
  });
  std::vector<location::ClientKey> out;
  for (const std::string& aor : aors) {
    const auto client = control::client_named(aor, domains, seed);
    if (!client) return std::unexpected(client.error());
    out.push_back(client->key);
  }
  return out;
}

control::Expected<notifier::Move> move_of(const json& request) {
  const auto within_s = whole_number(request, "within_s", {base::move_within_s_min, base::move_within_s_max}).value_or(base::move_within_s_min);
  const auto mode = request.at("mode").get<std::string>();
  for (const Notice notice : {Notice::deactivated, Notice::probation, Notice::shortened})
    if (notifier::name(notice) == mode) return notifier::Move{.notice = notice, .within_s = within_s};
  return std::unexpected("mode: \"" + mode + "\" is not known; allowed: deactivated, probation or shortened");
}

NodeAnswer moved(const Plant& plant, const json& request) {
  const auto epoch = whole_number(request, "epoch", any_number);
  if (!epoch) return refused(400, "epoch: a whole number");
  const auto move = move_of(request);
  if (!move) return refused(400, move.error());
  const auto clients = clients_of(plant, request);
  if (!clients) return refused(400, clients.error());
  const auto told = plant.registrar.moved(*clients, *move);
  if (!told) return refused(503, told.error());
  spdlog::info("{} clients move by epoch {}: {} subscriptions are told ({})", clients->size(), *epoch, *told, notifier::name(move->notice));
  return {.body = {{"ok", true}, {"told", *told}}};
}

NodeAnswer bindings(const Plant& plant, const json& request) {
  const auto clients = clients_of(plant, request);
  if (!clients) return refused(400, clients.error());
  json rows = json::array();
  for (const registrar::ClientStanding& s : plant.registrar.standings(*clients))
    rows.push_back({{"bindings", s.bindings}, {"subscriptions", s.subscriptions}, {"registered_ago_s", number_or_null(s.registered_ago_s)}});
  return {.body = {{"ok", true}, {"clients", rows}}};
}

NodeAnswer standing(const Plant& plant) {
  const control::HomeStanding own = own_standing(plant);
  return {.body = {{"ok", true}, {"clients", own.clients}, {"bindings", own.bindings}, {"subscriptions", own.subscriptions}}};
}

NodeAnswer work(const Plant& plant) {
  const control::NodeWork own = control::work_of(plant.commons, plant.started);
  return {.body = {{"ok", true}, {"busy_ms", own.busy_ms}, {"uptime_ms", own.uptime_ms}}};
}

}  // namespace

NodeAnswer answer_node(const Plant& plant, const std::string& target, const json& request) {
  if (target == "/v1/moved") return moved(plant, request);
  if (target == "/v1/bindings") return bindings(plant, request);
  if (target == "/v1/standing") return standing(plant);
  if (target == "/v1/work") return work(plant);
  if (target == "/v1/load") return load_call(plant);
  if (target == "/v1/assignment") return assignment_call(plant.placements.store(), request);
  if (target == "/v1/placements") return placements_call(plant.placements.store(), request);
  return refused(404, "no such call");
}

}  // namespace viaduct::api
