// SPDX-License-Identifier: Apache-2.0
// Who receives the next item: the home with the lowest level, its load in terms of its share, that has room for it.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "stock.h"
#include "viaduct/balance/fleet.h"

namespace viaduct::balance {

/// Up to where a home is filled, and what it must never exceed.
struct Room {
  double until{};  ///< it wants more as long as it bears less
  double most{};   ///< what an item may bring it to
};

/// Homes only ever receive here; what else changes a home's load must be none of these. Borrows the holdings and bounds.
class Receivers {
 public:
  /// Shape: rooms one a home; a home that bears `until` already is none of the receivers.
  Receivers(std::span<const Home> homes, std::span<const Holding> holdings, std::span<const Bounds> bounds, std::vector<Room> rooms);
  /// The receiver of an item of this load from this zone, or none who has room for it.
  [[nodiscard]] std::optional<HomeIndex> choose(double load, std::uint16_t zone);
  /// How many items of this load it should get before others have their turn; at least 1 of what choose() has given.
  [[nodiscard]] std::uint32_t portion(HomeIndex home, double load) const;
  /// Its load in the holdings has grown.
  void note(HomeIndex home);
  /// No item of this load or more is taken by anybody; infinite as long as all were.
  [[nodiscard]] double refused() const { return all_.refused; }

 private:
  struct Entry {
    double level;
    HomeIndex home;
  };
  /// A heap by level. A home's older entries stay in it until they come up.
  struct Pool {
    std::vector<Entry> heap;
    std::vector<HomeIndex> members;
    double refused;  // the least load that nobody had room for; room only shrinks
  };
  [[nodiscard]] double level(HomeIndex home) const { return holdings_[home].load / bounds_[home].share; }
  [[nodiscard]] bool fits(HomeIndex home, double load) const;
  [[nodiscard]] std::optional<HomeIndex> choose_from(Pool& pool, double load) const;
  void drop_stale(Pool& pool) const;
  Pool& zone(std::uint16_t zone);
  static void push(Pool& pool, Entry entry);

  std::span<const Home> homes_;
  std::span<const Holding> holdings_;
  std::span<const Bounds> bounds_;
  std::vector<Room> rooms_;
  std::vector<std::uint16_t> zones_;  // sorted
  std::vector<Pool> pools_;           // one a zone
  Pool all_;
};

}  // namespace viaduct::balance
