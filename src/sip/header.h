// SPDX-License-Identifier: Apache-2.0
// Header names and methods, one row each, and the table that recognises them by one multiplication and one compare.
#pragma once
#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "viaduct/sip/message.h"

namespace viaduct::sip {

struct HeaderRow {
  HeaderId id;
  std::string_view name;     ///< lower case
  std::string_view compact;  ///< lower case; empty when there is none
};
/// RFC 3261 7.3.3 and 20, RFC 3327, RFC 6665 8.2.1 (Event: o).
inline constexpr std::array header_rows = {
    HeaderRow{HeaderId::via, "via", "v"},
    HeaderRow{HeaderId::from, "from", "f"},
    HeaderRow{HeaderId::to, "to", "t"},
    HeaderRow{HeaderId::call_id, "call-id", "i"},
    HeaderRow{HeaderId::cseq, "cseq", ""},
    HeaderRow{HeaderId::max_forwards, "max-forwards", ""},
    HeaderRow{HeaderId::route, "route", ""},
    HeaderRow{HeaderId::contact, "contact", "m"},
    HeaderRow{HeaderId::content_length, "content-length", "l"},
    HeaderRow{HeaderId::user_agent, "user-agent", ""},
    HeaderRow{HeaderId::expires, "expires", ""},
    HeaderRow{HeaderId::record_route, "record-route", ""},
    HeaderRow{HeaderId::path, "path", ""},
    HeaderRow{HeaderId::proxy_require, "proxy-require", ""},
    HeaderRow{HeaderId::require, "require", ""},
    HeaderRow{HeaderId::timestamp, "timestamp", ""},
    HeaderRow{HeaderId::authorization, "authorization", ""},
    HeaderRow{HeaderId::event, "event", "o"},
    HeaderRow{HeaderId::x_viaduct_home, "x-viaduct-home", ""},
    HeaderRow{HeaderId::min_expires, "min-expires", ""},
    HeaderRow{HeaderId::supported, "supported", "k"},
};
static_assert(header_rows.size() + 1 == header_ids_count);

struct MethodRow {
  Method method;
  std::string_view token;
};
inline constexpr std::array method_rows = {
    MethodRow{Method::ack, "ACK"},
    MethodRow{Method::bye, "BYE"},
    MethodRow{Method::cancel, "CANCEL"},
    MethodRow{Method::info, "INFO"},
    MethodRow{Method::invite, "INVITE"},
    MethodRow{Method::message, "MESSAGE"},
    MethodRow{Method::notify, "NOTIFY"},
    MethodRow{Method::options, "OPTIONS"},
    MethodRow{Method::prack, "PRACK"},
    MethodRow{Method::publish, "PUBLISH"},
    MethodRow{Method::refer, "REFER"},
    MethodRow{Method::register_, "REGISTER"},
    MethodRow{Method::subscribe, "SUBSCRIBE"},
    MethodRow{Method::update, "UPDATE"},
};

/// Longest word that a table holds, octets; a longer one is never looked up.
inline constexpr std::size_t table_word_bytes_max = 14;

/// A word without the octets from `bytes` on. Shape: bytes is 16 at the most.
inline __m128i first_octets(__m128i word, std::size_t bytes) {
  alignas(16) static constexpr auto masks = [] {
    std::array<std::array<std::int8_t, 16>, 17> rows{};
    for (std::size_t n = 0; n < rows.size(); ++n) std::fill_n(rows[n].begin(), n, std::int8_t{-1});
    return rows;
  }();
  return _mm_and_si128(word, _mm_load_si128(reinterpret_cast<const __m128i*>(masks[bytes].data())));
}

/// A perfect hash of words to small numbers; 0 stands for every other word. A row is a word, zeros, and its number in the last octet.
template <unsigned Bits>
struct WordTable {
  static constexpr std::size_t rows_count = std::size_t{1} << Bits;
  static constexpr std::size_t row_bytes = 16;
  alignas(16) std::array<std::array<char, row_bytes>, rows_count> rows{};
  std::uint64_t multiplier{};
  bool collision{};  ///< two words met in one row

  /// Where the row of a word is, in octets from the first row, by the word's first eight octets.
  [[nodiscard]] constexpr std::size_t place(std::uint64_t first_half) const {
    return static_cast<std::size_t>(first_half * multiplier >> (60U - Bits)) & ((rows_count - 1) * row_bytes);
  }
  constexpr void insert(std::string_view word, char number) {
    std::uint64_t half = 0;
    for (std::size_t i = 0; i < std::min<std::size_t>(word.size(), 8); ++i) half |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(word[i])) << (8 * i);
    auto& row = rows[place(half) / row_bytes];
    collision |= row.back() != 0;
    std::copy(word.begin(), word.end(), row.begin());
    row.back() = number;
  }
  /// The number of a word, or 0. Shape: zeros behind the word. No branch, since which words come cannot be foreseen.
  [[nodiscard]] std::uint32_t find(__m128i word) const {
    const char* const row = rows[0].data() + place(static_cast<std::uint64_t>(_mm_cvtsi128_si64(word)));
    const __m128i same = _mm_cmpeq_epi8(word, _mm_load_si128(reinterpret_cast<const __m128i*>(row)));
    const std::uint32_t number = static_cast<std::uint8_t>(row[row_bytes - 1]);
    const bool found = (~static_cast<std::uint32_t>(_mm_movemask_epi8(same)) & 0x7fffU) == 0;
    return __builtin_expect_with_probability(found, 1, 0.5) ? number : 0U;
  }
};

/// The multipliers are found by trying odd numbers; the assertion below says when a new row needs another.
inline constexpr auto header_table = [] {
  WordTable<6> table{.multiplier = 0x792743a77dfc8709U};
  for (const HeaderRow& row : header_rows)
    for (const std::string_view name : {row.name, row.compact}) {
      if (name.empty()) continue;
      // With its colon, so that a name that goes on is another word.
      std::array<char, table_word_bytes_max + 1> word{};
      std::copy(name.begin(), name.end(), word.begin());
      word[name.size()] = ':';
      table.insert({word.data(), name.size() + 1}, static_cast<char>(row.id));
    }
  return table;
}();
inline constexpr auto method_table = [] {
  WordTable<5> table{.multiplier = 0x74fd136121972db1U};
  for (const MethodRow& row : method_rows) table.insert(row.token, static_cast<char>(row.method));
  return table;
}();
static_assert(!header_table.collision && !method_table.collision);

/// What naming a head's lines found beside ids, or of one line: bits. One number, since what is put together of bytes in memory is slow to read at once.
using Names = std::uint32_t;
inline constexpr Names names_unusual = 1;   ///< a line end is not CRLF, or a header that the index reads has not a colon and one space behind its name
inline constexpr Names names_bad = 2;       ///< a line has no name or no colon
inline constexpr Names names_mistaken = 4;  ///< a line begins with white space, or is the empty line: lines must be found one after the other, and named again
static_assert(base::header_lines_max < no_header && header_ids_count <= 32);

/// Headers of which the index reads one only (RFC 3261 7.3.1, 20): neighbours in HeaderId, so that one comparison tells them.
inline constexpr std::array single_headers = {HeaderId::from, HeaderId::to,           HeaderId::call_id,
                                              HeaderId::cseq, HeaderId::max_forwards, HeaderId::content_length};

inline constexpr std::uint32_t single_header_bits = [] {
  std::uint32_t bits = 0;
  for (HeaderId id : single_headers) bits |= 1U << static_cast<std::uint32_t>(id);
  return bits;
}();
static_assert(single_header_bits >> static_cast<unsigned>(single_headers.front()) == (1U << single_headers.size()) - 1);

/// Name every header line of `out`, whose line starts and count are set and whose `first` is all no_header: fills id, name_bytes, first.
/// Shape: text has at least vector_bytes octets. Source: RFC 3261 7.3.1, 7.3.3.
Names name_headers(std::string_view text, Message& out);

/// Header lines looked at together; a bit for each.
inline constexpr std::size_t lines_per_mask = 32;
/// The lines from `from` on, a multiple of lines_per_mask, that exist.
inline std::uint32_t lines_from(const Message& m, std::size_t from) { return _bzhi_u32(~0U, static_cast<std::uint32_t>(m.headers - from)); }
/// Those of them that have an id.
inline std::uint32_t lines_with(const Message& m, HeaderId id, std::size_t from) {
  const __m256i ids = _mm256_load_si256(reinterpret_cast<const __m256i*>(m.id.data() + from));
  return static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(ids, _mm256_set1_epi8(static_cast<char>(id))))) & lines_from(m, from);
}

/// Whether a header stands twice that must not: more lines than ids.
inline bool is_repeated(const Message& m) {
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

/// The method of the token of `bytes` octets that `octets` begins with. Case counts (RFC 3261 7.1). Shape: bytes is 16 at the most.
[[nodiscard]] inline Method find_method(__m128i octets, std::size_t bytes) { return static_cast<Method>(method_table.find(first_octets(octets, bytes))); }
/// The same of a token that stands alone.
[[nodiscard]] Method find_method(std::string_view token);

}  // namespace viaduct::sip
