// SPDX-License-Identifier: Apache-2.0
// The fleet as the planner sees it: what each home bears, what it should and may bear, and how far from even that is.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace viaduct::balance {

/// Index of a home in the fleet's list, as assign::HomeIndex.
using HomeIndex = std::uint16_t;

enum class HomeState : std::uint8_t {
  up,
  joining,   ///< up, and to be filled to its share
  draining,  ///< whoever may move leaves
  down       ///< bears nothing; its clients are borne by the up homes by their weights (rendezvous order)
};
[[nodiscard]] std::string_view name(HomeState s);

struct Home {
  double load{};        ///< exact: units a second that it bears, guests from homes that are down included
  double load_error{};  ///< the standard deviation of `load` by the chance of when its clients come; 0: there is none
  double unknown{};     ///< of `load`, what clients bring who are not told of one by one
  double weight{1};     ///< its share beside the others; 0: it should bear nothing
  double capacity{};    ///< units a second that it declares; 0: it declares none
  double slow_start{1}; ///< 0 to 1: the part of its share that it may be filled to, so soon after its start; 0: it has too much, and nobody may come
  HomeState state{HomeState::up};
  std::uint16_t zone{}; ///< clients stay in their zone as long as it has room
};

/// What plans keep to. `target`, `capacity_ratio_max` and `moves_ratio_max` are keys of the configuration.
struct Limits {
  double target{0.05};             ///< the cap of a home is its share times 1 + this; its floor, times 1 - twice this
  double join_floor{0.02};         ///< a joining home is filled to its share times 1 - this
  double capacity_ratio_max{0.85}; ///< of a declared capacity
  double moves_ratio_max{0.09};    ///< of all clients, in one plan; draining is not bound by it
  double gain_min{0.02};           ///< by which max/mean must fall
  double gain_horizon_s{3600};     ///< for so long the load that is shifted counts against the messages that moving takes
  double move_messages{4};         ///< messages that moving one client takes
  double watched_cost{2};          ///< what disturbing a watched client costs beside an unwatched one: 1 + 0.5 a watcher
};

/// What a home is held to, units a second. All 0 for a home that is to bear nothing.
struct Bounds {
  double share{};   ///< its part of all load, by weight and declared capacity
  double floor{};   ///< it is filled up to this
  double filled{};  ///< no plan fills it beyond this: its cap, at most its limit, less while it starts slowly
  double cap{};     ///< what it bears above this leaves
  double limit{};   ///< the part of its declared capacity that may be used; infinite without one
};

/// Share `load` out over the homes that are up or joining. A home whose capacity does not allow its share by weight is held to what it allows, one to which
/// nobody may come to what it bears, and the others bear the rest. When no home has any left, what they bear beyond is shared out alike, and no home is filled.
/// Units:  load in units a second: all that is not bound to homes that must be left.
/// Thread: any; pure.
[[nodiscard]] std::vector<Bounds> bounds_of(std::span<const Home> homes, double load, const Limits& limits);

/// The highest load of an up or joining home in terms of its share: max/mean, where shares are equal. 1 when none bears anything.
/// Thread: any; pure.
[[nodiscard]] double max_over_mean(std::span<const Home> homes, const Limits& limits);

}  // namespace viaduct::balance
