// SPDX-License-Identifier: Apache-2.0
// Calls to other nodes of the fleet, at the control addresses of their homes. What they do with them is the control server's of area api.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "viaduct/control/loop.h"
#include "viaduct/control/placements.h"
#include "viaduct/registrar/registrar.h"

namespace viaduct::control {

/// What a home has in all.
struct HomeStanding {
  std::uint64_t clients{}, bindings{}, subscriptions{};
};

/// How long the workers of a node have been at work, each, and since when they could have been.
struct NodeWork {
  std::vector<std::uint64_t> busy_ms;
  std::uint64_t uptime_ms{};
};

/// Each call waits for its answer, up to 10 s in all and with a bound on its octets, and is as good once as several times: who gets an error calls again. Of more
/// clients than one call takes several are made. Thread: any that may wait, but the control core.
class Peers {
 public:
  Peers(site::Commons& commons, Loop& loop);
  ~Peers();

  /// Cut off the calls under way, and make no more. Thread: any.
  void stop();

  /// Have a home tell those who watch these clients that they move (registrar::Registrar::moved), by the decision of that epoch. Returns, when it is durable
  /// there, how many subscriptions are being told. Shape: `aors` are canonical. Errors: no such home, no control address, no answer, or the answer's reason.
  [[nodiscard]] Expected<std::uint64_t> tell_moved(assign::HomeIndex home, std::uint32_t epoch, const notifier::Move& move, std::span<const std::string> aors);
  /// What a home has of these clients, in their order. Shape and errors: as above.
  [[nodiscard]] Expected<std::vector<registrar::ClientStanding>> standings(assign::HomeIndex home, std::span<const std::string> aors);
  /// What a home has in all. Errors: as above.
  [[nodiscard]] Expected<HomeStanding> standing(assign::HomeIndex home);
  /// How much the node at that control address has had to do. Errors: as above.
  [[nodiscard]] Expected<NodeWork> work(const base::Endpoint& control);

 private:
  struct Peer;
  struct Calls;
  [[nodiscard]] Expected<Peer> peer_of(assign::HomeIndex home);
  site::Commons& commons_;
  Loop& loop_;
  std::unique_ptr<Calls> calls_;
};

}  // namespace viaduct::control
