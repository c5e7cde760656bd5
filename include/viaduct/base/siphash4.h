// SPDX-License-Identifier: Apache-2.0
// SipHash-1-3 with 128-bit output of four short texts at the same time, one in each lane of a vector; siphash.h has the one that is easy to read.
#pragma once
#include <immintrin.h>

#include "viaduct/base/siphash.h"

namespace viaduct::base {

/// A text of up to 63 octets as SipHash takes it: whole words, zeros behind the octets, the last word's last octet the number of octets.
struct alignas(32) SipText {
  static constexpr std::size_t bytes_max = 63;
  std::array<char, bytes_max + 1> room;
  std::uint64_t bytes;

  [[nodiscard]] std::string_view text() const { return {room.data(), bytes}; }
};

/// The states of four hashes.
struct SipStates {
  __m256i v0, v1, v2, v3;

  [[gnu::always_inline]] explicit SipStates(const Key128& key) {
    const SipState<1, 3> one(key, 16);
    v0 = each(one.v0), v1 = each(one.v1), v2 = each(one.v2), v3 = each(one.v3);
  }
  [[gnu::always_inline]] void mix() {
    v0 = _mm256_add_epi64(v0, v1);
    v2 = _mm256_add_epi64(v2, v3);
    v1 = _mm256_xor_si256(rotl<13>(v1), v0);
    v3 = _mm256_xor_si256(rotl<16>(v3), v2);
    v0 = rotl<32>(v0);
    v2 = _mm256_add_epi64(v2, v1);
    v0 = _mm256_add_epi64(v0, v3);
    v1 = _mm256_xor_si256(rotl<17>(v1), v2);
    v3 = _mm256_xor_si256(rotl<21>(v3), v0);
    v2 = rotl<32>(v2);
  }
  /// One word of each text; where `has` is zero the text has ended, and its state stays.
  [[gnu::always_inline]] void word(__m256i words, __m256i has) {
    const SipStates before = *this;
    v3 = _mm256_xor_si256(v3, words);
    mix();
    v0 = _mm256_xor_si256(v0, words);
    v0 = _mm256_blendv_epi8(before.v0, v0, has);
    v1 = _mm256_blendv_epi8(before.v1, v1, has);
    v2 = _mm256_blendv_epi8(before.v2, v2, has);
    v3 = _mm256_blendv_epi8(before.v3, v3, has);
  }
  [[gnu::always_inline]] void finish(Hash128* out) {
    const __m256i low = half(v2, 0xee), high = half(v1, 0xdd);
    const __m256i even = _mm256_unpacklo_epi64(low, high), odd = _mm256_unpackhi_epi64(low, high);
    const auto store = [&](std::size_t i, __m128i hash) { _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i), hash); };
    store(0, _mm256_castsi256_si128(even));
    store(1, _mm256_castsi256_si128(odd));
    store(2, _mm256_extracti128_si256(even, 1));
    store(3, _mm256_extracti128_si256(odd, 1));
  }

 private:
  static __m256i each(std::uint64_t word) { return _mm256_set1_epi64x(static_cast<long long>(word)); }
  template <int bits>
  [[gnu::always_inline]] static __m256i rotl(__m256i v) {
    if constexpr (bits == 32) return _mm256_shuffle_epi32(v, 0xb1);
    if constexpr (bits == 16) {
      const __m128i by_two = _mm_setr_epi8(6, 7, 0, 1, 2, 3, 4, 5, 14, 15, 8, 9, 10, 11, 12, 13);
      return _mm256_shuffle_epi8(v, _mm256_broadcastsi128_si256(by_two));
    }
    return _mm256_or_si256(_mm256_slli_epi64(v, bits), _mm256_srli_epi64(v, 64 - bits));
  }
  [[gnu::always_inline]] __m256i half(__m256i& v, std::uint64_t mark) {
    v = _mm256_xor_si256(v, each(mark));
    mix();
    mix();
    mix();
    return _mm256_xor_si256(_mm256_xor_si256(v0, v1), _mm256_xor_si256(v2, v3));
  }
};

/// siphash128 of four texts. Thread: any; pure. Source: as siphash.h.
inline void siphash128_of_four(const Key128& key, const SipText* texts, Hash128* out) {
  const auto words_in = [&](std::size_t i) { return static_cast<long long>(texts[i].bytes / 8) + 1; };
  const __m256i counts = _mm256_set_epi64x(words_in(3), words_in(2), words_in(1), words_in(0));
  SipStates states(key);
  // The words [at, at + 4) of each text.
  const auto take = [&](std::size_t at) {
    const auto row = [&](std::size_t i) { return _mm256_load_si256(reinterpret_cast<const __m256i*>(texts[i].room.data() + 8 * at)); };
    const auto has = [&](std::size_t word) {
      return _mm256_cmpgt_epi64(counts, _mm256_set1_epi64x(static_cast<long long>(at) + static_cast<long long>(word)));
    };
    const __m256i even_01 = _mm256_unpacklo_epi64(row(0), row(1)), odd_01 = _mm256_unpackhi_epi64(row(0), row(1));
    const __m256i even_23 = _mm256_unpacklo_epi64(row(2), row(3)), odd_23 = _mm256_unpackhi_epi64(row(2), row(3));
    states.word(_mm256_permute2x128_si256(even_01, even_23, 0x20), has(0));
    states.word(_mm256_permute2x128_si256(odd_01, odd_23, 0x20), has(1));
    states.word(_mm256_permute2x128_si256(even_01, even_23, 0x31), has(2));
    states.word(_mm256_permute2x128_si256(odd_01, odd_23, 0x31), has(3));
  };
  take(0);
  const __m256i has_fifth = _mm256_cmpgt_epi64(counts, _mm256_set1_epi64x(4));
  if (!_mm256_testz_si256(has_fifth, has_fifth)) take(4);
  states.finish(out);
}

}  // namespace viaduct::base
