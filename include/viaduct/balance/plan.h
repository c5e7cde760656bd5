// SPDX-License-Identifier: Apache-2.0
// Who should move where, why, and what it costs: a pure function of placements, loads, homes, limits and a seed.
#pragma once
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "viaduct/balance/estimate.h"
#include "viaduct/balance/fleet.h"

namespace viaduct::balance {

/// Bits of a client's flags.
inline constexpr std::uint8_t immovable_flag = 1;  ///< pinned, or moved lately: stays, also at a home that drains
inline constexpr std::uint8_t watched_flag = 2;    ///< somebody subscribes to him: moving him costs Limits::watched_cost

/// Clients that are placed one by one, as arrays of one length: client i is the i-th of each. At most 2^32 - 1.
struct Clients {
  std::span<const HomeIndex> home;   ///< one that is no index of the fleet: of no concern to the plan
  std::span<const LoadClass> load;
  std::span<const std::uint8_t> flags;
};

/// Clients without a placement of their own, who move together: a slot.
struct Group {
  double load{};            ///< units a second, all of them
  std::uint32_t clients{};  ///< how many would be disturbed: the cost of moving it
  HomeIndex home{};
  bool is_immovable{};
};

/// Why a plan is made now.
enum class Reason : std::uint8_t { asked, uneven, hot, over_capacity, join, drain };
[[nodiscard]] std::string_view name(Reason r);

enum class Verdict : std::uint8_t {
  accepted,
  nothing_to_move,  ///< nothing is out of bounds, or nobody may move, or nobody has room
  gain_too_small,   ///< max/mean falls by less than Limits::gain_min
  not_worth_it      ///< the load shifted within Limits::gain_horizon_s is less than the messages that moving takes
};
[[nodiscard]] std::string_view name(Verdict v);

struct Move {
  std::uint32_t item;  ///< index of the client, or of the group
  HomeIndex to;
  friend bool operator==(const Move&, const Move&) = default;
};

struct Flow {
  HomeIndex from, to;
  std::uint64_t clients;
  double load;
};

/// A home under a plan. Loads in units a second.
struct Forecast {
  double load_before, load_after;
  Bounds bounds;
  std::uint64_t clients_before, clients_after;
};

/// The least cost, by linear programming without the caps of receivers, at which the same could have been had.
struct LowerBound {
  double out{};   ///< so that every home that was above its cap is relieved as far as the plan does it
  double in{};    ///< so that the homes below their floors get as much as the plan gives them
  double both{};  ///< both at once; at least the larger of the two
};

struct Plan {
  Reason reason{};
  Verdict verdict{};
  bool is_cut_short{};           ///< Limits::moves_ratio_max ended it; the next plan goes on
  std::vector<Move> clients;     ///< in no order that matters
  std::vector<Move> groups;
  std::vector<Forecast> homes;   ///< one a home of the fleet
  std::vector<Flow> flows;       ///< by `from`, then `to`
  double max_over_mean_before{1}, max_over_mean_after{1};
  std::uint64_t clients_moved{}; ///< those of groups included
  std::uint64_t clients_leaving{}; ///< of those moved, who had to leave a home that drains or is down
  double load_moved{};           ///< units a second
  double cost{};                 ///< 1 a client, Limits::watched_cost one who is watched
  LowerBound lower_bound;
  double score{1};               ///< cost / lower_bound.both, at least 1
};

struct Request {
  std::span<const Home> homes;  ///< at most base::homes_max
  Clients clients;
  std::span<const Group> groups;
  Limits limits;
  Reason reason{Reason::asked};
  std::uint64_t seed{};         ///< which of many clients alike are chosen
};

/// Plan: per home above its cap the clients with most load for their cost leave (a fractional knapsack), whoever may move leaves homes that drain, and homes
/// below their floors are filled; receivers by water level, the lowest in terms of its share first, within the zone while it has room. No home is filled
/// beyond Bounds::filled, but that who must leave a draining home may go beyond it, up to Bounds::limit, when there is no other room; where that is 0, when it is 0 of all.
/// Errors: none; a plan that should not be carried out says so in its verdict, and is whole otherwise.
/// Thread: any; pure. Two passes over the clients, some 2 ns each a client and pass; 6 KB a home, 8 octets a move, and nothing else a client.
[[nodiscard]] Plan make_plan(const Request& request);

}  // namespace viaduct::balance
