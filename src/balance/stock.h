// SPDX-License-Identifier: Apache-2.0
// What each home has to give: blocks of items alike, their loads calibrated to the home's exact counter, by falling load for their cost.
#pragma once
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "histogram.h"
#include "viaduct/balance/plan.h"

namespace viaduct::balance {

inline constexpr std::uint32_t no_group = std::numeric_limits<std::uint32_t>::max();

/// Movable items of one home that are alike: clients of one kind, or one group.
struct Block {
  double load{}, cost{};      ///< of each item; load is above 0
  std::uint32_t count{};
  std::uint32_t left{};       ///< of count, not given away yet
  std::uint32_t clients{1};   ///< of each item
  std::uint32_t group{no_group};
  Row row{};
  LoadClass load_class{};
  HomeIndex home{};
};

struct Holding {
  double load{};       ///< what the home bears as the plan goes on
  double immovable{};  ///< of it, what cannot leave: immovable clients and groups, and guests
  std::uint64_t clients{};
  std::uint32_t first_block{}, end_block{};
};

struct Stock {
  std::vector<Holding> homes;
  std::vector<Block> blocks;  ///< by home, then by falling load / cost
  std::uint64_t clients{};

  [[nodiscard]] std::span<Block> of(HomeIndex home) {
    return std::span(blocks).subspan(homes[home].first_block, homes[home].end_block - homes[home].first_block);
  }
};

/// More load for its cost, and among equals the lighter: what is taken first.
[[nodiscard]] inline bool worth_more(const Block& a, const Block& b) {
  const double x = a.load * b.cost, y = b.load * a.cost;
  return x != y ? x > y : a.load < b.load;
}

/// Must all who may move leave this home?
[[nodiscard]] inline bool is_leaving(const Home& home) { return home.state == HomeState::draining; }

/// Load that the bounds share out: all but what is bound to homes that are to be left.
[[nodiscard]] double load_to_share(const Stock& stock, const Request& request);

[[nodiscard]] Stock take_stock(const Request& request);

}  // namespace viaduct::balance
