// SPDX-License-Identifier: Apache-2.0
// Naming the header lines of a head: thirty octets a line, one look-up; names that are rare, or followed by white space, go the slow way.
#include "header.h"

#include <algorithm>

#include "scan.h"

namespace viaduct::sip {
namespace {

constexpr std::size_t word_bytes = 16;

/// Of a header name: wider than token (message.h, Tolerated).
constexpr CharClass name_octet = (visible | "\x7f") - ":";

/// Row n as a shuffle moves octets down by n, zeros behind.
alignas(16) constexpr auto shift_down = [] {
  std::array<std::array<std::int8_t, word_bytes>, word_bytes + 1> rows{};
  for (std::size_t n = 0; n < rows.size(); ++n)
    for (std::size_t i = 0; i < word_bytes; ++i) rows[n][i] = static_cast<std::int8_t>(i + n < word_bytes ? i + n : 0x80);
  return rows;
}();

/// Sixteen octets at `at`, zeros behind the text's end. Shape: the text has at least 16 octets and at lies in it.
__m128i load16(std::string_view text, std::size_t at) {
  const std::size_t from = std::min(at, text.size() - word_bytes);
  const __m128i octets = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + from));
  return _mm_shuffle_epi8(octets, _mm_load_si128(reinterpret_cast<const __m128i*>(shift_down[std::min(at - from, word_bytes)].data())));
}

/// What a row of the table below is compared with: the line end before a name, the name, its colon and a space.
constexpr std::size_t line_end_bytes = 2;
constexpr std::size_t name_bytes_max = vector_bytes - line_end_bytes - 2;

/// Folding sets the bit 0x20 of letters, by which no other visible octet becomes a letter, and all bits behind the space.
struct alignas(2 * vector_bytes) NameRow {
  std::array<std::uint8_t, vector_bytes> fold{};
  std::array<std::uint8_t, vector_bytes> octets{};
};

/// Rows by some bits of a name's first eight octets, by which all known names and their colons differ. A name that is shorter has a row wherever the bits behind
/// its colon lead.
struct NameTable {
  static constexpr std::uint64_t place_bits = 0x0110'1000'0004'181f;  // found by trying; the assertion below says when a new name needs others
  static constexpr std::size_t rows_max = 72;
  std::array<NameRow, rows_max> rows{};  // no line equals row 0, since a line end is not zeros
  std::array<HeaderId, rows_max> id{};
  std::array<std::uint8_t, rows_max> name_bytes{};
  std::array<std::uint8_t, std::size_t{1} << std::popcount(place_bits)> place{};
  bool is_sound{true};  ///< no name is too long, or leads where another does
};

/// Names that are frequent and mean nothing to us: here so that their lines need no second look.
constexpr std::string_view indifferent_names =
    "accept accept-language allow allow-events b c date diversion geolocation history-info mime-version min-se organization p-access-network-info "
    "p-asserted-identity p-charging-vector p-preferred-identity p-visited-network-id privacy proxy-authorization r reason refer-to referred-by remote-party-id "
    "replaces rseq s security-client server session-expires subject subscription-state u unsupported warning x";

struct KnownName {
  std::string_view name;
  HeaderId id;
};
constexpr auto known_names = [] {
  std::array<KnownName, 2 * header_rows.size() + std::count(indifferent_names.begin(), indifferent_names.end(), ' ') + 1> names;
  std::size_t count = 0;
  for (const HeaderRow& row : header_rows) names[count++] = {row.name, row.id}, names[count++] = {row.compact, row.id};
  for (std::string_view rest = indifferent_names; count < names.size();) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    names[count++] = {rest.substr(0, end), HeaderId::other};
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return names;
}();

/// The row of a name of name_bytes_max octets at the most.
constexpr NameRow row_of(std::string_view name) {
  NameRow row;
  for (std::size_t i = 0; i < vector_bytes; ++i) {
    const std::size_t behind = line_end_bytes + name.size();
    const char c = i == 0 ? '\r' : i == 1 ? '\n' : i < behind ? name[i - line_end_bytes] : i == behind ? ':' : ' ';
    row.fold[i] = i > behind + 1 ? 0xff : c >= 'a' && c <= 'z' ? 0x20 : 0;
    row.octets[i] = static_cast<std::uint8_t>(static_cast<std::uint8_t>(c) | row.fold[i]);
  }
  return row;
}

/// The bits by which the table tells names, of eight octets.
constexpr std::size_t place_of(const std::uint8_t* octets) {
  std::size_t place = 0;
  for (unsigned bit = 0, count = 0; bit < 64; ++bit)
    if ((NameTable::place_bits >> bit & 1) != 0) place |= (octets[bit / 8] >> bit % 8 & std::size_t{1}) << count++;
  return place;
}

constexpr NameTable name_table = [] {
  NameTable table;
  std::uint8_t rows = 0;
  for (const KnownName& known : known_names) {
    if (known.name.empty()) continue;
    table.rows[++rows] = row_of(known.name);
    table.id[rows] = known.id;
    table.name_bytes[rows] = static_cast<std::uint8_t>(known.name.size());
    std::array<std::uint8_t, vector_bytes> free = table.rows[rows].fold;
    free[line_end_bytes + known.name.size() + 1] = 0xff;  // a line without a space behind its colon comes to the same row
    const std::size_t any = place_of(free.data() + line_end_bytes);
    const std::size_t fixed = place_of(table.rows[rows].octets.data() + line_end_bytes) & ~any;
    // Every subset of the bits that may be anything.
    for (std::size_t set = any;; set = (set - 1) & any) {
      std::uint8_t& place = table.place[fixed | set];
      table.is_sound &= place == 0 && known.name.size() <= name_bytes_max;
      place = rows;
      if (set == 0) break;
    }
  }
  return table;
}();
static_assert(name_table.is_sound);

/// What the table is asked about a line.
struct Front {
  std::uint64_t name;  ///< its first eight octets
  __m256i line;  ///< from the line end before it on
};
inline Front front_of(std::string_view text, std::size_t line) {
  const char* const at = text.data() + line;
  Front front;
  std::memcpy(&front.name, at, sizeof front.name);
  front.line = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at - line_end_bytes));
  return front;
}
/// The same near the text's end, zeros behind it.
Front front_at_end(std::string_view text, std::size_t line) {
  const std::size_t at = line - line_end_bytes;
  const __m128i low = load16(text, at);
  const __m128i high = load16(text, std::min(at + word_bytes, text.size()));
  return {static_cast<std::uint64_t>(_mm_cvtsi128_si64(_mm_srli_si128(low, line_end_bytes))), _mm256_set_m128i(high, low)};
}

/// Row n holds a colon behind n octets.
alignas(16) constexpr auto colon_behind = [] {
  std::array<std::array<char, word_bytes>, table_word_bytes_max + 1> rows{};
  for (std::size_t n = 0; n < rows.size(); ++n) rows[n][n] = ':';
  return rows;
}();

/// The id of a name that `octets` begin with, white space before its colon or not. Letters in lower case: by the bit 0x20 no other visible octet becomes a
/// letter or a hyphen. Shape: name_bytes is table_word_bytes_max at the most.
HeaderId find_header(__m128i octets, std::size_t name_bytes) {
  const __m128i name = first_octets(_mm_or_si128(octets, _mm_set1_epi8(0x20)), name_bytes);
  return static_cast<HeaderId>(header_table.find(_mm_or_si128(name, _mm_load_si128(reinterpret_cast<const __m128i*>(colon_behind[name_bytes].data())))));
}

/// Whether the readers of usual lines may read one with that id that has no CR before it, or not one space behind its colon.
bool is_left_alone(HeaderId id) { return id == HeaderId::other || id > single_headers.back(); }

/// Whether a line is none by itself: it goes on with the one before, or is empty. Shape: a line end stands in the text at or behind `line`.
bool is_none(const char* line, std::size_t number) {
  return *line <= ' ' && (*line == '\n' || (*line == '\r' && line[1] == '\n') || (number > 0 && (*line == ' ' || *line == '\t')));
}

inline void set_name(HeaderId id, std::size_t name_bytes, std::size_t i, Message& out) {
  out.id[i] = id;
  out.name_bytes[i] = static_cast<std::uint8_t>(name_bytes);
  out.first[static_cast<std::size_t>(id)] = static_cast<std::uint8_t>(i);
}

/// Name a line by where its name ends. `differing`: its octets from the line end before it on that are not as in the row at `place`.
[[gnu::noinline]] Names name_by_itself(std::string_view text, std::size_t i, std::size_t place, std::uint32_t differing, Message& out) {
  const char* const name = text.data() + out.line[i];
  const std::uint32_t known_bytes = name_table.name_bytes[place];
  const bool is_known = known_bytes != 0 && _bzhi_u32(differing >> line_end_bytes, known_bytes) == 0 && (name[known_bytes] == ' ' || name[known_bytes] == '\t');
  const char* const name_end = is_known ? name + known_bytes : run<name_octet>(name, {text.data(), text.data() + text.size()});
  const char* colon = name_end;
  while (*colon == ' ' || *colon == '\t') ++colon;  // a line has an end
  const auto bytes = static_cast<std::size_t>(name_end - name);
  const bool named = *colon == ':' && bytes - 1 < 0xff;
  Names names = named ? 0 : is_none(name, i) ? names_bad | names_mistaken : names_bad;
  const bool may_be_ours = named && bytes <= table_word_bytes_max;
  const HeaderId id = !may_be_ours ? HeaderId::other : is_known ? name_table.id[place] : find_header(load16(text, out.line[i]), bytes);
  if (name[-1] != '\n' || name[-2] != '\r' || !is_left_alone(id)) names |= names_unusual;
  set_name(id, named ? bytes : 0, i, out);
  return names;
}

/// Name one line by the table. With a branch: without one, the addresses of what is stored would wait for the compare, and the lines behind for those
/// (docs/performance.md).
inline Names name_line(std::string_view text, const Front& front, std::size_t i, Message& out) {
  const std::size_t place = name_table.place[_pext_u64(front.name, NameTable::place_bits)];
  const NameRow& row = name_table.rows[place];
  const __m256i fold = _mm256_load_si256(reinterpret_cast<const __m256i*>(row.fold.data()));
  const __m256i octets = _mm256_load_si256(reinterpret_cast<const __m256i*>(row.octets.data()));
  const __m256i difference = _mm256_xor_si256(_mm256_or_si256(front.line, fold), octets);
  if (_mm256_testz_si256(difference, difference) != 0) [[likely]] {
    set_name(name_table.id[place], name_table.name_bytes[place], i, out);
    return 0;
  }
  const auto differing = ~static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(difference, _mm256_setzero_si256())));
  // Often nothing differs but the CR before it or the space behind its colon.
  const std::uint32_t blanks = 1U | 1U << (line_end_bytes + name_table.name_bytes[place] + 1);
  if ((differing & ~blanks) != 0) return name_by_itself(text, i, place, differing, out);
  set_name(name_table.id[place], name_table.name_bytes[place], i, out);
  return (differing & 1U) == 0 && is_left_alone(name_table.id[place]) ? 0 : names_unusual;
}

}  // namespace

// The last line first, so that `first` is simply overwritten.
Names name_headers(std::string_view text, Message& out) {
  Names names = 0;
  std::size_t i = out.headers;
  for (; i > 0 && out.line[i - 1] + vector_bytes - line_end_bytes > text.size(); --i) names |= name_line(text, front_at_end(text, out.line[i - 1]), i - 1, out);
  for (; i > 0; --i) names |= name_line(text, front_of(text, out.line[i - 1]), i - 1, out);
  return names;
}

Method find_method(std::string_view token) {
  if (token.size() > table_word_bytes_max) return Method::other;
  std::array<char, word_bytes> word{};
  std::copy(token.begin(), token.end(), word.begin());
  return find_method(_mm_loadu_si128(reinterpret_cast<const __m128i*>(word.data())), token.size());
}

}  // namespace viaduct::sip
