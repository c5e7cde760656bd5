// SPDX-License-Identifier: Apache-2.0
// Whether a text holds another: the one search in the decision that goes over whole header lines.
#pragma once
#include <immintrin.h>

#include <bit>
#include <cstdint>
#include <string_view>

namespace viaduct::edge {

/// Whether `needle` stands in `text`: its first and last octet are compared 32 places at a time, the rest where both fit.
/// Shape: needle is 1 octet or more. Nothing outside the two is read. Thread: any; pure.
[[nodiscard]] inline bool contains(std::string_view text, std::string_view needle) {
  const __m256i first = _mm256_set1_epi8(needle.front());
  const __m256i last = _mm256_set1_epi8(needle.back());
  std::size_t at = 0;
  for (; at + needle.size() - 1 + 32 <= text.size(); at += 32) {
    const __m256i here = _mm256_cmpeq_epi8(first, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text.data() + at)));
    const __m256i behind = _mm256_cmpeq_epi8(last, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text.data() + at + needle.size() - 1)));
    for (auto hits = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_and_si256(here, behind))); hits != 0; hits &= hits - 1)
      if (text.substr(at + static_cast<std::size_t>(std::countr_zero(hits)), needle.size()) == needle) return true;
  }
  return text.find(needle, at) != text.npos;
}

}  // namespace viaduct::edge
