// SPDX-License-Identifier: Apache-2.0
// Calls to other nodes of the fleet, at the control addresses of their homes. What they do with them is the control server's of area api.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "viaduct/control/load.h"
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

/// What a node's store says but for its clients.
struct PeerAssignment {
  std::uint32_t epoch{};
  std::optional<base::Hash128> fleet;   ///< the log that it follows
  std::uint64_t clients{};              ///< how many it has
  std::vector<std::string> homes;       ///< descriptions by index; empty where there is none
  std::vector<assign::HomeIndex> slots; ///< none before they were set
};

/// Clients of some blocks of it.
struct PeerPlacements {
  struct Placed {
    store::Record record;
    std::string aor;
  };
  std::uint32_t epoch{};
  std::optional<base::Hash128> fleet;
  std::uint32_t next{};                 ///< the block to go on from
  std::vector<Placed> clients;          ///< ascending
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
  /// What the node at that control address has seen of homes' and clients' loads. Shape: both follow one log. Errors: as above.
  [[nodiscard]] Expected<SeenElsewhere> load(const base::Endpoint& control);
  /// How much the node at that control address has had to do. Errors: as above.
  [[nodiscard]] Expected<NodeWork> work(const base::Endpoint& control);
  /// What the store of the node at that control address says: of the epoch that is told, or where it changes meanwhile and has very many homes, partly of a later
  /// one. Errors: as above, or it is no assignment.
  [[nodiscard]] Expected<PeerAssignment> assignment(const base::Endpoint& control);
  /// Its clients of blocks `first` to `next` - 1, of one epoch; `next` is `end` when these are all. Errors: as above, or they are not clients of these blocks
  /// under this fleet's seed. Shape: `first` < `end`.
  [[nodiscard]] Expected<PeerPlacements> placements(const base::Endpoint& control, std::uint32_t first, std::uint32_t end);

 private:
  struct Peer;
  struct Calls;
  [[nodiscard]] Expected<Peer> peer_of(assign::HomeIndex home);
  [[nodiscard]] Peer node_at(const base::Endpoint& control);
  site::Commons& commons_;
  Loop& loop_;
  std::unique_ptr<Calls> calls_;
};

}  // namespace viaduct::control
