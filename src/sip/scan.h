// SPDX-License-Identifier: Apache-2.0
// Runs of octets of a class and line starts, 32 octets at a time, with scalar code beside them; what the octets mean is known elsewhere.
#pragma once
#include <immintrin.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "viaduct/base/limits.h"
#include "viaduct/sip/message.h"

namespace viaduct::sip {

/// A set of octets: for each low half of an octet, one bit for each high half from 0 to 7. So one shuffle by the low half and one by the high half
/// tell members from others, 32 at a time. Octets from 0x80 (UTF-8) belong all or none.
struct CharClass {
  std::array<std::uint8_t, 16> low{};
  bool utf8{};

  constexpr CharClass() = default;
  constexpr explicit CharClass(std::string_view members) {
    for (char c : members) add(c);
  }
  constexpr void add(char c) {
    const auto octet = static_cast<std::uint8_t>(c);
    low[octet & 15U] = static_cast<std::uint8_t>(low[octet & 15U] | 1U << (octet >> 4U));
  }
  constexpr CharClass operator|(std::string_view members) const {
    CharClass sum = *this;
    for (char c : members) sum.add(c);
    return sum;
  }
  constexpr CharClass operator-(std::string_view members) const {
    CharClass rest = *this;
    for (char c : members) {
      const auto octet = static_cast<std::uint8_t>(c);
      rest.low[octet & 15U] = static_cast<std::uint8_t>(rest.low[octet & 15U] & ~(1U << (octet >> 4U)));
    }
    return rest;
  }
  constexpr CharClass with_utf8() const {
    CharClass sum = *this;
    sum.utf8 = true;
    return sum;
  }
  [[nodiscard]] constexpr bool has(char c) const {
    const auto octet = static_cast<std::uint8_t>(c);
    return octet < 0x80 ? (low[octet & 15U] >> (octet >> 4U) & 1U) != 0 : utf8;
  }
};

namespace detail {
constexpr CharClass octets_from_to(char first, char last) {
  CharClass c;
  for (char octet = first;; ++octet) {
    c.add(octet);
    if (octet == last) return c;
  }
}
}  // namespace detail

// RFC 3261 25.1, by the names used there.
inline constexpr CharClass digit_octet{"0123456789"};
inline constexpr CharClass alphanum = digit_octet | "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
inline constexpr CharClass token_octet = alphanum | "-.!%*_+`'~";
inline constexpr CharClass word_octet = token_octet | "()<>:\\\"/[]?{}";
inline constexpr CharClass scheme_octet = alphanum | "+-.";
inline constexpr CharClass visible = detail::octets_from_to('!', '~');
/// Of a display name without quotes; UTF-8 is tolerated there because telephones send it.
inline constexpr CharClass display_octet = token_octet.with_utf8();
/// What a quoted string holds beside escapes: qdtext, with the white space of LWS.
inline constexpr CharClass quoted_octet = ((visible | " \t") - "\"\\").with_utf8();
/// A value of a header parameter without quotes. Wider than token: what is only handed on need not be well-formed (16.3 item 1).
/// Without '@' and '?', so that the user part or the headers of a URI without <> cannot be taken for a parameter (20, first paragraphs).
inline constexpr CharClass param_octet = visible - "\",;<>\\@?";
/// Of a URI between < and >: whatever cannot end it; the URI's own parser is stricter.
inline constexpr CharClass uri_octet = visible - "<>\"";
/// Of a URI without <>: 20.10, 20.20, 20.39 forbid comma, question mark and semicolon there.
inline constexpr CharClass bare_uri_octet = uri_octet - ",;?";
/// Of a host name; the underscore is tolerated because networks use it.
inline constexpr CharClass host_octet = alphanum | "-._";
inline constexpr CharClass user_octet = alphanum | "-_.!~*'()&=+$,;?/";
inline constexpr CharClass password_octet = alphanum | "-_.!~*'()&=+$,";
inline constexpr CharClass uri_param_octet = alphanum | "-_.!~*'()[]/:&+$";
inline constexpr CharClass uri_header_octet = alphanum | "-_.!~*'()[]/?:+$";
/// Of any other URI: uric and the brackets of RFC 2732.
inline constexpr CharClass any_uri_octet = alphanum | "-_.!~*'()%;/?:@&=+$,[]";

/// Octets that may be read: a vector load is never outside, and never used when there are fewer than vector_bytes.
struct Reach {
  const char* begin;
  const char* end;
};
inline constexpr std::size_t vector_bytes = 32;

/// First octet at or behind `at` that is not of class C, or `end`. One octet at a time.
template <const CharClass& C>
const char* run_scalar(const char* at, const char* end) {
  while (at < end && C.has(*at)) ++at;
  return at;
}

/// The tables of a class as the shuffles want them: for each low half of an octet the high halves that are not in the class, for each high half its bit.
template <const CharClass& C>
struct ClassTables {
  alignas(32) static constexpr auto low = [] {
    std::array<std::uint8_t, 32> table{};
    for (std::size_t i = 0; i < table.size(); ++i) table[i] = static_cast<std::uint8_t>(~C.low[i % 16]);
    return table;
  }();
};
alignas(32) inline constexpr auto high_half_bits = [] {
  std::array<std::uint8_t, 32> table{};
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = static_cast<std::uint8_t>(i % 16 < 8 ? 1U << i % 16 : 0);
  return table;
}();
/// Keeps an octet's low half and says nothing of the three bits above, which a shuffle ignores: no two octets alike, so that the compiler leaves it in memory.
alignas(32) inline constexpr auto half_mask = [] {
  std::array<std::uint8_t, 32> mask{};
  for (std::size_t i = 0; i < mask.size(); ++i) mask[i] = static_cast<std::uint8_t>(0x0fU | ((i ^ i >> 3U) & 7U) << 4U);
  return mask;
}();
inline __m256i load_table(const std::array<std::uint8_t, 32>& table) { return _mm256_load_si256(reinterpret_cast<const __m256i*>(table.data())); }

/// One bit for each of 32 octets: set when it is not of class C. Octets from 0x80 make both shuffles give 0, which are equal.
template <const CharClass& C>
inline std::uint32_t others(__m256i octets) {
  const __m256i high = _mm256_shuffle_epi8(load_table(high_half_bits), _mm256_and_si256(_mm256_srli_epi16(octets, 4), load_table(half_mask)));
  const __m256i not_member = _mm256_and_si256(_mm256_shuffle_epi8(load_table(ClassTables<C>::low), octets), high);
  auto mask = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(not_member, high)));
  if constexpr (C.utf8) mask &= ~static_cast<std::uint32_t>(_mm256_movemask_epi8(octets));
  return mask;
}

/// What `run` does when the first 32 octets hold no end, or are not all there. Near the end the load begins earlier and its mask is shifted.
template <const CharClass& C>
[[gnu::noinline]] const char* run_on(const char* at, Reach reach) {
  if (static_cast<std::size_t>(reach.end - reach.begin) < vector_bytes) return run_scalar<C>(at, reach.end);
  const char* last = reach.end - vector_bytes;
  while (at < reach.end) {
    const char* from = std::min(at, last);
    const std::uint32_t mask = others<C>(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))) >> (at - from);
    if (mask != 0) return at + std::countr_zero(mask);
    at = from + vector_bytes;
  }
  return reach.end;
}

/// First octet at or behind `at` that is not of class C, or reach.end. 32 octets at a time.
template <const CharClass& C>
inline const char* run(const char* at, Reach reach) {
  if (reach.end - at >= static_cast<std::ptrdiff_t>(vector_bytes)) [[likely]] {
    const std::uint32_t mask = others<C>(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)));
    if (mask != 0) [[likely]]
      return at + std::countr_zero(mask);
  }
  return run_on<C>(at, reach);
}

/// Runs of class C one after the other: where runs end is found for 64 octets at once and kept, so that many short ones cost a shift each.
/// Shape: each run begins at or behind the one before it, inside reach.
template <const CharClass& C>
class RunEnds {
 public:
  explicit RunEnds(Reach reach) : reach_(reach), base_(reach.begin) {}
  /// As run.
  [[gnu::always_inline]] const char* run(const char* at) {
    const auto offset = static_cast<std::size_t>(at - base_);
    const std::uint64_t rest = offset < window_bytes ? ends_ >> offset : 0;
    return rest != 0 ? at + std::countr_zero(rest) : look(at);
  }

 private:
  static constexpr std::ptrdiff_t window_bytes = 64;

  [[gnu::noinline]] const char* look(const char* at) {
    if (reach_.end - reach_.begin < window_bytes) return sip::run<C>(at, reach_);
    for (; reach_.end - at >= window_bytes; at += window_bytes)
      if (load(at) != 0) return at + std::countr_zero(ends_);
    if (at >= reach_.end) return reach_.end;
    // The last window begins earlier, so that nothing behind the reach is read.
    const std::uint64_t rest = load(reach_.end - window_bytes) >> (at - base_);
    return rest != 0 ? at + std::countr_zero(rest) : reach_.end;
  }
  std::uint64_t load(const char* at) {
    base_ = at;
    ends_ = others<C>(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at))) |
            std::uint64_t{others<C>(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at + vector_bytes)))} << 32U;
    return ends_;
  }

  Reach reach_;
  const char* base_;
  std::uint64_t ends_{};
};

/// Up to eight octets at `at` as a little-endian word, the first in the lowest bits, zeros behind. Shape: at <= reach.end.
/// No branch on how near the end is: the last header of a message often is a number of one digit.
inline std::uint64_t word8(const char* at, std::size_t bytes, Reach reach) {
  std::uint64_t word{};
  if (reach.end - reach.begin < 8) [[unlikely]] {
    std::memcpy(&word, at, std::min<std::size_t>(bytes, static_cast<std::size_t>(reach.end - at)));
    return word;
  }
  const char* from = std::min(at, reach.end - 8);
  std::memcpy(&word, from, 8);
  const auto behind = static_cast<std::uint32_t>(8 * (at - from));
  // From 64 on the shift would be undefined; then nothing is left.
  return behind < 64 ? _bzhi_u64(word >> behind, static_cast<std::uint32_t>(8 * bytes)) : 0;
}

using LineStarts = decltype(Message::line);

/// Find where the head's lines start, by AVX2, folds not joined, up to an empty line of CRLF: the first, but where the text ends with one and has few
/// lines, that one; an empty line before it is for whoever names the lines to find. start[0] is the first header line, the last start is the empty line.
/// Returns how many there are; 0 when it gives up on what is unusual - no empty line, one of LF alone before it, many lines, in a body too: the other
/// function then decides. Shape: text has at least vector_bytes octets.
[[nodiscard]] std::size_t find_lines(std::string_view text, LineStarts& start);

/// Where the head's lines start. The last start is the empty line, or what follows the last line end without one.
struct Lines {
  std::size_t count{};       ///< starts; 0 when there is no line end at all
  std::size_t head_bytes{};  ///< up to and including the empty line
  bool terminated{};         ///< the empty line was found
  bool overflow{};           ///< more starts than room
};
/// Find line starts one line end after the other, a line that begins with white space joined to the one before (RFC 3261 7.3.1).
Lines find_joined_lines(std::string_view text, LineStarts& start);

}  // namespace viaduct::sip
