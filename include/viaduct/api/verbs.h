// SPDX-License-Identifier: Apache-2.0
// The operator's verbs: from a JSON request to a JSON answer, with the work done on the control core.
#pragma once
#include <chrono>
#include <expected>
#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "viaduct/config/config.h"
#include "viaduct/control/loop.h"
#include "viaduct/control/placements.h"
#include "viaduct/control/resolver.h"
#include "viaduct/registrar/shard.h"
#include "viaduct/site/post.h"

namespace viaduct::api {

/// What a reload came to.
struct Reload {
  std::vector<std::string> applied;
  std::vector<std::string> needs_restart;
  std::uint32_t epoch{};
};

/// The parts of a running node that the verbs ask and change. Outlives the server.
struct Plant {
  const config::Config& config;   ///< as the node was started with: what a reload cannot change
  site::Commons& commons;
  control::Loop& loop;
  control::Placements& placements;
  control::Resolver& resolver;
  registrar::Shard& shard;
  site::Wire& control_wire;
  std::function<std::expected<Reload, std::string>()> reload;
  std::chrono::steady_clock::time_point started;
};

/// Answer one request. Thread: the server's; the control core is asked to do what is its to do.
[[nodiscard]] nlohmann::json answer(const Plant& plant, const nlohmann::json& request);

}  // namespace viaduct::api
