// SPDX-License-Identifier: Apache-2.0
// Keyed hashing: SipHash-1-3 (64 and 128 bits) for tables, AES-128 CMAC over whole blocks for what must not be forged, keys of AesHasher.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "viaduct/base/siphash.h"

namespace viaduct::base {

/// SipHash-1-3 with 128-bit output. Thread: any; pure. Source: Aumasson and Bernstein's reference (rounds 1 and 3); the 128-bit variant is its `SIPHASH outlen 16`.
[[nodiscard]] inline Hash128 siphash128(const Key128& key, std::string_view bytes) { return siphash_128<1, 3>(key, bytes); }

/// SipHash-1-3 with 64-bit output.
[[nodiscard]] inline std::uint64_t siphash64(const Key128& key, std::string_view bytes) { return siphash_64<1, 3>(key, bytes); }

/// The round keys of AES-128, as the bytes of its blocks. Source: FIPS 197 5.2.
using AesRoundKeys = std::array<std::array<std::uint8_t, 16>, 11>;

/// AES-128 with expanded key for CMAC over 1 to 4 whole blocks. Source: RFC 4493 (no padding case). Uses AES-NI.
class AesMac {
 public:
  explicit AesMac(const Key128& key);
  /// Shape: blocks.size() is a multiple of 16, 16 to 64. Returns the first 8 octets of the CMAC, little endian.
  [[nodiscard]] std::uint64_t mac64(std::span<const std::uint8_t> blocks) const;

 private:
  alignas(16) AesRoundKeys round_keys_;
  alignas(16) std::array<std::uint8_t, 16> subkey_;  // K1 of RFC 4493
};

/// AES-128 with expanded key for the hashes of aes_hash.h.
class AesHashKey {
 public:
  explicit AesHashKey(const Key128& key);

 private:
  friend class AesHasher;
  alignas(16) AesRoundKeys round_keys_;
  alignas(16) std::array<std::uint8_t, 16> start_;  // the block of zeros, encrypted
};

/// Compare without leaking where the difference is.
[[nodiscard]] bool equal_constant_time(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b);

}  // namespace viaduct::base
