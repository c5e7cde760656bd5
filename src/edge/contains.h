// SPDX-License-Identifier: Apache-2.0
// Whether a text holds another: the one search in the decision that goes over whole header lines; and the text that it goes over.
#pragma once
#include <immintrin.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string_view>

#include "viaduct/base/text.h"
#include "viaduct/sip/message.h"

namespace viaduct::edge {

/// Whether `needle` stands in `text`: its first, middle and last octet are compared 32 places at a time, the rest where all three fit.
/// Shape: needle is 1 octet or more. Nothing outside the two is read. Thread: any; pure.
[[nodiscard]] inline bool contains(std::string_view text, std::string_view needle) {
  constexpr std::size_t step = 32;
  const std::size_t middle = needle.size() / 2, last = needle.size() - 1;
  if (text.size() < last + step) return text.find(needle) != text.npos;
  const auto places_of = [&](std::size_t at, std::size_t octet) {
    const __m256i here = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(text.data() + at + octet));
    return _mm256_cmpeq_epi8(here, _mm256_set1_epi8(needle[octet]));
  };
  const std::size_t at_last = text.size() - last - step;  // the last 32 places where it can begin; they may have been looked at in part
  for (std::size_t at = 0;; at = std::min(at + step, at_last)) {
    const __m256i fits = _mm256_and_si256(_mm256_and_si256(places_of(at, 0), places_of(at, middle)), places_of(at, last));
    for (auto hits = static_cast<std::uint32_t>(_mm256_movemask_epi8(fits)); hits != 0; hits &= hits - 1)
      if (base::equal_text({text.data() + at + static_cast<std::size_t>(std::countr_zero(hits)), needle.size()}, needle)) return true;
    if (at == at_last) return false;
  }
}

/// What may hold Via values below the top one: the second one when there is no other, else all from the end of the top one to the end of the last Via line,
/// with whatever stands between.
[[nodiscard]] inline std::string_view below_top_via(const sip::Message& msg) {
  if (msg.via_values == 2) return msg[msg.second_via];
  constexpr std::size_t lines_at_once = 32;
  const char* const from = msg.text.data() + msg.top_via.offset + msg.top_via.bytes;
  std::size_t lines = msg.headers;
  if (lines <= lines_at_once) {
    static_assert(std::tuple_size_v<decltype(msg.id)> >= lines_at_once);
    const __m256i ids = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(msg.id.data()));
    const __m256i are_vias = _mm256_cmpeq_epi8(ids, _mm256_set1_epi8(static_cast<char>(sip::HeaderId::via)));
    const auto vias = _bzhi_u32(static_cast<std::uint32_t>(_mm256_movemask_epi8(are_vias)), static_cast<std::uint32_t>(lines));
    lines = static_cast<std::size_t>(std::bit_width(vias));
  }
  return {from, msg.text.data() + msg.line[lines]};
}

}  // namespace viaduct::edge
