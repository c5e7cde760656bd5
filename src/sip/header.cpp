// SPDX-License-Identifier: Apache-2.0
// Naming the header lines of a head: fourteen octets a line, one look-up; names that are long, rare, or followed by white space go the slow way.
#include "header.h"

#include <algorithm>

#include "scan.h"

namespace viaduct::sip {
namespace {

constexpr std::size_t word_bytes = 16;

/// Of a header name; see front().
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

/// Octets of a line, up to the space behind the colon, that a row of the table below tells.
constexpr std::size_t row_line_bytes = 14;

/// A name, to be compared with two words of a line: from the CRLF before it to the space behind its colon, or the fourteenth octet. Folding sets the bit 0x20
/// of letters, by which no other visible octet becomes a letter, and all bits behind that space.
struct alignas(64) NameRow {
  std::uint64_t fold[2]{};
  std::uint64_t word[2]{};
  std::uint8_t id{};
  std::uint8_t bytes{};
};

/// Rows by the first two octets of a name; where two names begin alike, a further bit tells which.
struct NameTable {
  static constexpr std::uint64_t pair_bits = 0x1f1f0000;  // of the two octets behind the line end: a letter's cases are one
  static constexpr std::uint16_t no_row = 2;              // row 0, which no line equals; the bit is of LF, and 0
  std::array<std::uint16_t, 1024> place{};  // octets from the first row, and by how much the first word is shifted to make its bit sizeof(NameRow)
  std::array<NameRow, 48> rows{};
  bool collision{};  // three names, or two that no bit of the first word tells, begin alike
};

/// Names that are frequent and mean nothing to us: here so that their lines need no second look.
constexpr std::array<std::string_view, 14> indifferent_names = {"allow", "allow-events", "u",      "accept", "subject", "s", "c", "date", "server", "r", "b",
                                                                "x",     "organization", "warning"};

struct KnownName {
  std::string_view name;
  HeaderId id;
};
constexpr auto known_names = [] {
  std::array<KnownName, 2 * header_rows.size() + indifferent_names.size()> names;
  std::size_t count = 0;
  for (const HeaderRow& row : header_rows) names[count++] = {row.name, row.id}, names[count++] = {row.compact, row.id};
  for (const std::string_view name : indifferent_names) names[count++] = {name, HeaderId::other};
  return names;
}();
/// All names whose colon is in a row, and the one that is as long as a row: name_lines looks at its colon.
constexpr bool has_row(const KnownName& known) {
  return !known.name.empty() && (known.name.size() < row_line_bytes || (known.id == HeaderId::content_length && known.name.size() == row_line_bytes));
}

constexpr NameRow row_of(const KnownName& known) {
  NameRow row{.id = static_cast<std::uint8_t>(known.id), .bytes = static_cast<std::uint8_t>(known.name.size())};
  const auto set = [&row](std::size_t at, unsigned fold, unsigned octet) {
    row.fold[at / 8] |= std::uint64_t{fold} << at % 8 * 8;
    row.word[at / 8] |= std::uint64_t{octet | fold} << at % 8 * 8;
  };
  set(0, 0, '\r');
  set(1, 0, '\n');
  const std::size_t bytes = known.name.size();
  for (std::size_t i = 0; i < row_line_bytes; ++i) {
    const char c = i < bytes ? known.name[i] : i == bytes ? ':' : ' ';
    if (i < bytes + 2)
      set(i + 2, c >= 'a' && c <= 'z' ? 0x20 : 0, static_cast<std::uint8_t>(c));
    else
      set(i + 2, 0xff, 0xff);
  }
  return row;
}

/// The lowest bit, but that of case, by which the first words of two rows always differ; 0 when there is none.
constexpr unsigned telling_bit(const NameRow& a, const NameRow& b) {
  constexpr std::uint64_t no_case = 0xdfdfdfdfdfdfdfdf;
  const std::uint64_t differ = (a.word[0] ^ b.word[0]) & no_case & ~(a.fold[0] & no_case) & ~(b.fold[0] & no_case);
  return differ == 0 ? 0 : static_cast<unsigned>(std::countr_zero(differ));
}

constexpr std::size_t pair_of_name(const NameRow& row) { return (row.word[0] >> 16 & 31) | (row.word[0] >> 24 & 31) << 5; }

constexpr NameTable name_table = [] {
  constexpr auto row_bytes = static_cast<std::uint16_t>(sizeof(NameRow));
  NameTable table;
  table.place.fill(NameTable::no_row);
  std::uint16_t rows = 1;
  std::array<bool, known_names.size()> placed{};
  for (std::size_t i = 0; i < known_names.size(); ++i) {
    if (placed[i] || !has_row(known_names[i])) continue;
    const NameRow row = row_of(known_names[i]);
    std::uint16_t& place = table.place[pair_of_name(row)];
    table.collision |= place != NameTable::no_row;
    place = static_cast<std::uint16_t>(rows * row_bytes | NameTable::no_row);
    table.rows[rows] = row;
    std::uint16_t used = 1;
    for (std::size_t j = i + 1; j < known_names.size(); ++j) {
      if (!has_row(known_names[j])) continue;
      const NameRow other = row_of(known_names[j]);
      if (pair_of_name(other) != pair_of_name(row)) continue;
      const unsigned bit = telling_bit(row, other);
      table.collision |= bit == 0 || used == 2;
      const bool first_has_bit = (row.word[0] >> bit & 1) != 0;
      table.rows[rows] = first_has_bit ? other : row;
      table.rows[rows + 1u] = first_has_bit ? row : other;
      place = static_cast<std::uint16_t>(rows * row_bytes | (bit - static_cast<unsigned>(std::countr_zero(row_bytes))));
      placed[j] = true;
      used = 2;
    }
    rows = static_cast<std::uint16_t>(rows + used);
  }
  return table;
}();
static_assert(!name_table.collision);

/// The two words of a line that a row is compared with.
struct Words {
  std::uint64_t first;
  std::uint64_t second;
};
inline Words words_of(std::string_view text, std::size_t line) {
  Words words;
  std::memcpy(&words, text.data() + line - 2, sizeof words);
  return words;
}
/// The same near the text's end, zeros behind it.
Words words_at_end(std::string_view text, std::size_t line) {
  Words words;
  const __m128i octets = load16(text, line - 2);
  std::memcpy(&words, &octets, sizeof words);
  return words;
}

inline const NameRow& row_for(const Words& line) {
  const std::uint64_t place = name_table.place[_pext_u64(line.first, NameTable::pair_bits)];
  const std::uint64_t second = line.first >> (place & 63U) & sizeof(NameRow);
  return *reinterpret_cast<const NameRow*>(reinterpret_cast<const char*>(name_table.rows.data()) + (place & ~63ULL) + second);
}

/// The id of a name that `octets` begin with, white space before its colon or not. Letters in lower case: by the bit 0x20 no other visible octet becomes a
/// letter or a hyphen. Shape: name_bytes is table_word_bytes_max at the most.
HeaderId find_header(__m128i octets, std::size_t name_bytes) {
  const __m128i colons = _mm_set1_epi8(':');
  const __m128i colon = _mm_andnot_si128(first_octets(colons, name_bytes), first_octets(colons, name_bytes + 1));
  const __m128i name = first_octets(_mm_or_si128(octets, _mm_set1_epi8(0x20)), name_bytes);
  return static_cast<HeaderId>(header_table.find(_mm_or_si128(name, colon)));
}

bool is_fold(const Message& m, std::size_t line, std::string_view text) {
  const char c = text[m.line[line]];
  return line > 0 && (c == ' ' || c == '\t');
}

/// Name a line by itself. False for a fold.
inline bool name_slowly(std::string_view text, std::size_t i, Message& out, Names& names) {
  if (is_fold(out, i, text)) return false;
  const char* const name = text.data() + out.line[i];
  const char* const name_end = run<name_octet>(name, {text.data(), text.data() + text.size()});
  const char* colon = name_end;
  while (*colon == ' ' || *colon == '\t') ++colon;  // a line has an end
  const auto bytes = static_cast<std::size_t>(name_end - name);
  const bool named = *colon == ':' && bytes - 1 < 0xff;
  names.bad |= !named;
  out.name_bytes[i] = static_cast<std::uint8_t>(named ? bytes : 0);
  out.id[i] = named && bytes <= table_word_bytes_max ? find_header(load16(text, out.line[i]), bytes) : HeaderId::other;
  return true;
}

/// Lines that the table does not tell.
using OddLines = std::array<std::uint8_t, base::header_lines_max + 1>;

/// Name those; what turns out to be one of ours has been taken for another, so `first` is made anew.
[[gnu::noinline]] bool name_odd_lines(std::string_view text, const OddLines& lines, std::size_t count, Message& out, Names& names) {
  bool renamed = false;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t line = lines[i];
    const HeaderId taken_for = out.id[line];
    if (!name_slowly(text, line, out, names)) return false;
    const HeaderId id = out.id[line];
    renamed |= id != taken_for;
    names.usual &= text[out.line[line] - 2U] == '\r' && (id == HeaderId::other || id > single_headers.back());
  }
  if (!renamed) return true;
  out.first.fill(no_header);
  for (std::size_t i = out.headers; i-- > 0;) out.first[static_cast<std::size_t>(out.id[i])] = static_cast<std::uint8_t>(i);
  return true;
}

/// Name one line by the table, or put it on the list; returns the list's new length. The compiler makes a branch of it: without one, the lines behind wait for
/// addresses that wait for the compare, which costs more than a misprediction now and then (docs/performance.md).
inline std::size_t name_line(const Words& line, std::size_t i, Message& out, OddLines& odd, std::size_t odd_count) {
  const NameRow& row = row_for(line);
  const std::uint64_t differ = ((line.first | row.fold[0]) ^ row.word[0]) | ((line.second | row.fold[1]) ^ row.word[1]);
  const std::size_t id = differ == 0 ? row.id : 0;
  out.id[i] = static_cast<HeaderId>(id);
  out.name_bytes[i] = row.bytes;
  out.first[id] = static_cast<std::uint8_t>(i);
  odd[odd_count] = static_cast<std::uint8_t>(i);
  return odd_count + (differ != 0);
}

/// Of the one name that fills a row: whether the colon and the space behind it, which are not in the row, are there.
inline bool fills_row_rightly(std::string_view text, std::size_t line, const Message& out) {
  const char* const behind = text.data() + out.line[line] + row_line_bytes;
  return out.name_bytes[line] != row_line_bytes || (behind[0] == ':' && behind[1] == ' ');
}

/// Put all lines on the list whose names go on behind that one. Returns its new length.
[[gnu::noinline, gnu::cold]] std::size_t add_longer_names(std::string_view text, const Message& out, OddLines& odd, std::size_t odd_count) {
  for (std::size_t i = 0; i < out.headers; ++i)
    if (out.id[i] == HeaderId::content_length && !fills_row_rightly(text, i, out)) odd[odd_count++] = static_cast<std::uint8_t>(i);
  return odd_count;
}

/// Name every line, the last first, so that `first` is simply overwritten. Returns how many are on the list.
std::size_t name_lines(std::string_view text, Message& out, OddLines& odd) {
  std::size_t odd_count = 0;
  std::size_t i = out.headers;
  for (; i > 0 && out.line[i - 1] + row_line_bytes > text.size(); --i) odd_count = name_line(words_at_end(text, out.line[i - 1]), i - 1, out, odd, odd_count);
  for (; i > 0; --i) odd_count = name_line(words_of(text, out.line[i - 1]), i - 1, out, odd, odd_count);
  const std::size_t longest = out.first[static_cast<std::size_t>(HeaderId::content_length)];
  if (longest != no_header && !fills_row_rightly(text, longest, out)) [[unlikely]]
    odd_count = add_longer_names(text, out, odd, odd_count);
  return odd_count;
}

/// Whether a header stands twice that must not: more lines than ids.
bool is_repeated(const Message& m) {
  int lines = 0;
  for (std::size_t from = 0; from < m.headers; from += lines_per_mask) {
    const __m256i ids = _mm256_load_si256(reinterpret_cast<const __m256i*>(m.id.data() + from));
    const __m256i number = _mm256_sub_epi8(ids, _mm256_set1_epi8(static_cast<char>(single_headers.front())));
    const __m256i is_single = _mm256_cmpeq_epi8(_mm256_min_epu8(number, _mm256_set1_epi8(single_headers.size() - 1)), number);
    lines += std::popcount(static_cast<std::uint32_t>(_mm256_movemask_epi8(is_single)) & lines_from(m, from));
  }
  const __m256i first = _mm256_load_si256(reinterpret_cast<const __m256i*>(m.first.data()));
  const auto absent = static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(first, _mm256_set1_epi8(static_cast<char>(no_header)))));
  return lines != std::popcount(~absent & single_header_bits);
}

/// Where a name that must stand once seems to stand twice, none is taken for granted.
[[gnu::noinline, gnu::cold]] void name_again(std::string_view text, Message& out, Names& names) {
  OddLines all;
  for (std::size_t i = 0; i < out.headers; ++i) all[i] = static_cast<std::uint8_t>(i);
  names.folded |= !name_odd_lines(text, all, out.headers, out, names);
  names.repeated = is_repeated(out);
}

}  // namespace

void name_headers(std::string_view text, Message& out, Names& names) {
  OddLines odd;
  names.bad = names.folded = false;
  names.usual = true;
  const std::size_t odd_count = name_lines(text, out, odd);
  if (odd_count != 0) [[unlikely]]
    names.folded = !name_odd_lines(text, odd, odd_count, out, names);
  names.repeated = is_repeated(out);
  if (names.repeated) [[unlikely]]
    name_again(text, out, names);
}

Method find_method(std::string_view token) {
  if (token.size() > table_word_bytes_max) return Method::other;
  std::array<char, word_bytes> word{};
  std::copy(token.begin(), token.end(), word.begin());
  return find_method(_mm_loadu_si128(reinterpret_cast<const __m128i*>(word.data())), token.size());
}

}  // namespace viaduct::sip
