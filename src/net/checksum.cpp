// SPDX-License-Identifier: Apache-2.0
// The Internet checksum over any octets, 64 at a time, and over the pseudo-header. Which fields it covers is the callers' business.
#include "viaduct/net/checksum.h"

#include <immintrin.h>

#include "wire.h"

namespace viaduct::net {
namespace {

/// Add the sixteen words of a vector to eight 32-bit lanes. A lane grows by less than 2^17 for 32 octets: 65,535 octets stay below 2^28.
[[gnu::always_inline]] inline __m256i accumulate(__m256i sum, __m256i words) {
  const __m256i even = _mm256_and_si256(words, _mm256_set1_epi32(0xffff));
  return _mm256_add_epi32(sum, _mm256_add_epi32(even, _mm256_srli_epi32(words, 16)));
}

[[gnu::always_inline]] inline __m256i load(const std::uint8_t* at) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)); }

/// The first `count` 32-bit lanes at `at`, zero behind them; what is masked off is not touched, so that it may lie on another page.
[[gnu::always_inline]] inline __m256i load_lanes(const std::uint8_t* at, std::size_t count) {
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), lane);
  return _mm256_maskload_epi32(reinterpret_cast<const int*>(at), mask);
}

[[gnu::always_inline]] inline std::uint64_t horizontal(__m256i sum) {
  const __m256i low = _mm256_and_si256(sum, _mm256_set1_epi64x(0xffffffff));
  const __m256i pairs = _mm256_add_epi64(low, _mm256_srli_epi64(sum, 32));
  const __m128i half = _mm_add_epi64(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1));
  return static_cast<std::uint64_t>(_mm_cvtsi128_si64(half)) + static_cast<std::uint64_t>(_mm_extract_epi64(half, 1));
}

/// The last zero to three octets as one little-endian number, so that an odd octet is the high half of its wire word.
[[gnu::always_inline]] inline std::uint64_t tail(const std::uint8_t* at, std::size_t count) {
  std::uint64_t v = 0;
  for (std::size_t i = 0; i < count; ++i) v |= std::uint64_t{at[i]} << (8 * i);
  return v;
}

}  // namespace

std::uint16_t sum16(std::span<const std::uint8_t> bytes) {
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  __m256i a = _mm256_setzero_si256();
  __m256i b = _mm256_setzero_si256();
  for (; left >= 64; at += 64, left -= 64) {
    a = accumulate(a, load(at));
    b = accumulate(b, load(at + 32));
  }
  if (left >= 32) {
    a = accumulate(a, load(at));
    at += 32;
    left -= 32;
  }
  b = accumulate(b, load_lanes(at, left / 4));
  return fold_raw(horizontal(_mm256_add_epi32(a, b)) + tail(at + left / 4 * 4, left % 4));
}

std::uint16_t sum16_scalar(std::span<const std::uint8_t> bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    sum += i % 2 == 0 ? std::uint32_t{bytes[i]} << 8 : std::uint32_t{bytes[i]};
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return static_cast<std::uint16_t>(sum);
}

std::uint16_t pseudo_sum(const base::Address& source, const base::Address& destination, std::uint16_t bytes, std::uint8_t protocol) {
  // An IPv4-mapped address has 0xffff before its last four octets: zero in ones' complement, so that one sum serves both families.
  const auto address_sum = [](const base::Address& a) {
    const std::uint8_t* o = a.octets().data();
    return load32_raw(o) + load32_raw(o + 4) + load32_raw(o + 8) + load32_raw(o + 12);
  };
  const std::uint64_t rest = std::uint64_t{std::byteswap(std::uint16_t{protocol})} + std::byteswap(bytes);
  return fold_raw(address_sum(source) + address_sum(destination) + rest);
}

}  // namespace viaduct::net
