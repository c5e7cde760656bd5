// SPDX-License-Identifier: Apache-2.0
// Naming the header lines of a head: sixteen octets a line, one look-up; names that are long or followed by white space go the slow way.
#include "header.h"

#include <algorithm>

#include "scan.h"

namespace viaduct::sip {
namespace {

constexpr std::size_t word_bytes = 16;

// Read at 16 + shift: moves octets down by shift. Read at 16 - n as a mask: n octets set, then zeros.
constexpr std::array<std::int8_t, 48> make_shuffles(std::int8_t below, std::int8_t from, bool count, std::int8_t above) {
  std::array<std::int8_t, 48> t{};
  for (std::size_t i = 0; i < 16; ++i) {
    t[i] = below;
    t[i + 16] = count ? static_cast<std::int8_t>(from + static_cast<int>(i)) : from;
    t[i + 32] = above;
  }
  return t;
}
alignas(16) constexpr std::array<std::int8_t, 48> shift_down = make_shuffles(-1, 0, true, -1);
alignas(16) constexpr std::array<std::int8_t, 48> first_octets = make_shuffles(-1, 0, false, 0);

/// Sixteen octets at `at`, zeros behind the text's end. Shape: the text has at least 16 octets and at lies in it.
__m128i load16(std::string_view text, std::size_t at) {
  const std::size_t from = std::min(at, text.size() - word_bytes);
  const __m128i octets = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + from));
  return _mm_shuffle_epi8(octets, _mm_loadu_si128(reinterpret_cast<const __m128i*>(shift_down.data() + 16 + std::min(at - from, word_bytes))));
}

__m128i keep(__m128i word, std::size_t bytes) {
  return _mm_and_si128(word, _mm_loadu_si128(reinterpret_cast<const __m128i*>(first_octets.data() + 16 - bytes)));
}

/// Octets of the token that a line begins with, up to 16, and whether a colon follows at once.
struct Front {
  std::uint32_t name_bytes;
  std::uint32_t colon;  ///< 1 or 0
};
Front front(__m128i octets) {
  const __m128i low = _mm_load_si128(reinterpret_cast<const __m128i*>(token_octet.low.data()));
  const __m128i high = _mm_setr_epi8(1, 2, 4, 8, 16, 32, 64, -128, 0, 0, 0, 0, 0, 0, 0, 0);
  const __m128i high_half = _mm_and_si128(_mm_srli_epi16(octets, 4), _mm_set1_epi8(15));
  const __m128i member = _mm_and_si128(_mm_shuffle_epi8(low, octets), _mm_shuffle_epi8(high, high_half));
  const auto other = static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(member, _mm_setzero_si128())));
  // A colon without a name before it is none.
  const auto colons = static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(octets, _mm_set1_epi8(':')))) & ~1U;
  const auto bytes = static_cast<std::uint32_t>(std::countr_zero(other | 1U << word_bytes));
  return {bytes, colons >> bytes & 1U};
}

/// Letters in lower case. Among token octets only letters change by the bit 0x20, but for '_', which no name in the table has.
HeaderId find_header(__m128i octets, std::size_t name_bytes) {
  return static_cast<HeaderId>(header_table.find(keep(_mm_or_si128(octets, _mm_set1_epi8(0x20)), name_bytes)));
}

/// Octets of a name of any length, with white space before its colon; 0 when the line has none.
std::size_t name_bytes_slow(std::string_view line) {
  const char* const end = line.data() + line.size();
  const char* at = run_scalar<token_octet>(line.data(), end);
  const auto bytes = static_cast<std::size_t>(at - line.data());
  while (at < end && (*at == ' ' || *at == '\t')) ++at;
  const bool named = at < end && *at == ':' && bytes <= 0xff;
  return named ? bytes : 0;
}

bool is_fold(const Message& m, std::size_t line, std::string_view text) {
  const char c = text[m.line[line]];
  return line > 0 && (c == ' ' || c == '\t');
}

/// Name a line whose first sixteen octets are no name and colon, or end behind the text. False for a fold.
bool name_slowly(std::string_view text, std::size_t i, Message& out, Names& names) {
  if (is_fold(out, i, text)) return false;
  const std::size_t bytes = name_bytes_slow(text.substr(out.line[i], std::size_t{out.line[i + 1]} - out.line[i]));
  names.bad |= bytes == 0;
  const HeaderId id = bytes < word_bytes ? find_header(load16(text, out.line[i]), bytes) : HeaderId::other;
  out.id[i] = id;
  out.name_bytes[i] = static_cast<std::uint8_t>(bytes);
  std::uint8_t& first = out.first[static_cast<std::size_t>(id)];
  first = std::min(first, static_cast<std::uint8_t>(i));
  return true;
}

/// The fast loop took the lines that it could not name for others.
void find_first_other(Message& m) {
  const auto end = m.id.begin() + m.headers;
  const auto other = std::find(m.id.begin(), end, HeaderId::other);
  m.first[0] = other == end ? no_header : static_cast<std::uint8_t>(other - m.id.begin());
}

/// The lines that the fast loop could not name.
using SlowLines = std::array<std::uint8_t, base::header_lines_max>;

/// Name every line by its first sixteen octets, without a branch but the loop's: what cannot be named so goes on the list. Returns the list's length.
std::size_t name_fast(std::string_view text, Message& out, SlowLines& slow) {
  const std::size_t safe = text.size() - word_bytes;
  std::size_t slow_count = 0;
  // Backwards, so that `first` is simply overwritten.
  for (std::size_t i = out.headers; i-- > 0;) {
    const std::size_t at = out.line[i];
    const __m128i octets = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + std::min(at, safe)));
    const auto [bytes, colon] = front(octets);
    const std::uint32_t named = at <= safe ? colon : 0U;
    const std::uint32_t id = static_cast<std::uint32_t>(find_header(octets, bytes)) & (0U - named);
    out.id[i] = static_cast<HeaderId>(id);
    out.name_bytes[i] = static_cast<std::uint8_t>(bytes);
    out.first[id] = static_cast<std::uint8_t>(i);
    slow[slow_count] = static_cast<std::uint8_t>(i);
    slow_count += named ^ 1U;
  }
  return slow_count;
}

/// One bit for each of 32 lines from `from` on whose id is one that may stand once only.
std::uint32_t single_lines(const Message& m, std::size_t from) {
  static constexpr auto is_single = [] {
    std::array<std::int8_t, 16> t{};
    for (HeaderId id : single_headers) t[static_cast<std::size_t>(id)] = -1;
    return t;
  }();
  const __m256i ids = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(m.id.data() + from));
  const __m256i table = _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(is_single.data())));
  const __m256i single = _mm256_and_si256(_mm256_shuffle_epi8(table, ids), _mm256_cmpgt_epi8(_mm256_set1_epi8(16), ids));
  return static_cast<std::uint32_t>(_mm256_movemask_epi8(single));
}

std::uint32_t via_lines(const Message& m, std::size_t from) {
  const __m256i ids = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(m.id.data() + from));
  return static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(ids, _mm256_set1_epi8(static_cast<char>(HeaderId::via)))));
}

/// Sum up the ids of all lines, 32 at a time. More lines of single headers than different ones: one is repeated.
void sum_up(const Message& m, Names& names) {
  int singles = 0;
  for (std::size_t from = 0; from < m.headers; from += 32) {
    const auto lines = static_cast<std::uint32_t>(m.headers - from);
    const std::uint32_t there = lines < 32 ? _bzhi_u32(~0U, lines) : ~0U;
    names.via_lines[from >> 6U] |= std::uint64_t{via_lines(m, from) & there} << (from & 63U);
    singles += std::popcount(single_lines(m, from) & there);
  }
  for (HeaderId id : single_headers) singles -= m.has(id);
  names.repeated = singles > 0;
}

}  // namespace

Names name_headers(std::string_view text, Message& out) {
  Names names;
  SlowLines slow;
  const std::size_t slow_count = name_fast(text, out, slow);
  for (std::size_t i = 0; i < slow_count; ++i)
    if (!name_slowly(text, slow[i], out, names)) return {.folded = true};
  if (slow_count != 0) find_first_other(out);
  sum_up(out, names);
  return names;
}

Method find_method(std::string_view text, std::size_t at, std::size_t bytes) {
  if (bytes > table_word_bytes_max) return Method::other;
  return static_cast<Method>(method_table.find(keep(load16(text, at), bytes)));
}

}  // namespace viaduct::sip
