// SPDX-License-Identifier: Apache-2.0
// Weighted rendezvous hashing: every key has an order of the homes that depends on names, weights and seed alone. No states: the caller adds who may be chosen.
#pragma once
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "viaduct/base/hash.h"

namespace viaduct::assign {

/// Index of a home in its snapshot; stable for the life of a process, also across reloads.
using HomeIndex = std::uint16_t;
inline constexpr HomeIndex no_home = std::numeric_limits<HomeIndex>::max();

/// A home is chosen for a key with a probability of its share of the weights; when a home leaves, only its own keys go elsewhere.
/// Thread: immutable once filled.
class Rendezvous {
 public:
  explicit Rendezvous(const base::Key128& seed) : seed_(seed) {}
  /// Shape: names are distinct. A home of weight 0 is never chosen.
  void add(std::string_view name, std::uint32_t weight, HomeIndex home);
  /// The first home but `except` in the order of this key; no_home when there are none. About a nanosecond a home, and one logarithm for each distinct weight.
  [[nodiscard]] HomeIndex choose(std::uint64_t key, HomeIndex except = no_home) const;

 private:
  struct Candidate {
    std::uint64_t name_hash;
    HomeIndex home;
  };
  /// Among equal weights the largest hash wins, so that only winners are weighed against each other.
  struct Tier {
    std::uint32_t weight;
    std::vector<Candidate> candidates;
  };
  base::Key128 seed_;
  std::vector<Tier> tiers_;  // ascending by weight, so that a tie falls alike on every node
};

}  // namespace viaduct::assign
