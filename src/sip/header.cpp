// SPDX-License-Identifier: Apache-2.0
// Naming the header lines of a head: sixteen octets a line, one look-up; names that are long or followed by white space go the slow way.
#include "header.h"

#include <algorithm>

#include "scan.h"

namespace viaduct::sip {
namespace {

constexpr std::size_t word_bytes = 16;

/// Of a header name; see front().
constexpr CharClass name_octet = (visible | "\x7f") - ":";

/// A row of sixteen octets for each number from 0 to 17.
using Rows = std::array<std::array<std::int8_t, word_bytes>, word_bytes + 2>;
/// Row n as a mask keeps the first n octets.
alignas(16) constexpr Rows first_octets = [] {
  Rows rows{};
  for (std::size_t n = 0; n < rows.size(); ++n)
    for (std::size_t i = 0; i < std::min(n, word_bytes); ++i) rows[n][i] = -1;
  return rows;
}();
/// Row n as a shuffle moves octets down by n, zeros behind.
alignas(16) constexpr Rows shift_down = [] {
  Rows rows{};
  for (std::size_t n = 0; n < rows.size(); ++n)
    for (std::size_t i = 0; i < word_bytes; ++i) rows[n][i] = static_cast<std::int8_t>(i + n < word_bytes ? i + n : 0x80);
  return rows;
}();

__m128i row(const Rows& rows, std::size_t n) { return _mm_load_si128(reinterpret_cast<const __m128i*>(rows[n].data())); }

/// Sixteen octets at `at`, zeros behind the text's end. Shape: the text has at least 16 octets and at lies in it.
__m128i load16(std::string_view text, std::size_t at) {
  const std::size_t from = std::min(at, text.size() - word_bytes);
  const __m128i octets = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + from));
  return _mm_shuffle_epi8(octets, row(shift_down, std::min(at - from, word_bytes)));
}

__m128i keep(__m128i word, std::size_t bytes) { return _mm_and_si128(word, row(first_octets, bytes)); }

/// Octets of the name that a line begins with, up to 16, and whether a colon follows at once. A name is visible octets: what a proxy does not know it need
/// not take apart (RFC 3261 16.3 item 1), and the names that it knows are compared whole.
struct Front {
  std::uint64_t name_bytes;
  std::uint32_t colon;  ///< 1 or 0
};
Front front(__m128i octets) {
  const auto colons = static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(octets, _mm_set1_epi8(':'))));
  const auto visible = static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpgt_epi8(octets, _mm_set1_epi8(' '))));
  const std::uint64_t bytes = _tzcnt_u32(~visible | colons);  // bit 16 and above of ~visible are set
  // A colon without a name before it is none.
  return {bytes, (colons & ~1U) >> bytes & 1U};
}

/// The id of a name with its colon. Letters in lower case: by the bit 0x20 no other visible octet becomes a letter or a hyphen.
std::uint32_t find_header(__m128i octets, std::size_t name_bytes) { return header_table.find(keep(_mm_or_si128(octets, _mm_set1_epi8(0x20)), name_bytes + 1)); }

/// Octets of a name of any length, with white space before its colon; 0 when the line has none.
std::size_t name_bytes_slow(std::string_view line) {
  const char* const end = line.data() + line.size();
  const char* at = run_scalar<name_octet>(line.data(), end);
  const auto bytes = static_cast<std::size_t>(at - line.data());
  while (at < end && (*at == ' ' || *at == '\t')) ++at;
  const bool named = at < end && *at == ':' && bytes <= 0xff;
  return named ? bytes : 0;
}

bool is_fold(const Message& m, std::size_t line, std::string_view text) {
  const char c = text[m.line[line]];
  return line > 0 && (c == ' ' || c == '\t');
}

/// The id of a name that may have white space before its colon.
HeaderId find_odd_header(std::string_view name) {
  if (name.size() > table_word_bytes_max) return HeaderId::other;
  std::array<char, word_bytes> word{};
  std::copy(name.begin(), name.end(), word.begin());
  word[name.size()] = ':';
  return static_cast<HeaderId>(find_header(_mm_loadu_si128(reinterpret_cast<const __m128i*>(word.data())), name.size()));
}

/// Name a line whose first sixteen octets are no name and colon, or end behind the text. False for a fold.
bool name_slowly(std::string_view text, std::size_t i, Message& out, Names& names) {
  if (is_fold(out, i, text)) return false;
  const std::string_view line = text.substr(out.line[i], std::size_t{out.line[i + 1]} - out.line[i]);
  const std::size_t bytes = name_bytes_slow(line);
  names.bad |= bytes == 0;
  out.id[i] = find_odd_header(line.substr(0, bytes));
  out.name_bytes[i] = static_cast<std::uint8_t>(bytes);
  return true;
}

/// The lines that the fast loop could not name.
using SlowLines = std::array<std::uint8_t, base::header_lines_max + 1>;

/// Name those; the fast loop took them for what they are not, so `first` is made anew.
[[gnu::noinline, gnu::cold]] bool name_all_slowly(std::string_view text, const SlowLines& lines, std::size_t count, Message& out, Names& names) {
  for (std::size_t i = 0; i < count; ++i)
    if (!name_slowly(text, lines[i], out, names)) return false;
  out.first.fill(no_header);
  names.via_count = 0;
  names.repeated = 0;
  for (std::size_t i = out.headers; i-- > 0;) {
    std::uint8_t& first = out.first[static_cast<std::size_t>(out.id[i])];
    if (first != no_header) names.repeated |= 1U << static_cast<std::uint32_t>(out.id[i]);
    first = static_cast<std::uint8_t>(i);
    if (out.id[i] == HeaderId::via) names.via_lines[names.via_lines.size() - ++names.via_count] = first;
  }
  return true;
}

/// Name every line by its first sixteen octets, without a branch but the loop's: what cannot be named so goes on the list. Returns the list's length.
std::size_t name_fast(std::string_view text, Message& out, SlowLines& slow, Names& names) {
  std::size_t slow_count = 0;
  std::size_t i = out.headers;
  // Lines so short and so late that sixteen octets would go behind the text.
  for (; i > 0 && out.line[i - 1] + word_bytes > text.size(); --i) slow[slow_count++] = static_cast<std::uint8_t>(i - 1);
  std::uint32_t seen = 0;
  std::uint32_t repeated = 0;
  std::uint8_t* via = names.via_lines.data() + names.via_lines.size();
  // Backwards, so that `first` is simply overwritten, and the Via lines come out in order.
  while (i-- > 0) {
    const __m128i octets = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + out.line[i]));
    const auto [bytes, colon] = front(octets);
    const std::uint32_t id = find_header(octets, bytes);
    out.id[i] = static_cast<HeaderId>(id);
    out.name_bytes[i] = static_cast<std::uint8_t>(bytes);
    out.first[id] = static_cast<std::uint8_t>(i);
    slow[slow_count] = static_cast<std::uint8_t>(i);
    slow_count += colon ^ 1U;
    via[-1] = static_cast<std::uint8_t>(i);
    via -= id == static_cast<std::uint32_t>(HeaderId::via);
    const std::uint32_t bit = 1U << id;
    repeated |= seen & bit;
    seen |= bit;
  }
  names.repeated = repeated;
  names.via_count = static_cast<std::size_t>(names.via_lines.data() + names.via_lines.size() - via);
  return slow_count;
}

}  // namespace

void name_headers(std::string_view text, Message& out, Names& names) {
  SlowLines slow;
  names.bad = false;
  const std::size_t slow_count = name_fast(text, out, slow, names);
  names.folded = slow_count != 0 && !name_all_slowly(text, slow, slow_count, out, names);
}

Method find_method(std::string_view text, std::size_t at, std::size_t bytes) {
  if (bytes > table_word_bytes_max) return Method::other;
  return static_cast<Method>(method_table.find(keep(load16(text, at), bytes)));
}

}  // namespace viaduct::sip
