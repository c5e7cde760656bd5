// SPDX-License-Identifier: Apache-2.0
// AES-128: a block encrypted, CMAC over whole blocks, and the key of AesHasher. Blocks stay in registers; uses AES-NI.
#pragma once
#include <immintrin.h>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>

#include "viaduct/base/siphash.h"

namespace viaduct::base {

/// The round keys of AES-128, as the bytes of its blocks. Source: FIPS 197 5.2.
using AesRoundKeys = std::array<std::array<std::uint8_t, 16>, 11>;

namespace detail {
inline __m128i load_block(const void* from) { return _mm_loadu_si128(static_cast<const __m128i*>(from)); }
inline __m128i block_of(const Hash128& words) { return _mm_set_epi64x(static_cast<long long>(words.high), static_cast<long long>(words.low)); }

/// Source: FIPS 197 5.1.
[[gnu::always_inline]] inline __m128i encrypted(const AesRoundKeys& keys, __m128i block) {
  block = _mm_xor_si128(block, load_block(keys[0].data()));
  for (std::size_t round = 1; round < 10; ++round) block = _mm_aesenc_si128(block, load_block(keys[round].data()));
  return _mm_aesenclast_si128(block, load_block(keys[10].data()));
}
}  // namespace detail

/// AES-128 with expanded key for CMAC over whole blocks. Thread: any; pure. Source: RFC 4493 (no padding case).
class AesMac {
 public:
  explicit AesMac(const Key128& key);
  /// The first 8 octets of the CMAC, little endian. Shape: the blocks' octets as little-endian words, low first.
  template <std::same_as<Hash128>... Blocks>
  [[nodiscard, gnu::always_inline]] std::uint64_t mac64(const Blocks&... blocks) const {
    static_assert(sizeof...(blocks) > 0, "CMAC of nothing pads");
    std::size_t left = sizeof...(blocks);
    __m128i state = _mm_setzero_si128();
    const auto add = [&](__m128i block) {
      if (--left == 0) block = _mm_xor_si128(block, detail::load_block(subkey_.data()));
      state = detail::encrypted(round_keys_, _mm_xor_si128(state, block));
    };
    (add(detail::block_of(blocks)), ...);
    return static_cast<std::uint64_t>(_mm_cvtsi128_si64(state));
  }

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

}  // namespace viaduct::base
