// SPDX-License-Identifier: Apache-2.0
// A block's octets: the records of clients whose keys begin alike, packed to 16 octets each, in order, with a checksum behind. Pure.
//
//   record:    u64 bits (24 of the key's high word behind the block's, 40 of the low), u32 epoch, u16 home, u8 flags (1: pin), u8 zero
//   checksum:  u32 CRC-32C of the block's number and the records
// Numbers are little endian, as the machine's.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "viaduct/store/record.h"

namespace viaduct::store {

/// CRC-32C (Castagnoli, RFC 3720 12.1) of `bytes`, begun from `start`, the result for what came before.
[[nodiscard]] std::uint32_t crc32c(std::string_view bytes, std::uint32_t start = 0);

/// Append the block's records. False when its size, its order or its checksum is wrong; `out` is then of no use.
[[nodiscard]] bool unpack(std::uint32_t block, std::string_view octets, std::vector<Record>& out);
/// Shape: records of that block, ascending.
void pack(std::uint32_t block, std::span<const Record> records, std::string& out);

/// A checksum behind octets of any kind, bound to where they stand.
void seal(std::uint64_t place, std::string& octets);
/// The octets without it; nullopt when it is wrong.
[[nodiscard]] std::optional<std::string_view> unsealed(std::uint64_t place, std::string_view sealed);

/// The order of identities.
[[nodiscard]] inline bool is_before(const base::Hash128& a, const base::Hash128& b) { return a.high != b.high ? a.high < b.high : a.low < b.low; }

}  // namespace viaduct::store
