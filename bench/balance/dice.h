// SPDX-License-Identifier: Apache-2.0
// Chance from a seed, the same on every machine: uniform numbers, Poisson counts, and clients' rates with a heavy tail.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>

namespace viaduct::bench {

/// SplitMix64.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t bits() {
    std::uint64_t x = state_ += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
  }
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
  std::uint64_t below(std::uint64_t n) { return bits() % n; }

  /// Events where `mean` are expected: by inversion, and from 20 up by the normal distribution.
  std::uint32_t poisson(double mean) {
    if (mean > 20) return static_cast<std::uint32_t>(std::max(0.0, std::round(mean + std::sqrt(mean) * normal())));
    double term = std::exp(-mean), sum = term;
    const double u = uniform();
    std::uint32_t count = 0;
    for (; u > sum && count < 100; sum += term) term *= mean / ++count;
    return count;
  }

  /// Three uniform exponents summed: from 1 to 3,000, mean 127; the heaviest 1 % bring some 10 % of the load.
  double heavy_tailed() { return std::exp(std::log(3000.0) * (uniform() + uniform() + uniform()) / 3); }
  static constexpr double heavy_tailed_mean = 127;

 private:
  double normal() { return std::sqrt(-2 * std::log(1 - uniform())) * std::cos(6.283185307179586 * uniform()); }

  std::uint64_t state_;
};

}  // namespace viaduct::bench
