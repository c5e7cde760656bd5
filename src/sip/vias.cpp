// SPDX-License-Identifier: Apache-2.0
// Via lines of any shape: several values in one, empty elements, folds, broken ones; and comma-separated lists as such.
#include <algorithm>

#include "indexing.h"
#include "via.h"

namespace viaduct::sip {
namespace {

/// What a list holds up to the first octet that needs a closer look: a comma, a quote, an angle bracket.
constexpr CharClass list_plain_octet = (detail::octets_from_to('\0', '\x7f') - ",\"<").with_utf8();

/// Octets of the first element of a comma-separated list; commas in quotes and <> do not count, what does not end takes the rest.
std::size_t element_bytes(std::string_view list) {
  const Reach reach{list.data(), list.data() + list.size()};
  const char* at = reach.begin;
  while ((at = run<list_plain_octet>(at, reach)) < reach.end && *at != ',') {
    const bool quoted = *at++ == '"';
    for (; at < reach.end && *at != (quoted ? '"' : '>'); ++at)
      if (quoted && *at == '\\') ++at;
    if (quoted) ++at;
  }
  return std::min(static_cast<std::size_t>(at - reach.begin), list.size());
}

/// A Via line that begins with an empty element, or with white space behind a fold. Returns what follows.
std::string_view without_empty_elements(std::string_view list) {
  for (;;) {
    list = trimmed(list);
    if (!list.starts_with(',')) return list;
    list.remove_prefix(1);
  }
}

}  // namespace

/// The first Via value of all, which must be well-formed at least as far as sent-by. Returns what follows it in its line.
std::string_view Indexing::top_via(Cursor c) {
  const char* const from = c.at;
  const ViaShape shape = take_via(c, m.top);
  m.via_values = 1;
  if (shape != ViaShape::none) m.top_via = slice({from, static_cast<std::size_t>(c.at - from)});
  if (shape == ViaShape::whole) [[likely]] {
    c.skip_lws();
    if (c.done()) [[likely]]
      return {};
  } else {
    note(Bad::via_syntax);
  }
  std::string_view rest{c.at, static_cast<std::size_t>(c.end - c.at)};
  rest.remove_prefix(std::min(element_bytes(rest) + 1, rest.size()));
  return rest;
}

void Indexing::further_via(std::string_view value) {
  if (!token_octet.has(value[0])) return note(Bad::via_syntax);
  if (m.second_via.bytes == 0) m.second_via = slice(value);
  if (m.via_values < 0xff) ++m.via_values;
}

void Indexing::further_vias(std::string_view list) {
  while (!list.empty())
    if (const std::string_view value = next_value(list); !value.empty()) further_via(value);
}

/// A Via line before which no other held a value.
void Indexing::first_via_line(std::size_t line) {
  std::string_view list = value_text(m, line);
  if (list.empty() || list[0] == ',') [[unlikely]]
    list = without_empty_elements(list);
  if (!list.empty()) further_vias(top_via(Cursor{list, reach}));
}

void Indexing::next_via_line(std::size_t line) { further_vias(value_text(m, line)); }

std::string_view next_value(std::string_view& rest) {
  std::string_view value;
  while (value.empty() && !rest.empty()) {
    if (rest[0] == ',') {  // an empty element, of which a hostile list has thousands
      rest.remove_prefix(1);
      continue;
    }
    const std::size_t bytes = element_bytes(rest);
    value = trimmed(rest.substr(0, bytes));
    rest.remove_prefix(std::min(bytes + 1, rest.size()));
  }
  return value;
}

}  // namespace viaduct::sip
