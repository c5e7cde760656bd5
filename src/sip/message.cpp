// SPDX-License-Identifier: Apache-2.0
// The index: lines, names, and what every decision needs of the headers that name a transaction; faults are noted, not thrown.
#include "viaduct/sip/message.h"

#include <algorithm>

#include "indexing.h"
#include "start.h"
#include "via.h"

namespace viaduct::sip {
namespace {

constexpr std::uint8_t max_forwards_default = 70;  // RFC 3261 16.6 step 3

/// What a Via line holds up to the first octet that needs a closer look: a comma, a quote, an angle bracket, a line end.
constexpr CharClass via_plain_octet = ((visible - ",\"<") | " \t").with_utf8();

/// Octets of the first element of a comma-separated list; commas in quotes and <> do not count, what does not end takes the rest.
std::size_t element_bytes(std::string_view list) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (list[i] == ',') return i;
    if (list[i] == '<') i = std::min(list.find('>', i), list.size());
    if (i < list.size() && list[i] == '"')
      for (++i; i < list.size() && list[i] != '"'; ++i)
        if (list[i] == '\\') ++i;
  }
  return list.size();
}

}  // namespace

/// A message that was told from its start line at the most: nothing to answer it with. More lines than allowed, unless there is another fault.
[[gnu::cold]] Bad Indexing::without_headers() {
  note(Bad::header_lines);
  m.answerable = false;
  m.headers = 0;
  m.first.fill(no_header);
  return m.fault;
}

/// Faults of the head as a whole.
void Indexing::lines(const Lines& lines, bool bad) {
  if (!lines.terminated) [[unlikely]]
    note(Bad::head_unterminated);
  if (bad) [[unlikely]]
    note(Bad::header_syntax);
  if (m.head_bytes <= base::header_bytes_max) [[likely]]
    return;
  for (std::size_t i = 0; i < m.headers; ++i)
    if (m.line[i + 1] - m.line[i] > static_cast<int>(base::header_bytes_max)) note(Bad::header_bytes);
}

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

namespace {

/// A Via line that begins with an empty element, or with white space behind a fold. Returns what follows.
std::string_view without_empty_elements(std::string_view list) {
  for (;;) {
    list = trimmed(list);
    if (!list.starts_with(',')) return list;
    list.remove_prefix(1);
  }
}

}  // namespace

void Indexing::further_vias(std::string_view list) {
  while (!list.empty())
    if (const std::string_view value = next_value(list); !value.empty()) further_via(value);
}

/// Lines up to the first that holds a value, then the others, most of which hold one.
void Indexing::vias(const Names& names) {
  const std::uint8_t* line = names.via_lines.data() + names.via_lines.size() - names.via_count;
  const std::uint8_t* const end = names.via_lines.data() + names.via_lines.size();
  while (line < end && m.via_values == 0) {
    std::string_view list = value_text(m, *line++);
    if (list.empty() || list[0] == ',') [[unlikely]]
      list = without_empty_elements(list);
    if (!list.empty()) further_vias(top_via(Cursor{list, reach}));
  }
  for (; line < end; ++line) {
    const std::string_view list = value_text(m, *line);
    const bool plain = !list.empty() && run<via_plain_octet>(list.data(), reach) >= list.data() + list.size();
    if (plain) [[likely]]
      further_via(list);
    else
      further_vias(list);
  }
  if (m.via_values == 0) [[unlikely]]
    note(Bad::via_missing);
  if (m.via_values > base::via_values_max) [[unlikely]]
    note(Bad::via_too_many);
  m.answerable &= m.top_via.bytes != 0;
}

namespace {

/// Line starts, folds joined if `joined`.
Lines find(std::string_view text, bool joined, Message& m) {
  Lines lines{.overflow = true};
  if (!joined) lines = find_lines(text, m.line);
  if (lines.overflow) [[unlikely]]
    lines = find_joined_lines(text, m.line);
  if (lines.count == 0) m.line[0] = static_cast<std::uint16_t>(text.size());
  m.headers = static_cast<std::uint8_t>(lines.count == 0 ? 0 : lines.count - 1);
  m.head_bytes = static_cast<std::uint16_t>(lines.head_bytes);
  return lines;
}

/// Every field that is not an array, so that nothing of the last message stays.
void clear(std::string_view text, Message& m) {
  m.text = text;
  m.fault = Bad::none;
  m.is_request = m.answerable = false;
  m.method = Method::other;
  m.via_values = 0;
  m.headers = 0;
  m.status = 0;
  m.method_text = m.request_uri = m.body = m.call_id = m.top_via = m.second_via = m.from_tag = m.to_tag = m.to_uri = m.from_uri = {};
  m.head_bytes = 0;
  m.cseq_number = 0;
  m.max_forwards = max_forwards_default;
  m.line[0] = 0;
  m.first.fill(no_header);
  m.top = {};
}

std::string_view without_line_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(line.ends_with("\r\n") ? 2 : 1);
  return line;
}

}  // namespace

Bad index(std::string_view text, Message& out) {
  clear(text, out);
  if (text.size() > base::message_bytes_max) [[unlikely]] {
    out.fault = Bad::too_large;
    text = text.substr(0, base::message_bytes_max);
  }
  if (text.size() < vector_bytes) [[unlikely]]
    return out.fault = Bad::not_sip;
  Indexing in{out, text, {text.data(), text.data() + text.size()}};
  Lines lines = find(text, false, out);
  const Start start = read_start_line(text, without_line_end(text.substr(0, out.line[0])), out);
  in.note(start.fault);
  out.answerable = start.usable && out.is_request && out.method != Method::ack;
  Names names;
  if (start.usable) name_headers(text, out, names);
  if (names.folded) [[unlikely]] {
    lines = find(text, true, out);
    out.first.fill(no_header);
    name_headers(text, out, names);
  }
  if (!start.usable || lines.overflow) [[unlikely]]
    return in.without_headers();
  in.lines(lines, names.bad);
  in.vias(names);
  in.fields(names);
  return out.fault;
}

std::string_view odd_value_text(const char* at, const char* end) {
  at = std::find(at, end, ':');
  at = std::min(at + 1, end);
  return trimmed({at, static_cast<std::size_t>(end - at)});
}

std::string_view Message::header_value(std::size_t i) const { return value_text(*this, i); }

bool is_keepalive(std::string_view datagram) {
  return datagram.empty() || datagram == "\r\n" || datagram == "\r\n\r\n" || datagram == std::string_view{"\0\0\0\0", 4};
}

std::string_view token(Method m) {
  for (const MethodRow& row : method_rows)
    if (row.method == m) return row.token;
  return {};
}

std::string_view next_value(std::string_view& rest) {
  std::string_view value;
  while (value.empty() && !rest.empty()) {
    const std::size_t bytes = element_bytes(rest);
    value = trimmed(rest.substr(0, bytes));
    rest.remove_prefix(std::min(bytes + 1, rest.size()));
  }
  return value;
}

}  // namespace viaduct::sip
