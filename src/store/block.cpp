// SPDX-License-Identifier: Apache-2.0
// Packing, unpacking and checksums of blocks.
#include "block.h"

#include <immintrin.h>

#include <bit>
#include <cstring>

#include "viaduct/base/check.h"

namespace viaduct::store {
namespace {

static_assert(std::endian::native == std::endian::little);

struct Packed {
  std::uint64_t bits;
  std::uint32_t epoch;
  std::uint16_t home;
  std::uint8_t flags;
  std::uint8_t zero;
};
static_assert(sizeof(Packed) == 16);

constexpr std::uint8_t flag_pin = 1;
constexpr std::size_t checksum_bytes = 4;
// Records of one block: 95 at a hundred million clients, and keys are hashed under a secret. A length beyond this is a broken page's.
constexpr std::size_t block_records_max = 4096;
constexpr unsigned inner_high_bits = high_bits - block_bits;
static_assert(inner_high_bits + low_bits == 64);

std::uint64_t bits_of(const base::Hash128& client) { return client.high << block_bits >> (64 - inner_high_bits) << low_bits | client.low >> (64 - low_bits); }

base::Hash128 identity_of(std::uint32_t block, std::uint64_t bits) {
  return {.low = bits << (64 - low_bits), .high = std::uint64_t{block} << (64 - block_bits) | bits >> low_bits << (64 - high_bits)};
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes, std::uint32_t start) {
  std::uint64_t crc = ~start;
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    crc = _mm_crc32_u64(crc, word);
  }
  auto crc32 = static_cast<std::uint32_t>(crc);
  for (; left > 0; ++at, --left) crc32 = _mm_crc32_u8(crc32, static_cast<std::uint8_t>(*at));
  return ~crc32;
}

void seal(std::uint64_t place, std::string& octets) {
  const std::uint32_t start = crc32c({reinterpret_cast<const char*>(&place), sizeof place});
  const std::uint32_t sum = crc32c(octets, start);
  octets.append(reinterpret_cast<const char*>(&sum), checksum_bytes);
}

std::optional<std::string_view> unsealed(std::uint64_t place, std::string_view sealed) {
  if (sealed.size() < checksum_bytes) return std::nullopt;
  const std::string_view octets = sealed.substr(0, sealed.size() - checksum_bytes);
  std::uint32_t told = 0;
  std::memcpy(&told, sealed.data() + octets.size(), checksum_bytes);
  const std::uint32_t start = crc32c({reinterpret_cast<const char*>(&place), sizeof place});
  if (crc32c(octets, start) != told) return std::nullopt;
  return octets;
}

bool unpack(std::uint32_t block, std::string_view sealed, std::vector<Record>& out) {
  if (sealed.size() > block_records_max * sizeof(Packed) + checksum_bytes) return false;
  const auto octets = unsealed(block, sealed);
  if (!octets || octets->size() % sizeof(Packed) != 0) return false;
  std::uint64_t last = 0;
  for (std::size_t at = 0; at < octets->size(); at += sizeof(Packed)) {
    Packed p;
    std::memcpy(&p, octets->data() + at, sizeof p);
    if (at > 0 && p.bits <= last) return false;
    last = p.bits;
    out.push_back({.client = identity_of(block, p.bits), .epoch = p.epoch, .home = p.home, .pin = (p.flags & flag_pin) != 0});
  }
  return true;
}

void pack(std::uint32_t block, std::span<const Record> records, std::string& out) {
  base::check(records.size() <= block_records_max, "a block of the store beyond its bound");
  out.resize(records.size() * sizeof(Packed));
  char* at = out.data();
  for (const Record& r : records) {
    const Packed p{.bits = bits_of(r.client), .epoch = r.epoch, .home = r.home, .flags = r.pin ? flag_pin : std::uint8_t{0}, .zero = 0};
    std::memcpy(at, &p, sizeof p);
    at += sizeof p;
  }
  seal(block, out);
}

}  // namespace viaduct::store
