// SPDX-License-Identifier: Apache-2.0
// What leaves where for where, by blocks: the plan before it knows its clients by name.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "receivers.h"
#include "stock.h"

namespace viaduct::balance {

/// So many items of one block, to one home.
struct Parcel {
  std::uint32_t block, count;
  HomeIndex to;
};

class Draft {
 public:
  /// Borrows all three; what is given away is taken from the stock.
  Draft(const Request& request, Stock& stock, std::span<const Bounds> bounds);
  /// All who may move leave the homes that are to be left.
  void empty_leaving();
  /// Homes above their caps give until they are not, each the cheapest that does it.
  void relieve();
  /// Homes below their floors get what brings most load for its cost, from wherever it may leave.
  void fill();
  [[nodiscard]] const std::vector<Parcel>& parcels() const { return parcels_; }
  [[nodiscard]] bool is_cut_short() const { return is_cut_short_; }

 private:
  struct Take {
    std::uint32_t block, count;
  };
  using Takes = std::vector<Take>;
  std::uint32_t place(Take take, Receivers& receivers, bool is_budgeted = true);
  std::uint32_t place_all(const Takes& takes, Receivers& receivers, bool is_budgeted = true);
  std::uint32_t within_budget(const Block& block, std::uint32_t count);
  void give(std::uint32_t block, std::uint32_t count, HomeIndex to);
  /// What a home should give to come down to its cap. Blocks whose items nobody takes (of `refused` or more each) are left out.
  void add_takes(HomeIndex home, double refused, Takes& takes);
  void add_last_take(std::span<const Block> rest, double excess, double spare, Takes& takes);
  void order(Takes& takes) const;
  [[nodiscard]] std::vector<std::uint32_t> blocks_by_worth(const std::vector<bool>& is_filled) const;
  [[nodiscard]] std::uint32_t index_of(const Block& block) const { return static_cast<std::uint32_t>(&block - stock_.blocks.data()); }

  const Request& request_;
  Stock& stock_;
  std::span<const Bounds> bounds_;
  std::uint64_t budget_;  // clients that may still move
  std::vector<Parcel> parcels_;
  bool is_cut_short_{};
};

}  // namespace viaduct::balance
