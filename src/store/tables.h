// SPDX-License-Identifier: Apache-2.0
// The tables of the store's file, and the one row that says what file it is. docs/operations.md draws them.
#pragma once
#include <array>
#include <cstdint>
#include <optional>

#include "mdb.h"
#include "viaduct/base/hash.h"

namespace viaduct::store {

/// Raised whenever an older build could misread what a newer one writes. A file of another format is refused: `viaduct clients export` with the build that
/// wrote it and `import` with this one bring it over, unless a step that rewrites it is added where the format is read (lmdb.cpp).
inline constexpr std::uint32_t format = 1;

struct Tables {
  MDB_dbi meta{};      ///< "meta" -> Meta, "mark" -> 16 octets at random, "fleet" -> the mark of the log that it follows; all sealed
  MDB_dbi blocks{};    ///< u32 block -> records (block.h)
  MDB_dbi aors{};      ///< identity, 11 octets, big endian -> canonical AoR
  MDB_dbi homes{};     ///< u32 index -> description, sealed
  MDB_dbi slots{};     ///< u32 chunk -> slots_per_chunk homes, sealed
  MDB_dbi batches{};   ///< u32 epoch -> who and why (log.h), sealed
  MDB_dbi log{};       ///< u64 epoch and place in it -> changes of placements (log.h), sealed
};

struct Meta {
  std::array<char, 8> magic{'v', 'i', 'a', 'd', 'u', 'c', 't', '\n'};
  std::uint32_t format{store::format};
  std::uint32_t epoch{};
  std::uint64_t seed_mark{};      ///< a hash of nothing under the fleet's seed
  std::uint64_t clients{};
  std::uint64_t log_entries{};
  bool operator==(const Meta&) const = default;
};
static_assert(sizeof(Meta) == 40);

inline constexpr std::size_t slots_per_chunk = 2048;

/// An identity as a key in whose octets' order identities stand.
using AorKey = std::array<char, 11>;
[[nodiscard]] inline AorKey aor_key(const base::Hash128& client) {
  AorKey key;
  const std::uint64_t high = client.high >> (64 - high_bits);
  const std::uint64_t low = client.low >> (64 - low_bits);
  const std::uint64_t upper = high >> 4;                                     // 40 bits
  const std::uint64_t lower = (high & 15) << 44 | low << 4;                  // 48 bits, the last 4 zero
  for (unsigned i = 0; i < 5; ++i) key[i] = static_cast<char>(upper >> (32 - 8 * i));
  for (unsigned i = 0; i < 6; ++i) key[5 + i] = static_cast<char>(lower >> (40 - 8 * i));
  return key;
}
[[nodiscard]] inline std::string_view text_of(const AorKey& key) { return {key.data(), key.size()}; }

[[nodiscard]] std::uint64_t seed_mark(const base::Key128& seed);
/// As Snapshot::mark. Errors: throws Failure{corrupt}.
[[nodiscard]] std::optional<base::Hash128> read_mark(MDB_txn* txn, const Tables& tables);
/// As Snapshot::fleet. Errors: throws Failure{corrupt}.
[[nodiscard]] std::optional<base::Hash128> read_fleet(MDB_txn* txn, const Tables& tables);
void write_fleet(MDB_txn* txn, const Tables& tables, const base::Hash128& mark);
/// Errors: throws Failure{corrupt, format, foreign}.
[[nodiscard]] Meta read_meta(MDB_txn* txn, const Tables& tables);
void write_meta(MDB_txn* txn, const Tables& tables, const Meta& meta);

}  // namespace viaduct::store
