// SPDX-License-Identifier: Apache-2.0
// Via lines of any shape: several values in one, empty elements, folds, broken ones; and comma-separated lists as such.
#include <algorithm>
#include <array>
#include <utility>

#include "indexing.h"
#include "via.h"

namespace viaduct::sip {
namespace {

/// What a list holds up to the first octet that needs a closer look: a comma, a quote, an angle bracket; a line end, which may be the list's own.
constexpr CharClass list_plain_octet = (detail::octets_from_to('\0', '\x7f') - ",\"<\n").with_utf8();

/// Where in an element an octet stands, as the bit of a row at which that state's successor begins; so a step is a shift, whatever the octets are.
enum class Within : std::uint8_t { element = 0, quotes = 6, escape = 12, angles = 18, behind = 24 };

/// What each octet does to each state.
constexpr auto element_steps = [] {
  std::array<std::uint64_t, 256> rows{};
  const auto set = [&rows](std::size_t octet, Within from, Within to) {
    std::uint64_t& row = rows[octet];
    row = (row & ~(0x3fULL << std::to_underlying(from))) | std::uint64_t{std::to_underlying(to)} << std::to_underlying(from);
  };
  for (std::size_t octet = 0; octet < rows.size(); ++octet) {
    set(octet, Within::element, octet == '"' ? Within::quotes : octet == '<' ? Within::angles : octet == ',' ? Within::behind : Within::element);
    set(octet, Within::quotes, octet == '"' ? Within::element : octet == '\\' ? Within::escape : Within::quotes);
    set(octet, Within::escape, Within::quotes);
    set(octet, Within::angles, octet == '>' ? Within::element : Within::angles);
  }
  return rows;
}();

/// The end of the first element of a comma-separated list; commas in quotes and <> do not count, what does not end takes the rest.
const char* element_end(std::string_view list, Reach reach) {
  const char* const end = list.data() + list.size();
  std::uint64_t state = std::to_underlying(Within::element);
  const char* at = std::min(run<list_plain_octet>(list.data(), reach), end);
  for (; at < end; ++at) {
    state = element_steps[static_cast<std::uint8_t>(*at)] >> (state & 63U);
    if ((state & 63U) == std::to_underlying(Within::behind)) break;
  }
  return at;
}

constexpr CharClass between_elements_octet{", \t\r\n"};

/// Where the next element that is not empty begins: commas are passed by, and LWS. A CR alone is neither.
inline const char* element_start(const char* at, const char* end, Reach reach) {
  for (; reach.end - at > static_cast<std::ptrdiff_t>(vector_bytes) && at < end; at += vector_bytes) {
    const __m256i here = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
    const __m256i next = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at + 1));
    const __m256i returns = _mm256_cmpeq_epi8(here, _mm256_set1_epi8('\r'));
    const __m256i lone = _mm256_andnot_si256(_mm256_cmpeq_epi8(next, _mm256_set1_epi8('\n')), returns);
    const std::uint32_t begins = others<between_elements_octet>(here) | static_cast<std::uint32_t>(_mm256_movemask_epi8(lone));
    if (begins != 0) return std::min(at + std::countr_zero(begins), end);
  }
  for (; at < end && between_elements_octet.has(*at); ++at)
    if (*at == '\r' && (end - at < 2 || at[1] != '\n')) break;
  return std::min(at, end);
}

/// A text without the LWS at its end. Shape: it begins with something else.
std::string_view without_blanks_behind(std::string_view text) {
  while (text.back() == ' ' || text.back() == '\t' || text.back() == '\n') text.remove_suffix(text.ends_with("\r\n") ? 2 : 1);
  return text;
}

/// As the next_value of the contract; octets inside `reach` are read.
inline std::string_view next_value(std::string_view& rest, Reach reach) {
  const char* const end = rest.data() + rest.size();
  const char* const from = element_start(rest.data(), end, reach);
  if (from == end) return rest = {};
  const char* const behind = element_end({from, end}, reach);
  rest = {std::min(behind + 1, end), end};
  return without_blanks_behind({from, behind});
}

}  // namespace

/// The first Via value of all, which must be well-formed at least as far as sent-by. False when it is not well-formed, else `rest` is what follows.
bool Indexing::top_via(Cursor c, std::string_view& rest) {
  const char* const from = c.at;
  const ViaShape shape = take_via(c, m.top);
  m.via_values = 1;
  if (shape != ViaShape::none) m.top_via = slice({from, static_cast<std::size_t>(c.at - from)});
  if (shape != ViaShape::whole) {
    note(Bad::via_syntax);
    return false;
  }
  rest = {c.at, static_cast<std::size_t>(c.end - c.at)};
  return true;
}

bool Indexing::further_via(std::string_view value) {
  if (!token_octet.has(value[0])) {
    note(Bad::via_syntax);
    return false;
  }
  if (m.second_via.bytes == 0) m.second_via = slice(value);
  return ++m.via_values <= base::via_values_max;
}

bool Indexing::further_vias(std::string_view list) {
  while (!list.empty())
    if (const std::string_view value = next_value(list, reach); !value.empty() && !further_via(value)) return false;
  return true;
}

/// The list of a Via line, white space before and behind it included.
inline std::string_view Indexing::list(std::size_t line) const {
  const char* at = reach.begin + m.line[line] + m.name_bytes[line];
  while (*at != ':') ++at;  // it has a name
  const char* const end = reach.begin + m.line[line + 1] - 1;
  return {at + 1, end[-1] == '\r' ? end - 1 : end};
}

/// A Via line before which no other held a value.
bool Indexing::first_via_line(std::size_t line) {
  const std::string_view values = list(line);
  const char* const end = values.data() + values.size();
  const char* const from = element_start(values.data(), end, reach);
  std::string_view rest;
  return from == end || (top_via(Cursor{without_blanks_behind({from, end}), reach}, rest) && further_vias(rest));
}

bool Indexing::next_via_line(std::size_t line) { return further_vias(list(line)); }

std::string_view next_value(std::string_view& rest) { return next_value(rest, {rest.data(), rest.data() + rest.size()}); }

}  // namespace viaduct::sip
