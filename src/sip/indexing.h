// SPDX-License-Identifier: Apache-2.0
// What the parts of the index share while they fill one message: the message, what may be read, and the value of a header line.
#pragma once
#include <cstring>
#include <string_view>

#include "field.h"
#include "header.h"
#include "scan.h"
#include "start.h"
#include "usual.h"
#include "viaduct/sip/message.h"

namespace viaduct::sip {

/// Two octets as they stand in memory.
inline std::uint16_t pair_at(const char* at) {
  std::uint16_t pair;
  std::memcpy(&pair, at, 2);
  return pair;
}
constexpr std::uint16_t pair_of(char first, char second) { return static_cast<std::uint16_t>(first | second << 8); }

/// The value of a line that is not of the usual shape. Shape: `at` is behind the name.
std::string_view odd_value_text(const char* at, const char* end);

/// Message::header_value, here so that it can stand in line. The usual line is name, colon, one space, value, CRLF.
inline std::string_view value_text(const Message& m, std::size_t i) {
  const char* const at = m.text.data() + m.line[i] + m.name_bytes[i];
  const char* const end = m.text.data() + m.line[i + 1];
  const bool usual = end - at >= 5 && pair_at(at) == pair_of(':', ' ') && pair_at(end - 2) == pair_of('\r', '\n') && at[2] > ' ' && end[-3] > ' ';
  if (usual) [[likely]]
    return {at + 2, end - 2};
  return odd_value_text(at, end);
}

/// The work of one `index` call: the message in the making, and its text, which is what may be read.
struct Indexing {
  Message& m;
  Reach reach;

  [[nodiscard]] std::string_view text() const { return {reach.begin, reach.end}; }
  /// What readers out of line are called on: a copy, so that this one stays in registers.
  [[nodiscard]] Indexing general() const { return *this; }

  /// Of several faults the one that stands first in Bad.
  void note(Bad fault) {
    if (m.fault == Bad::none || (fault != Bad::none && fault < m.fault)) m.fault = fault;
  }
  [[nodiscard]] Slice slice(std::string_view part) const {
    return {static_cast<std::uint16_t>(part.data() - reach.begin), static_cast<std::uint16_t>(part.size())};
  }
  [[nodiscard]] Slice slice(const char* from, const char* end) const {
    return {static_cast<std::uint16_t>(from - reach.begin), static_cast<std::uint16_t>(end - from)};
  }
  [[nodiscard]] Cursor value(std::size_t line) const { return {value_text(m, line), reach}; }
  /// Shape: all line ends are CRLF, and names_unusual was not found.
  [[nodiscard]] UsualValue usual_value(std::size_t line) const {
    return {reach.begin + m.line[line] + m.name_bytes[line] + 2, reach.begin + m.line[line + 1] - 2};
  }
  /// The first line of an id, or no_header.
  [[nodiscard]] std::uint8_t first(HeaderId id) const { return m.first[static_cast<std::size_t>(id)]; }

  // message.cpp: the order of things, and the usual shapes
  bool usual_lines();
  [[gnu::noinline]] bool any_lines();
  bool start_line();
  bool usual_top_via(std::size_t line);
  [[gnu::always_inline]] void lower_vias(bool usual, bool counting);
  bool lower_via_line(bool usual, std::size_t line);
  [[gnu::always_inline]] void usual_fields();
  [[gnu::always_inline]] void address(HeaderId id, Bad missing, Bad syntax, Slice& uri, Slice& tag);
  void call_id();
  void cseq();
  void max_forwards();
  void content_length();
  Bad without_headers();
  void limit_lines();

  // vias.cpp: Via lines of any shape; false when further values would change nothing
  [[gnu::noinline]] bool first_via_line(std::size_t line);
  [[gnu::noinline]] bool next_via_line(std::size_t line);
  [[nodiscard]] std::string_view list(std::size_t line) const;
  bool further_vias(std::string_view list);
  bool top_via(Cursor c, std::string_view& rest);
  bool further_via(std::string_view value);

  // fields.cpp: every other header of any shape
  [[gnu::noinline]] void any_fields();
  [[gnu::cold]] void faulty(HeaderId id, Bad fault);
  [[gnu::noinline]] void any_address(HeaderId id, Bad missing, Bad syntax, Slice& uri, Slice& tag);
  bool take_address(Cursor c, Slice& uri, Slice& tag);
  [[gnu::noinline]] void any_call_id();
  [[gnu::noinline]] void any_cseq();
  bool take_cseq(Cursor c);
  [[gnu::noinline, gnu::cold]] void repeated();
  [[gnu::noinline]] void any_max_forwards();
  [[gnu::noinline]] void any_content_length();
};

}  // namespace viaduct::sip
