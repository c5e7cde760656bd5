// SPDX-License-Identifier: Apache-2.0
// Look-ups a second by the number of clients: one after the other, and in prefetched bursts; all clients alike, and by Zipf's law.
#include "assign/clients.h"
#include "assign/timing.h"

namespace viaduct::bench {
namespace {

constexpr int rounds = 5;
constexpr std::size_t keys_max = std::size_t{1} << 23;  // 128 MiB of keys, and half a gigabyte of lines: no cache holds them

void measure(Figures& figures, const std::string& size, std::uint64_t clients) {
  share::Epoch epoch(1);
  assign::Assignment assignment(assign::Policy::slots, clients);
  assignment.set_slots(std::vector<assign::HomeIndex>(base::slots_count, 1), 1);
  fill_with(assignment, clients, epoch);
  const std::size_t count = std::clamp(clients * 4, std::size_t{1} << 16, keys_max);
  for (const Choice choice : {Choice::uniform, Choice::zipf}) {
    const auto keys = keys_wanted(count, clients, choice);
    std::vector<double> bulk, single;
    for (int round = 0; round < rounds; ++round) {
      bulk.push_back(mps(keys, [&](Keys k) { return find_bulk(assignment, k); }));
      single.push_back(mps(keys, [&](Keys k) { return find_single(assignment, k); }));
    }
    const std::string by = choice == Choice::uniform ? "" : "_zipf";
    figures.set("lookup_bulk_" + size + by + "_mps", median(bulk));
    figures.set("lookup_single_" + size + by + "_mps", median(single));
  }
}

}  // namespace

void measure_lookups(Figures& figures) {
  measure(figures, "1k", 1'000);
  measure(figures, "1M", 1'000'000);
  measure(figures, "10M", 10'000'000);
  measure(figures, "100M", 100'000'000);
}

}  // namespace viaduct::bench
