// SPDX-License-Identifier: Apache-2.0
// Records by shard, the table filled with them, and sequences of keys.
#include "assign/clients.h"

#include <algorithm>
#include <numeric>

#include "viaduct/assign/fill.h"

namespace viaduct::bench {
namespace {

constexpr std::uint32_t shards_at_once = 16;  // a quarter of a gigabyte of records at 100 million clients
constexpr std::uint64_t never_placed = std::uint64_t{1} << 40;

}  // namespace

std::vector<store::Record> records_of(const assign::Assignment& assignment, std::uint32_t shard_first, std::uint32_t shard_end, std::uint64_t clients) {
  std::vector<store::Record> records;
  for (std::uint64_t i = 0; i < clients; ++i) {
    const assign::ClientKey key = key_of(i);
    const std::uint32_t shard = assignment.shard_of(key);
    if (shard >= shard_first && shard < shard_end) records.push_back({.client = store::identity(key), .epoch = 1, .home = home_of(key)});
  }
  return records;
}

void fill_with(assign::Assignment& assignment, std::uint64_t clients, share::Epoch& epoch) {
  for (std::uint32_t first = 0; first < assignment.shards_count(); first += shards_at_once) {
    const std::uint32_t end = std::min(first + shards_at_once, assignment.shards_count());
    std::vector<std::uint32_t> shards(end - first);
    std::iota(shards.begin(), shards.end(), first);
    assign::redraft(assignment, shards, records_of(assignment, first, end, clients), 1, epoch);
  }
  assignment.set_loaded();
}

std::vector<assign::ClientKey> keys_wanted(std::size_t count, std::uint64_t clients, Choice choice) {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> part(0, 1);
  std::vector<assign::ClientKey> keys(count);
  for (auto& key : keys) {
    const std::uint64_t uniform = random() % clients;
    // The inverse of the distribution of 1/k: the rank's logarithm is uniform.
    const auto rank = static_cast<std::uint64_t>(std::exp(part(random) * std::log(static_cast<double>(clients))));
    const std::uint64_t chosen = choice == Choice::uniform ? uniform : std::min(rank, clients) - 1;
    key = key_of(random() % 5 == 0 ? never_placed + uniform : chosen);
  }
  return keys;
}

}  // namespace viaduct::bench
