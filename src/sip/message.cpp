// SPDX-License-Identifier: Apache-2.0
// The index: lines, names, and what every decision needs of the headers that name a transaction; faults are noted, not thrown.
#include "viaduct/sip/message.h"

#include <algorithm>
#include <cstring>

#include "field.h"
#include "header.h"
#include "scan.h"
#include "start.h"
#include "via.h"

namespace viaduct::sip {
namespace {

constexpr std::uint8_t max_forwards_default = 70;        // RFC 3261 16.6 step 3
constexpr std::uint64_t cseq_number_end = 1ULL << 31U;   // RFC 3261 8.1.1.5

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

/// Two octets as they stand in memory.
inline std::uint16_t pair_at(const char* at) {
  std::uint16_t pair;
  std::memcpy(&pair, at, 2);
  return pair;
}
constexpr auto pair_of(char first, char second) { return static_cast<std::uint16_t>(first | second << 8); }

[[gnu::noinline]] std::string_view odd_value_text(const char* at, const char* end) {
  at = std::find(at, end, ':');
  at = std::min(at + 1, end);
  return trimmed({at, static_cast<std::size_t>(end - at)});
}

/// Message::header_value, here so that it can stand in line. The usual line is name, colon, one space, value, CRLF.
inline std::string_view value_text(const Message& m, std::size_t i) {
  const char* const at = m.text.data() + m.line[i] + m.name_bytes[i];
  const char* const end = m.text.data() + m.line[i + 1];
  const bool usual = end - at >= 5 && pair_at(at) == pair_of(':', ' ') && pair_at(end - 2) == pair_of('\r', '\n') && at[2] > ' ' && end[-3] > ' ';
  if (usual) [[likely]]
    return {at + 2, end - 2};
  return odd_value_text(at, end);
}

/// Equal octets; a method is seldom longer than eight.
inline bool equal_octets(const char* a, const char* b, std::size_t bytes, Reach reach) {
  return bytes <= 8 ? word8(a, bytes, reach) == word8(b, bytes, reach) : std::memcmp(a, b, bytes) == 0;
}

/// The work of one `index` call: the message in the making, and what may be read.
struct Indexing {
  Message& m;
  std::string_view text;
  Reach reach;

  void note(Bad fault) {
    if (m.fault == Bad::none) m.fault = fault;
  }
  [[nodiscard]] Slice slice(std::string_view part) const {
    return {static_cast<std::uint16_t>(part.data() - text.data()), static_cast<std::uint16_t>(part.size())};
  }
  [[nodiscard]] Slice slice(const char* from, const char* end) const {
    return {static_cast<std::uint16_t>(from - text.data()), static_cast<std::uint16_t>(end - from)};
  }
  [[nodiscard]] Cursor value(std::size_t line) const { return {value_text(m, line), reach}; }
  /// The first line of an id, or no_header.
  [[nodiscard]] std::uint8_t first(HeaderId id) const { return m.first[static_cast<std::size_t>(id)]; }

  void lines(const Lines& lines, bool bad);
  void vias(const Names& names);
  void further_vias(std::string_view list);
  std::string_view top_via(Cursor c);
  void further_via(std::string_view value);
  [[gnu::always_inline]] void address(HeaderId id, Bad missing, Bad syntax, Slice& uri, Slice& tag);
  bool address_slowly(Cursor c, Slice& uri, Slice& tag);
  void call_id();
  void cseq();
  bool cseq_slowly(Cursor c);
  void repeated();
  void max_forwards();
  void content_length();
  void faulty(HeaderId id, Bad fault);
};

/// Note a fault of a header that an answer copies; it can still be copied when it is there and holds no control octet but folds.
[[gnu::noinline, gnu::cold]] void Indexing::faulty(HeaderId id, Bad fault) {
  note(fault);
  const std::string_view value = m.value(id);
  const bool controls = std::any_of(value.begin(), value.end(), [](char c) { return (c >= 0 && c < ' ' && c != '\t' && c != '\r' && c != '\n') || c == 0x7f; });
  if (value.empty() || controls) m.answerable = false;
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

/// A Via line that begins with an empty element, or with white space behind a fold. Returns what follows.
[[gnu::noinline]] std::string_view without_empty_elements(std::string_view list) {
  for (;;) {
    list = trimmed(list);
    if (!list.starts_with(',')) return list;
    list.remove_prefix(1);
  }
}

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

/// From and To step by step: name-addr or addr-spec, then parameters with at most one tag.
bool Indexing::address_slowly(Cursor c, Slice& uri, Slice& tag) {
  NameAddr name;
  if (!take_name_addr(c, name)) return false;
  uri = slice(name.uri);
  tag = {};
  for (c.skip_lws(); !c.done(); c.skip_lws()) {
    Param param;
    if (!take_param(c, param)) return false;
    if (!equal_ignoring_case(param.name, "tag")) continue;
    if (!param.has_value || param.quoted || tag.bytes != 0) return false;
    tag = slice(param.value);
  }
  return true;
}

/// Four octets as they stand in memory.
inline std::uint32_t quad_at(const char* at) {
  std::uint32_t quad;
  std::memcpy(&quad, at, 4);
  return quad;
}
/// `sip:` and `;tag`, letters in lower case: only their letters may differ by the bit 0x20.
constexpr std::uint32_t sip_scheme = 0x3a706973, sip_letters = 0x00202020;
constexpr std::uint32_t tag_name = 0x6761743b, tag_letters = 0x20202000;

/// `"name" <sip:...>;tag=...`, each part but the URI optional, nothing else. False says nothing.
inline bool usual_address(const char* at, const char* end, Reach reach, std::string_view& uri, std::string_view& tag) {
  if (end - at < 6) return false;
  if (*at == '"') {
    at = run<quoted_octet>(at + 1, reach);
    if (end - at < 8 || *at != '"') return false;
    at += at[1] == ' ' ? 2 : 1;
    if (*at != '<') return false;
  }
  const bool bracketed = *at == '<';
  at += bracketed;
  if ((quad_at(at) | sip_letters) != sip_scheme) return false;
  const char* const uri_end = bracketed ? run<uri_octet>(at, reach) : run<bare_uri_octet>(at, reach);
  if (uri_end > end || uri_end - at < 5 || (bracketed && *uri_end != '>')) return false;
  uri = {at, uri_end};
  at = uri_end + bracketed;
  if (at == end) return true;
  if (end - at < 6 || (quad_at(at) | tag_letters) != tag_name || at[4] != '=') return false;
  tag = {at + 5, end};
  return run<param_octet>(at + 5, reach) == end;
}

/// From and To: the URI, and the tag among the parameters behind it. Both headers stand once (RFC 3261 20.20, 20.39).
/// In line twice, since most From headers have a tag and most To headers have none.
inline void Indexing::address(HeaderId id, Bad missing, Bad syntax, Slice& uri, Slice& tag) {
  if (first(id) == no_header) [[unlikely]]
    return faulty(id, missing);
  const Cursor c = value(first(id));
  std::string_view usual_uri, usual_tag{text.data(), 0};
  if (usual_address(c.at, c.end, reach, usual_uri, usual_tag)) [[likely]] {
    uri = slice(usual_uri);
    tag = slice(usual_tag);
  } else if (!address_slowly(c, uri, tag)) {
    faulty(id, syntax);
  }
}

/// callid = word [ "@" word ]
void Indexing::call_id() {
  if (first(HeaderId::call_id) == no_header) [[unlikely]]
    return faulty(HeaderId::call_id, Bad::call_id_missing);
  const Cursor c = value(first(HeaderId::call_id));
  m.call_id = slice(c.at, c.end);
  const char* at = run<word_octet>(c.at, reach);
  bool good = at != c.at;
  if (at < c.end && *at == '@') {
    const char* const host = at + 1;
    at = run<word_octet>(host, reach);
    good &= at != host;
  }
  if (!good || at != c.end) [[unlikely]]
    faulty(HeaderId::call_id, Bad::call_id_syntax);
}

constexpr std::uint64_t no_number = ~0ULL;

[[gnu::noinline]] std::uint64_t long_number(const char* at, const char* end) {
  if (at == end || run_scalar<digit_octet>(at, end) != end) return no_number;
  return to_number({at, end});
}

/// 1*DIGIT alone; more than 2^32 - 1 reads as 2^32. no_number when it is none.
inline std::uint64_t whole_number(const char* at, const char* end, Reach reach) {
  const ShortNumber number = short_number(at, reach);
  if (at + number.digits == end && number.digits - 1U < 7) [[likely]]
    return number.value;
  return long_number(at, end);
}

/// 1*DIGIT LWS Method, step by step.
bool Indexing::cseq_slowly(Cursor c) {
  const char* const digits = c.at;
  c.take_run<digit_octet>();
  const char* const behind = c.at;
  c.skip_lws();
  const bool apart = c.at != behind;
  const std::string_view method = c.take_run<token_octet>();
  const std::uint64_t number = long_number(digits, behind);
  if (number >= cseq_number_end || !apart || method.empty() || !c.done()) return false;
  m.cseq_number = static_cast<std::uint32_t>(number);
  if (!m.is_request)
    m.method = find_method(text, slice(method).offset, method.size());
  else if (method != m[m.method_text])
    note(Bad::cseq_method);
  return true;
}

/// A number of up to seven digits, a space, and the request's own method, which is known to be a token.
void Indexing::cseq() {
  if (first(HeaderId::cseq) == no_header) [[unlikely]]
    return faulty(HeaderId::cseq, Bad::cseq_missing);
  const std::string_view whole = value_text(m, first(HeaderId::cseq));
  const ShortNumber number = short_number(whole.data(), reach);
  const std::size_t method_at = number.digits + 1;
  const bool usual = m.is_request && number.digits - 1U < 7 && whole.size() == method_at + m.method_text.bytes && whole[method_at - 1] == ' ' &&
                     equal_octets(whole.data() + method_at, text.data(), m.method_text.bytes, reach);
  if (usual) [[likely]]
    m.cseq_number = number.value;
  else if (!cseq_slowly({whole, reach}))
    faulty(HeaderId::cseq, Bad::cseq_syntax);
}

/// Headers that may stand once only (7.3.1, 20); several Content-Lengths are one when they say the same (RFC 4475 3.3.9).
[[gnu::noinline, gnu::cold]] void Indexing::repeated() {
  for (std::size_t i = 0; i < m.headers; ++i) {
    const bool single = std::find(single_headers.begin(), single_headers.end(), m.id[i]) != single_headers.end();
    if (!single || first(m.id[i]) == i) continue;
    if (m.id[i] != HeaderId::content_length || m.header_value(i) != m.value(HeaderId::content_length)) note(Bad::header_repeated);
  }
}

void Indexing::max_forwards() {
  const std::uint8_t line = first(HeaderId::max_forwards);
  if (line == no_header || !m.is_request) return;
  const std::string_view digits = value_text(m, line);
  const std::uint64_t number = whole_number(digits.data(), digits.data() + digits.size(), reach);
  if (number == no_number) [[unlikely]]
    return note(Bad::max_forwards_syntax);
  m.max_forwards = static_cast<std::uint8_t>(std::min<std::uint64_t>(number, 0xff));
}

/// The body by Content-Length; what follows it in the datagram is ignored (18.3).
void Indexing::content_length() {
  const std::size_t there = text.size() - m.head_bytes;
  m.body = {m.head_bytes, static_cast<std::uint16_t>(there)};
  const std::uint8_t line = first(HeaderId::content_length);
  if (line == no_header) return;
  const std::string_view digits = value_text(m, line);
  const std::uint64_t bytes = whole_number(digits.data(), digits.data() + digits.size(), reach);
  if (bytes == no_number) [[unlikely]]
    return note(Bad::content_length_syntax);
  if (bytes > there) [[unlikely]]
    return note(Bad::body_short);
  m.body.bytes = static_cast<std::uint16_t>(bytes);
}

/// Line starts, folds joined if `joined`.
Lines find(std::string_view text, bool joined, Message& m) {
  Lines lines{.overflow = true};
  if (!joined) lines = find_lines(text, m.line);
  if (lines.overflow) [[unlikely]]
    lines = find_joined_lines(text, m.line);
  if (lines.count == 0) m.line[0] = static_cast<std::uint16_t>(text.size());
  m.headers = static_cast<std::uint8_t>(lines.count == 0 ? 0 : lines.count - 1);
  m.head_bytes = static_cast<std::uint16_t>(lines.head_bytes);
  m.first.fill(no_header);
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

void read_headers(Indexing& in, const Names& names) {
  in.vias(names);
  in.address(HeaderId::from, Bad::from_missing, Bad::from_syntax, in.m.from_uri, in.m.from_tag);
  in.address(HeaderId::to, Bad::to_missing, Bad::to_syntax, in.m.to_uri, in.m.to_tag);
  in.call_id();
  in.cseq();
  if ((names.repeated & single_header_bits) != 0) [[unlikely]]
    in.repeated();
  in.max_forwards();
  in.content_length();
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
    name_headers(text, out, names);
  }
  if (!start.usable || lines.overflow) [[unlikely]] {
    in.note(Bad::header_lines);
    out.answerable = false;
    out.headers = 0;
    out.first.fill(no_header);
    return out.fault;
  }
  in.lines(lines, names.bad);
  read_headers(in, names);
  return out.fault;
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
