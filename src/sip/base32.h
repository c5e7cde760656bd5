// SPDX-License-Identifier: Apache-2.0
// Numbers as base32 letters, here so that they can be written in line. Reading them is token.cpp's.
#pragma once
#include <immintrin.h>

#include <cstdint>
#include <string_view>

#include "viaduct/sip/token.h"

namespace viaduct::sip {

inline constexpr std::string_view base32_letters = "abcdefghijklmnopqrstuvwxyz234567";  // RFC 4648 6

/// Thirteen letters, the most significant first, and three octets that mean nothing.
inline __m128i letters_of(std::uint64_t value) {
  constexpr std::uint64_t fives = 0x1f1f1f1f1f1f1f1f;
  const auto low = static_cast<long long>(_pdep_u64(value, fives));
  const auto high = static_cast<long long>(_pdep_u64(value >> 40, fives));
  const __m128i most_significant_first = _mm_setr_epi8(12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0, 0);
  const __m128i groups = _mm_shuffle_epi8(_mm_set_epi64x(high, low), most_significant_first);
  // A group of 26 or more is a digit: `2` lies 73 below where the next letter would be.
  const __m128i digits = _mm_cmpgt_epi8(groups, _mm_set1_epi8(25));
  return _mm_sub_epi8(_mm_add_epi8(groups, _mm_set1_epi8('a')), _mm_and_si128(digits, _mm_set1_epi8('a' + 26 - '2')));
}

inline void put_64(std::uint64_t value, char* out) {
  const __m128i letters = letters_of(value);
  _mm_storeu_si64(out, letters);
  _mm_storeu_si64(out + base32_64_bytes - 8, _mm_bsrli_si128(letters, base32_64_bytes - 8));
}
inline void put_32(std::uint32_t value, char* out) {
  const __m128i letters = _mm_bsrli_si128(letters_of(value), base32_64_bytes - base32_32_bytes);
  _mm_storeu_si32(out, letters);
  _mm_storeu_si32(out + base32_32_bytes - 4, _mm_bsrli_si128(letters, base32_32_bytes - 4));
}

}  // namespace viaduct::sip
