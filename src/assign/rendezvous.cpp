// SPDX-License-Identifier: Apache-2.0
// The order of homes for a key: hash of name and key, weighed by -ln(u)/weight.
#include "viaduct/assign/rendezvous.h"

#include <algorithm>
#include <cmath>

namespace viaduct::assign {
namespace {

/// A bijective mix in which each bit of input changes each bit of output with about even odds (two multiply and shift rounds).
std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

/// The time to the first event of a Poisson process of this rate, from a uniform hash: the smallest among several falls to each by its share of the rates.
double waiting_time(std::uint64_t hash, std::uint32_t weight) {
  const double u = (static_cast<double>(hash >> 11) + 0.5) * 0x1p-53;  // in (0, 1)
  return -std::log(u) / static_cast<double>(weight);
}

}  // namespace

void Rendezvous::add(std::string_view name, std::uint32_t weight, HomeIndex home) {
  if (weight == 0) return;
  auto tier = std::ranges::lower_bound(tiers_, weight, {}, &Tier::weight);
  if (tier == tiers_.end() || tier->weight != weight) tier = tiers_.insert(tier, Tier{weight, {}});
  tier->candidates.push_back({base::siphash64(seed_, name), home});
}

HomeIndex Rendezvous::choose(std::uint64_t key, HomeIndex except) const {
  const std::uint64_t key_hash = mix(key + 0x9e3779b97f4a7c15u);
  HomeIndex chosen = no_home;
  double shortest = std::numeric_limits<double>::infinity();
  for (const Tier& tier : tiers_) {
    std::uint64_t largest = 0;
    HomeIndex best = no_home;
    for (const Candidate& c : tier.candidates) {
      const std::uint64_t hash = mix(c.name_hash ^ key_hash);
      if (hash < largest || (hash == largest && best != no_home) || c.home == except) continue;
      largest = hash;
      best = c.home;
    }
    if (best == no_home) continue;
    const double time = waiting_time(largest, tier.weight);
    if (time >= shortest) continue;
    shortest = time;
    chosen = best;
  }
  return chosen;
}

}  // namespace viaduct::assign
