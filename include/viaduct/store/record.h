// SPDX-License-Identifier: Apache-2.0
// A client's placement as it is kept: what the table is built from, and the bits of a key by which clients are told apart.
#pragma once
#include <cstdint>

#include "viaduct/base/hash.h"

namespace viaduct::store {

/// Bits of a key's high word that are kept: twenty name the block, 24 more stand in the record. With the 40 of the low word they are 84.
/// Two of n clients share them with a chance of n^2 / 2^85: 2.6e-10 at 100 million. An insertion that meets it is refused (the store knows the AoRs).
inline constexpr unsigned high_bits = 44;
inline constexpr unsigned low_bits = 40;
inline constexpr unsigned block_bits = 20;

/// The kept bits of a client key, the others zero: who a client is, for store and table.
[[nodiscard]] constexpr base::Hash128 identity(const base::Hash128& key) {
  return {.low = key.low >> (64 - low_bits) << (64 - low_bits), .high = key.high >> (64 - high_bits) << (64 - high_bits)};
}

/// The block of records that a client stands in; blocks are in the order of keys, as the table is.
[[nodiscard]] constexpr std::uint32_t block_of(const base::Hash128& key) { return static_cast<std::uint32_t>(key.high >> (64 - block_bits)); }

/// A client placed explicitly.
struct Record {
  base::Hash128 client;   ///< an identity
  std::uint32_t epoch{};  ///< of the batch that last changed it
  std::uint16_t home{};   ///< index of a home
  bool pin{};             ///< placed by the operator, never moved by itself
  bool operator==(const Record&) const = default;
};

}  // namespace viaduct::store
