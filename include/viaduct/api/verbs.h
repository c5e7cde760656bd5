// SPDX-License-Identifier: Apache-2.0
// The operator's verbs: from a JSON request to a JSON answer, with the work done on the control core.
#pragma once
#include <chrono>
#include <expected>
#include <functional>
#include <string>
#include <vector>

#include "viaduct/api/server.h"
#include "viaduct/config/config.h"
#include "viaduct/control/fleet.h"
#include "viaduct/control/health.h"
#include "viaduct/control/loop.h"
#include "viaduct/control/monitor.h"
#include "viaduct/control/names.h"
#include "viaduct/control/peers.h"
#include "viaduct/control/placements.h"
#include "viaduct/control/replica.h"
#include "viaduct/control/resolver.h"
#include "viaduct/migration/balancer.h"
#include "viaduct/registrar/registrar.h"
#include "viaduct/site/post.h"

namespace viaduct::api {

/// What a reload came to.
struct Reload {
  std::vector<std::string> applied;
  std::vector<std::string> needs_restart;
  std::vector<std::string> differs;         ///< where the store says otherwise, and stands
  std::uint32_t epoch{};
};

/// The parts of a running node that the verbs ask and change. Outlives the server.
struct Plant {
  const config::Config& config;   ///< as the node was started with: what a reload cannot change
  site::Commons& commons;
  control::Loop& loop;
  control::Placements& placements;
  control::Fleet& fleet;
  control::Monitor& monitor;
  control::Health& health;
  control::Resolver& resolver;
  control::ExceptionPath& exceptions;
  registrar::Registrar& registrar;
  migration::Mover& mover;
  migration::Balancer& balancer;
  control::Peers& peers;
  site::Wire& control_wire;
  std::unique_ptr<control::Names>& names;    ///< null: this node is no directory
  std::optional<control::Replica>& replica;  ///< nullopt: this node has its assignment for itself
  std::function<std::expected<Reload, std::string>()> reload;
  std::function<std::expected<std::size_t, std::string>()> reload_rules;   ///< returns how many there are now
  std::chrono::steady_clock::time_point started;
};

/// Answer one request of a user. Shape: {"verb": "...", ...}; of an answer: {"ok": true, ...} or {"ok": false, "error": "..."}. Thread: the server's; the control core is asked to do what is its to do, and what waits for the disk is done elsewhere.
[[nodiscard]] Answer answer(const Plant& plant, const nlohmann::json& request, const std::string& who);

}  // namespace viaduct::api
