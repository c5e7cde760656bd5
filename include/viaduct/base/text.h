// SPDX-License-Identifier: Apache-2.0
// Short texts copied and compared by whole words: exactly, or loosely where more may be read and written than is wanted. No library call for forty octets.
#pragma once
#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace viaduct::base {

/// Octets that `copy_loosely` may read and write behind what it copies.
inline constexpr std::size_t loose_bytes = 96;

[[gnu::always_inline]] inline void move_32(char* to, const char* from) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
}
[[gnu::always_inline]] inline void move_16(char* to, const char* from) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
}

/// Copy a text and return where it ends in `to`. A header line seldom has more than 96 octets: so many go without a branch on their number.
/// Shape: loose_bytes behind both may be touched; what stands there in `to` is overwritten. No overlap within text and loose_bytes.
[[gnu::always_inline]] inline char* copy_loosely(char* to, const char* from, std::size_t bytes) {
  move_32(to, from);
  move_32(to + 32, from + 32);
  move_32(to + 64, from + 64);
  for (std::size_t i = loose_bytes; i < bytes; i += 32) [[unlikely]]
    move_32(to + i, from + i);
  return to + bytes;
}

/// Copy a text and return where it ends in `to`. Nothing else is touched. Of 16 to 64 octets the last vector overlaps the first.
[[gnu::always_inline]] inline char* copy_text(char* to, std::string_view text) {
  const char* const from = text.data();
  const std::size_t bytes = text.size();
  if (bytes - 32 <= 32) {
    move_32(to, from);
    move_32(to + bytes - 32, from + bytes - 32);
  } else if (bytes - 16 < 16) {
    move_16(to, from);
    move_16(to + bytes - 16, from + bytes - 16);
  } else if (bytes != 0) {
    std::memcpy(to, from, bytes);
  }
  return to + bytes;
}

/// Copy a text to a place that may overlap it, and return where it ends in `to`. Nothing else is touched. Of 16 to 128 octets all are loaded first.
[[gnu::always_inline]] inline char* move_text(char* to, std::string_view text) {
  const char* const from = text.data();
  const std::size_t bytes = text.size();
  const auto load_32 = [&](std::size_t at) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + at)); };
  const auto store_32 = [&](std::size_t at, __m256i octets) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + at), octets); };
  if (bytes - 32 <= 32) {
    const __m256i first = load_32(0), last = load_32(bytes - 32);
    store_32(0, first);
    store_32(bytes - 32, last);
  } else if (bytes - 64 <= 64) {
    const __m256i first = load_32(0), second = load_32(32), third = load_32(bytes - 64), last = load_32(bytes - 32);
    store_32(0, first);
    store_32(32, second);
    store_32(bytes - 64, third);
    store_32(bytes - 32, last);
  } else if (bytes - 16 < 16) {
    const __m128i first = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    const __m128i last = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + bytes - 16));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), first);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + bytes - 16), last);
  } else if (bytes != 0) {
    std::memmove(to, from, bytes);
  }
  return to + bytes;
}

/// Equal octets, case and all. Of 8 to 32 octets the last word overlaps the first.
[[nodiscard, gnu::always_inline]] inline bool equal_text(std::string_view a, std::string_view b) {
  const std::size_t bytes = a.size();
  if (bytes != b.size()) return false;
  if (bytes - 8 > 24) return bytes == 0 || std::memcmp(a.data(), b.data(), bytes) == 0;
  const auto differ = [&](std::size_t at) {
    std::uint64_t x, y;
    std::memcpy(&x, a.data() + at, 8);
    std::memcpy(&y, b.data() + at, 8);
    return x ^ y;
  };
  if (bytes <= 16) return (differ(0) | differ(bytes - 8)) == 0;
  return (differ(0) | differ(8) | differ(bytes - 16) | differ(bytes - 8)) == 0;
}

}  // namespace viaduct::base
