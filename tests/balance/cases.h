// SPDX-License-Identifier: Apache-2.0
// Fleets for the planner: built by hand in a line, or at random from a seed.
#pragma once
#include <cstdint>
#include <random>
#include <vector>

#include "viaduct/balance/plan.h"

namespace viaduct::balance::test {

/// Owns what a Request borrows.
struct Case {
  std::vector<Home> homes;
  std::vector<HomeIndex> client_home;
  std::vector<LoadClass> client_load;
  std::vector<std::uint8_t> client_flags;
  std::vector<Group> groups;
  Limits limits;

  /// `count` clients of this load each; the home's counter grows by it.
  Case& add(HomeIndex home, std::size_t count, double load, std::uint8_t flags = 0) {
    const LoadClass c = class_of(load);
    for (std::size_t i = 0; i < count; ++i) {
      client_home.push_back(home);
      client_load.push_back(c);
      client_flags.push_back(flags);
    }
    homes[home].load += static_cast<double>(count) * load_of(c);
    return *this;
  }
  Case& add_group(const Group& group) {
    groups.push_back(group);
    homes[group.home].load += group.load;
    return *this;
  }
  [[nodiscard]] Request request(std::uint64_t seed = 1) const {
    return {.homes = homes, .clients = {client_home, client_load, client_flags}, .groups = groups, .limits = limits, .seed = seed};
  }
};

inline Case fleet(std::size_t homes) { return {.homes = std::vector<Home>(homes)}; }

/// Two to six homes in any state, up to some hundred clients with loads over five octaves, pinned and watched ones, sometimes slots, weights, capacities, zones.
Case random_case(std::uint64_t seed);

}  // namespace viaduct::balance::test
