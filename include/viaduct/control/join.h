// SPDX-License-Identifier: Apache-2.0
// A node's start in a fleet: its store is brought up to what the fleet's log has, before anything is shown to anybody.
#pragma once
#include <functional>

#include "viaduct/config/config.h"
#include "viaduct/control/peers.h"
#include "viaduct/control/placements.h"
#include "viaduct/store/shared_log.h"

namespace viaduct::control {

/// How a node has joined.
struct Joined {
  bool is_current{};       ///< its store has all that the log has
  bool owes_placements{};  ///< the fleet has its homes from this node's configuration, and the assignments file is still to be brought in
};

/// A fleet that is not there yet is founded: from the store, where that has anything, else from the configuration's homes. What the log has forgotten comes from
/// another node. While its servers cannot be reached a node of this fleet starts with what it has, and any other waits for as long as `goes_on` says. Errors:
/// sentences; the store is not this fleet's, or of another fleet.seed or assign.policy; the log is gone; another process has this node's name.
[[nodiscard]] Expected<Joined> join_fleet(store::Store& store, store::SharedLog& log, Peers& peers, const config::Config& config,
                                          const std::function<bool()>& goes_on);

/// Where the other nodes of those that are there are called, as they say themselves.
[[nodiscard]] std::vector<base::Endpoint> controls_of(const std::vector<store::Attendant>& nodes, const std::string& own_name);

}  // namespace viaduct::control
