// SPDX-License-Identifier: Apache-2.0
// How this node stands in its fleet: what the shared log has, what this node has of it, and who else is there.
#include "answers.h"

namespace viaduct::api {
namespace {

using nlohmann::json;

/// What a node said of itself; another build may have said it otherwise.
json node_row(const store::Attendant& node, const control::Replica::Standing& s, const std::string& own) {
  const json says = json::parse(node.says, nullptr, false);
  json row = {{"name", node.name}, {"leads", node.name == s.leader}, {"own", node.name == own}};
  for (const char* key : {"version", "control", "epoch"}) row[key] = says.is_object() && says.contains(key) ? says[key] : json();
  return row;
}

}  // namespace

json fleet_show(const Plant& plant, const json&) {
  if (plant.config.etcd && !plant.replica) return failure("this node does not follow its fleet, since its store cannot be written: nobody is redirected");
  if (!plant.replica) return failure("this node has its assignment for itself: its configuration has no [etcd]");
  const control::Replica::Standing s = plant.replica->standing();
  json nodes = json::array();
  for (const store::Attendant& node : s.nodes) nodes.push_back(node_row(node, s, plant.config.node_name));
  json endpoints = json::array();
  for (const base::Endpoint& e : plant.config.etcd->endpoints) endpoints.push_back(e.text());
  return {{"ok", true},
          {"endpoints", endpoints},
          {"prefix", plant.config.etcd->prefix},
          {"mark", hex(s.mark)},
          {"first", s.first},
          {"last", s.last},
          {"epoch", s.epoch},
          {"behind", s.last > s.epoch ? s.last - s.epoch : 0},
          {"leader", s.leader.empty() ? json() : json(s.leader)},
          {"leads", plant.replica->leads()},
          {"stale", s.is_stale},
          {"heard_ago_s", static_cast<double>(s.heard_ago_ms) / 1000},
          {"moving_for_others", plant.mover.guests()},
          {"trouble", s.trouble.empty() ? json() : json(s.trouble)},
          {"nodes", nodes}};
}

}  // namespace viaduct::api
