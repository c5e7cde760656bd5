// SPDX-License-Identifier: Apache-2.0
// What another node answers about its store, read into what it says. Errors: each throws a std::exception with a sentence. Pure.
#pragma once
#include <nlohmann/json.hpp>

#include "viaduct/control/peers.h"

namespace viaduct::control {

/// The first answer, or one about further homes. Returns whether it was the last that is wanted.
[[nodiscard]] bool add_assignment(const nlohmann::json& answer, PeerAssignment& out);

[[nodiscard]] SeenElsewhere load_in(const nlohmann::json& answer);

/// What was asked for.
struct BlocksAsked {
  std::uint32_t first{}, end{};
  base::Key128 fleet_seed;
};
[[nodiscard]] PeerPlacements placements_in(const nlohmann::json& answer, const BlocksAsked& asked);

}  // namespace viaduct::control
