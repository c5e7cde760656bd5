// SPDX-License-Identifier: Apache-2.0
// A plan: who is to move from where to where, why, what it is forecast to bring, and how far it is.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "viaduct/assign/homes.h"
#include "viaduct/control/placements.h"
#include "viaduct/sip/uri.h"

namespace viaduct::migration {

using control::Expected;

/// `proposed`: nothing has moved; `aborted`: what had not moved yet stays.
enum class PlanState : std::uint8_t { proposed, running, paused, done, aborted };
[[nodiscard]] std::string_view name(PlanState s);

/// How clients are brought over: `lazy` at their next refresh; `paced`: those who watch their own registration are asked to refresh soon (RFC 3680 `shortened`);
/// `evacuate`: watchers are sent away at once (RFC 6665 `probation`).
enum class MoveMode : std::uint8_t { lazy, paced, evacuate };
[[nodiscard]] std::string_view name(MoveMode m);

/// `planned`: at the home before; `committed`: durable and visible, the new home has not confirmed him; `settled`: at the new home, watchers not told yet, for
/// which nobody waits: he may be on another move; `resting`: over, but for what it means for a while (Step::both_until_s, Step::rests_until_s).
enum class StepState : std::uint8_t { planned, committed, settled, resting };

struct KeyHash {
  std::size_t operator()(const base::Hash128& key) const { return key.low ^ key.high; }
};

/// One client's move, or that of a whole slot: of all in it who have no placement of their own.
struct Step {
  sip::ClientKey key;  ///< of a slot: its number in the bits that name it (assign::slot_of), the others zero
  std::string aor;  ///< canonical; empty for a slot, and for a client of whom only the key is known
  std::uint32_t clients{1};  ///< of a slot: how many are thought to be in it
  assign::HomeIndex from{assign::no_home};
  assign::HomeIndex to{assign::no_home};
  StepState state{};
  bool is_slot{};
  bool is_confirmed{};  ///< settled: since the new home has accepted him
  std::uint32_t plan{};  ///< 0: none, by hand
  std::uint64_t owed{};  ///< settled: its number among all whose watchers were ever to be told
  // base::unset_wall_s().
  std::uint64_t set_out_s{};  ///< committed: since when
  std::uint64_t deadline_s{};  ///< committed: when it settles without confirmation
  std::uint64_t both_until_s{};  ///< resting: CANCEL and ACK go to both homes
  std::uint64_t rests_until_s{};  ///< resting: no plan but a drain moves him
};

/// A step as another run of the node kept it, by this run's clock: that run's was `ahead_s` ahead of the machine's, and who set out in the future by a clock that
/// is behind set out now.
void set_clock(Step& step, std::int64_t ahead_s, std::uint64_t now_s);

/// Whether a client who was not confirmed goes to the home before directly: it says how long ago he registered there, and that was after he set out.
[[nodiscard]] bool is_sticky(const Step& step, std::optional<std::uint32_t> registered_ago_s, std::uint64_t now_s);

/// What a plan will do to a home. Loads: weighted messages a second.
struct Forecast {
  std::string home;
  double before{}, after{}, capacity{};
  std::uint64_t clients_in{}, clients_out{};
  bool operator==(const Forecast&) const = default;
};

/// What is known of a plan beside its steps. Counts are of clients.
struct Plan {
  std::uint32_t id{};
  PlanState state{};
  MoveMode mode{};
  std::string author;
  std::string reason;  ///< why now
  std::string trouble;  ///< why it was paused by itself, or whom it waits for; empty: neither
  std::uint64_t created_s{}, ended_s{};
  double clients_per_s{};  ///< at most
  std::vector<Forecast> homes;
  double imbalance_before{}, imbalance_after{};  ///< largest utilisation over the mean
  double load_moved{};
  double cost{}, lower_bound{};  ///< of the moves: disruption, and the least that any plan could do with; their ratio is the score
  std::uint64_t clients{};  ///< to be moved
  std::uint64_t slots{};  ///< ... of these with whole slots: so many slots
  // How far it is.
  std::uint64_t moved{};  ///< durable and visible
  std::uint64_t confirmed{};  ///< the new home has accepted them
  std::uint64_t unconfirmed{};  ///< they did not come within the deadline: gone, or at the old home still
  std::uint64_t sticky{};  ///< ... of these, who have registered at the old home, a Viaduct, since they set out: they go there directly
  std::uint64_t overtaken{};  ///< somebody else had placed them meanwhile
  std::uint64_t told{};  ///< their watchers were told
  bool operator==(const Plan&) const = default;
};

}  // namespace viaduct::migration
