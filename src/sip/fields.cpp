// SPDX-License-Identifier: Apache-2.0
// The index's reading of From, To, Call-ID, CSeq, Max-Forwards and Content-Length: the usual shape of each in a few steps, any other step by step.
#include <algorithm>

#include "indexing.h"

namespace viaduct::sip {
namespace {

constexpr std::uint64_t cseq_number_end = 1ULL << 31U;  // RFC 3261 8.1.1.5

/// Equal octets; a method is seldom longer than eight.
inline bool equal_octets(const char* a, const char* b, std::size_t bytes, Reach reach) {
  return bytes <= 8 ? word8(a, bytes, reach) == word8(b, bytes, reach) : std::memcmp(a, b, bytes) == 0;
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

constexpr std::uint64_t no_number = ~0ULL;

[[gnu::noinline]] std::uint64_t long_number(const char* at, const char* end) {
  if (at == end || run_scalar<digit_octet>(at, end) != end) return no_number;
  return to_number({at, end});
}

/// 1*DIGIT alone; more than 2^32 - 1 reads as 2^32. no_number when it is none. A Max-Forwards nearly always has two digits, a Content-Length one.
inline std::uint64_t whole_number(std::string_view text) {
  const auto ones = static_cast<std::uint32_t>(text.empty() ? 10 : text.back() - '0');
  const auto tens = static_cast<std::uint32_t>(text.empty() ? 10 : text.front() - '0');
  if (text.size() == 1 && ones < 10) return ones;
  if (text.size() == 2 && ones < 10 && tens < 10) return tens * 10 + ones;
  return long_number(text.data(), text.data() + text.size());
}

}  // namespace

/// Note a fault of a header that an answer copies; it can still be copied when it is there and holds no control octet but folds.
[[gnu::cold]] void Indexing::faulty(HeaderId id, Bad fault) {
  note(fault);
  const std::string_view value = m.value(id);
  const bool controls = std::any_of(value.begin(), value.end(), [](char c) { return (c >= 0 && c < ' ' && c != '\t' && c != '\r' && c != '\n') || c == 0x7f; });
  if (value.empty() || controls) m.answerable = false;
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
[[gnu::cold]] void Indexing::repeated() {
  for (std::size_t i = 0; i < m.headers; ++i) {
    const bool single = std::find(single_headers.begin(), single_headers.end(), m.id[i]) != single_headers.end();
    if (!single || first(m.id[i]) == i) continue;
    if (m.id[i] != HeaderId::content_length || m.header_value(i) != m.value(HeaderId::content_length)) note(Bad::header_repeated);
  }
}

void Indexing::max_forwards() {
  const std::uint8_t line = first(HeaderId::max_forwards);
  if (line == no_header || !m.is_request) return;
  const std::uint64_t number = whole_number(value_text(m, line));
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
  const std::uint64_t bytes = whole_number(value_text(m, line));
  if (bytes == no_number) [[unlikely]]
    return note(Bad::content_length_syntax);
  if (bytes > there) [[unlikely]]
    return note(Bad::body_short);
  m.body.bytes = static_cast<std::uint16_t>(bytes);
}

void Indexing::fields(const Names& names) {
  address(HeaderId::from, Bad::from_missing, Bad::from_syntax, m.from_uri, m.from_tag);
  address(HeaderId::to, Bad::to_missing, Bad::to_syntax, m.to_uri, m.to_tag);
  call_id();
  cseq();
  if ((names.repeated & single_header_bits) != 0) [[unlikely]]
    repeated();
  max_forwards();
  content_length();
}

}  // namespace viaduct::sip
