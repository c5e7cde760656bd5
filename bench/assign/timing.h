// SPDX-License-Identifier: Apache-2.0
// Look-ups timed, prefetched as the path does it: some packets before they are needed; medians, and figures as one JSON object.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "micro/pool.h"
#include "viaduct/assign/assignment.h"

namespace viaduct::bench {

/// Keys of a burst, and how long before it is found a key is prefetched where there are no bursts.
inline constexpr std::size_t burst = 32, keys_ahead = 32;
using Keys = std::span<const assign::ClientKey>;

/// What is found, summed up: so that no look-up is left out.
template <typename Prefetch, typename Find>
std::uint64_t find_ahead(Keys keys, Prefetch prefetch, Find find) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < std::min(keys_ahead, keys.size()); ++i) prefetch(keys[i]);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (i + keys_ahead < keys.size()) prefetch(keys[i + keys_ahead]);
    sum += find(keys[i]);
  }
  return sum;
}

/// As the path does it: a burst is prefetched, then found; here the next burst is on its way meanwhile.
inline std::uint64_t find_bulk(const assign::Assignment& assignment, Keys keys) {
  std::array<assign::Placement, burst> found;
  std::uint64_t sum = 0;
  const auto burst_at = [&](std::size_t at) { return at < keys.size() ? keys.subspan(at, std::min(burst, keys.size() - at)) : Keys{}; };
  assignment.prefetch(burst_at(0));
  for (std::size_t at = 0; at < keys.size(); at += burst) {
    assignment.prefetch(burst_at(at + burst));
    const Keys now = burst_at(at);
    assignment.find(now, found);
    for (std::size_t i = 0; i < now.size(); ++i) sum += found[i].home;
  }
  return sum;
}

inline std::uint64_t find_single(const assign::Assignment& assignment, Keys keys) {
  std::uint64_t sum = 0;
  for (const auto& key : keys) sum += assignment.find(key).home;
  return sum;
}

/// Millions of look-ups in a second of this thread's CPU time.
template <typename Find>
double mps(Keys keys, Find find) {
  const double from = cpu_seconds();
  benchmark::DoNotOptimize(find(keys));
  return static_cast<double>(keys.size()) / (cpu_seconds() - from) / 1e6;
}

inline double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

class Figures {
 public:
  void set(const std::string& name, double value) {
    std::fprintf(stderr, "%-44s %10.2f\n", name.c_str(), value);
    values_.emplace_back(name, value);
  }
  void print() const {
    const char* between = "{";
    for (const auto& [name, value] : values_) {
      std::printf("%s\"assign.%s\": %.4f", between, name.c_str(), value);
      between = ", ";
    }
    std::puts("}");
  }

 private:
  std::vector<std::pair<std::string, double>> values_;
};

// One a kind of measurement: each leaves its figures.
void measure_lookups(Figures& figures);
void measure_memory(Figures& figures);
void measure_peers(Figures& figures);
void measure_writes(Figures& figures);

}  // namespace viaduct::bench
