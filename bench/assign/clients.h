// SPDX-License-Identifier: Apache-2.0
// Clients that need no memory: who client i is follows from i. Records of them by shard, and sequences of keys to look for.
#pragma once
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "viaduct/assign/assignment.h"

namespace viaduct::bench {

inline constexpr std::uint64_t homes_count = 1'000;

/// A bijective mix of all bits (two multiply and shift rounds): as good as a keyed hash's output here.
inline std::uint64_t mix(std::uint64_t x) {
  x = (x + 1) * 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

inline assign::ClientKey key_of(std::uint64_t client) { return {.low = mix(client * 2), .high = mix(client * 2 + 1)}; }

inline assign::HomeIndex home_of(const assign::ClientKey& key) { return static_cast<assign::HomeIndex>((key.low >> 32) % homes_count); }

/// Records of the clients 0 to `clients` - 1 of some shards, unsorted.
[[nodiscard]] std::vector<store::Record> records_of(const assign::Assignment& assignment, std::uint32_t shard_first, std::uint32_t shard_end,
                                                    std::uint64_t clients);

/// Clients 0 to `clients` - 1 into an empty table, some shards at a time.
void fill_with(assign::Assignment& assignment, std::uint64_t clients, share::Epoch& epoch);

enum class Choice : std::uint8_t {
  uniform,
  zipf   ///< the k-th most frequent client 1/k as often as the first
};

/// Keys to look for, four of five of clients 0 to `clients` - 1, the others of clients that were never placed.
[[nodiscard]] std::vector<assign::ClientKey> keys_wanted(std::size_t count, std::uint64_t clients, Choice choice);

}  // namespace viaduct::bench
