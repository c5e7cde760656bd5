// SPDX-License-Identifier: Apache-2.0
// Finding a client's home among a million: one after the other, and a burst that was prefetched, as the path does it.
#include <random>

#include "micro/pool.h"
#include "viaduct/assign/fill.h"

namespace viaduct::bench {
namespace {

constexpr std::size_t clients = 1'000'000;
constexpr std::size_t finds = 65'536;  // a pass: its lines do not fit the second-level cache
constexpr std::size_t burst = 32;
constexpr std::size_t homes = 1'000;

/// A million placed clients, and a random choice of them to look for.
struct Placed {
  share::Epoch epoch{1};
  assign::Assignment assignment{assign::Policy::slots, clients};
  std::vector<assign::ClientKey> wanted;

  Placed() {
    std::mt19937_64 random(7);
    std::vector<store::Record> records(clients);
    for (auto& r : records) r = {.client = store::identity({random(), random()}), .epoch = 1, .home = static_cast<assign::HomeIndex>(random() % homes)};
    for (std::size_t i = 0; i < finds; ++i) wanted.push_back(records[random() % clients].client);
    assign::fill(assignment, std::move(records), 1, epoch);
  }
};

const Placed& placed() {
  static const Placed all;
  return all;
}

void lookup_one(benchmark::State& state) {
  const Placed& p = placed();
  time_passes(
      state, finds, [] {},
      [&] {
        for (const auto& key : p.wanted) benchmark::DoNotOptimize(p.assignment.find(key));
      });
}
BENCHMARK(lookup_one)->UseManualTime();

void lookup_burst(benchmark::State& state) {
  const Placed& p = placed();
  time_passes(
      state, finds, [] {},
      [&] {
        std::array<assign::Placement, burst> found;
        for (std::size_t at = 0; at < finds; at += burst) {
          const auto keys = std::span(p.wanted).subspan(at, burst);
          p.assignment.prefetch(keys);
          p.assignment.find(keys, found);
          benchmark::DoNotOptimize(found);
        }
      });
}
BENCHMARK(lookup_burst)->UseManualTime();

}  // namespace
}  // namespace viaduct::bench
