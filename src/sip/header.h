// SPDX-License-Identifier: Apache-2.0
// Header names and methods, one row each, and the table that recognises them by one multiplication and one compare.
#pragma once
#include <immintrin.h>

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
    MethodRow{Method::ack, "ACK"},         MethodRow{Method::bye, "BYE"},         MethodRow{Method::cancel, "CANCEL"},
    MethodRow{Method::info, "INFO"},       MethodRow{Method::invite, "INVITE"},   MethodRow{Method::message, "MESSAGE"},
    MethodRow{Method::notify, "NOTIFY"},   MethodRow{Method::options, "OPTIONS"}, MethodRow{Method::prack, "PRACK"},
    MethodRow{Method::publish, "PUBLISH"}, MethodRow{Method::refer, "REFER"},     MethodRow{Method::register_, "REGISTER"},
    MethodRow{Method::subscribe, "SUBSCRIBE"}, MethodRow{Method::update, "UPDATE"},
};

/// Longest word that a table holds, octets; a longer one is never looked up.
inline constexpr std::size_t table_word_bytes_max = 15;

/// A word of at most table_word_bytes_max octets, zeros behind.
using Word = std::array<char, 16>;

constexpr Word to_word(std::string_view text) {
  Word word{};
  for (std::size_t i = 0; i < text.size(); ++i) word[i] = text[i];
  return word;
}
constexpr std::uint64_t low_half(const Word& word) {
  std::uint64_t half = 0;
  for (std::size_t i = 0; i < 8; ++i) half |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(word[i])) << (8 * i);
  return half;
}

/// A perfect hash of words to small numbers; 0 stands for every other word.
template <unsigned Bits>
struct WordTable {
  static constexpr std::size_t slots = std::size_t{1} << Bits;
  alignas(16) std::array<Word, slots> words{};
  std::array<std::uint8_t, slots> numbers{};
  std::uint64_t multiplier{};
  bool collision{};  ///< two words met in one slot

  [[nodiscard]] constexpr std::size_t slot(std::uint64_t half) const { return static_cast<std::size_t>(half * multiplier >> (64U - Bits)); }
  constexpr void insert(std::string_view text, std::uint8_t number) {
    const Word word = to_word(text);
    const std::size_t s = slot(low_half(word));
    collision |= numbers[s] != 0;
    words[s] = word;
    numbers[s] = number;
  }
  /// The number of a word, or 0. Shape: zeros behind the word.
  [[nodiscard]] std::uint8_t find(__m128i word) const {
    const std::size_t s = slot(static_cast<std::uint64_t>(_mm_cvtsi128_si64(word)));
    const __m128i same = _mm_cmpeq_epi8(word, _mm_load_si128(reinterpret_cast<const __m128i*>(words[s].data())));
    // All sixteen equal: the sum carries into bit 16. No branch, since which names are known cannot be foreseen.
    const std::uint32_t all = (static_cast<std::uint32_t>(_mm_movemask_epi8(same)) + 1U) >> 16U;
    return static_cast<std::uint8_t>(numbers[s] & (0U - all));
  }
};

/// The multipliers are found by trying odd numbers; the assertion below says when a new row needs another.
inline constexpr auto header_table = [] {
  WordTable<6> table{.multiplier = 0x4af72e0cb84dc67dU};
  for (const HeaderRow& row : header_rows) {
    table.insert(row.name, static_cast<std::uint8_t>(row.id));
    if (!row.compact.empty()) table.insert(row.compact, static_cast<std::uint8_t>(row.id));
  }
  return table;
}();
inline constexpr auto method_table = [] {
  WordTable<5> table{.multiplier = 0x74fd136121972db1U};
  for (const MethodRow& row : method_rows) table.insert(row.token, static_cast<std::uint8_t>(row.method));
  return table;
}();
static_assert(!header_table.collision && !method_table.collision);

/// What naming a head's lines found beside ids.
struct Names {
  std::array<std::uint64_t, 2> via_lines{};  ///< one bit for each header line that is a Via
  bool repeated{};                           ///< a header that may stand once only may stand more often: look closer
  bool folded{};                             ///< a line begins with white space: the lines must be joined, and named again
  bool bad{};                                ///< a line has no name or no colon
};
static_assert(base::header_lines_max <= 128);

/// Headers that an index reads one of (RFC 3261 7.3.1, 20). Their ids are below 16, so that one shuffle finds them among 32.
inline constexpr std::array single_headers = {HeaderId::from, HeaderId::to,           HeaderId::call_id,
                                              HeaderId::cseq, HeaderId::max_forwards, HeaderId::content_length};

/// Name every header line of `out`, whose line starts and count are set and whose `first` is all no_header: fills id, name_bytes, first.
/// Shape: text has at least vector_bytes octets. Source: RFC 3261 7.3.1, 7.3.3.
Names name_headers(std::string_view text, Message& out);

/// The method of the token that stands at text[at]. Case counts (RFC 3261 7.1). Shape: text has at least 16 octets.
[[nodiscard]] Method find_method(std::string_view text, std::size_t at, std::size_t bytes);

}  // namespace viaduct::sip
