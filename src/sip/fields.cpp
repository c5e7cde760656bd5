// SPDX-License-Identifier: Apache-2.0
// The general readers of From, To, Call-ID, CSeq, Max-Forwards and Content-Length, step by step: for whatever has not the usual shape.
#include <algorithm>

#include "indexing.h"

namespace viaduct::sip {
namespace {

constexpr std::uint64_t cseq_number_end = 1ULL << 31U;  // RFC 3261 8.1.1.5
constexpr std::uint64_t no_number = ~0ULL;

/// What an answer may repeat.
constexpr CharClass text_octet = (visible | " \t\r\n").with_utf8();

/// 1*DIGIT alone; more than 2^32 - 1 reads as 2^32. no_number when it is none.
std::uint64_t whole_number(std::string_view text) {
  const char* const end = text.data() + text.size();
  if (text.empty() || run<digit_octet>(text.data(), {text.data(), end}) != end) return no_number;
  return to_number(text);
}

/// callid = word [ "@" word ]
bool is_call_id(std::string_view text, Reach reach) {
  const char* const end = text.data() + text.size();
  const char* at = run<word_octet>(text.data(), reach);
  if (at == text.data() || (at < end && *at != '@')) return false;
  if (at >= end) return at == end;
  const char* const host = at + 1;
  return run<word_octet>(host, reach) == end && host != end;
}

}  // namespace

/// Note a fault of a header that an answer copies; it can still be copied when it is there and holds no control octet but folds.
void Indexing::faulty(HeaderId id, Bad fault) {
  note(fault);
  const std::string_view value = m.value(id);
  if (value.empty() || run<text_octet>(value.data(), reach) < value.data() + value.size()) m.answerable = false;
}

/// From and To: name-addr or addr-spec, then parameters with at most one tag. Both headers stand once (RFC 3261 20.20, 20.39).
void Indexing::any_address(HeaderId id, Bad missing, Bad syntax, Slice& uri, Slice& tag) {
  if (first(id) == no_header) return faulty(id, missing);
  if (!take_address(value(first(id)), uri, tag)) faulty(id, syntax);
}

bool Indexing::take_address(Cursor c, Slice& uri, Slice& tag) {
  NameAddr name;
  if (!take_name_addr(c, name)) return false;
  uri = slice(name.uri);
  tag = {};
  Params params(c);
  c.skip_lws();
  for (const char* at = c.at; at < c.end;) {
    Param param;
    at = params.take(at, param);
    if (at == nullptr) return false;
    if (!equal_ignoring_case(param.name, "tag")) continue;
    if (!param.has_value || param.quoted || tag.bytes != 0) return false;
    tag = slice(param.value);
  }
  return true;
}

void Indexing::any_call_id() {
  if (first(HeaderId::call_id) == no_header) return faulty(HeaderId::call_id, Bad::call_id_missing);
  const std::string_view id = value_text(m, first(HeaderId::call_id));
  m.call_id = slice(id);
  if (!is_call_id(id, reach)) faulty(HeaderId::call_id, Bad::call_id_syntax);
}

/// 1*DIGIT LWS Method.
bool Indexing::take_cseq(Cursor c) {
  const char* const digits = c.at;
  c.take_run<digit_octet>();
  const char* const behind = c.at;
  c.skip_lws();
  const bool apart = c.at != behind;
  const std::string_view method = c.take_run<token_octet>();
  const std::uint64_t number = whole_number({digits, behind});
  if (number >= cseq_number_end || !apart || method.empty() || !c.done()) return false;
  m.cseq_number = static_cast<std::uint32_t>(number);
  if (!m.is_request)
    m.method = find_method(method);
  else if (method != m[m.method_text])
    note(Bad::cseq_method);
  return true;
}

void Indexing::any_cseq() {
  m.cseq_number = 0;
  if (first(HeaderId::cseq) == no_header) return faulty(HeaderId::cseq, Bad::cseq_missing);
  if (!take_cseq(value(first(HeaderId::cseq)))) faulty(HeaderId::cseq, Bad::cseq_syntax);
}

/// Headers that may stand once only (7.3.1, 20); several Content-Lengths are one when they say the same (RFC 4475 3.3.9).
void Indexing::repeated() {
  for (std::size_t i = 0; i < m.headers; ++i) {
    const bool single = std::find(single_headers.begin(), single_headers.end(), m.id[i]) != single_headers.end();
    if (!single || first(m.id[i]) == i) continue;
    if (m.id[i] != HeaderId::content_length || m.header_value(i) != m.value(HeaderId::content_length)) note(Bad::header_repeated);
  }
}

void Indexing::any_max_forwards() {
  if (first(HeaderId::max_forwards) == no_header || !m.is_request) return;
  const std::uint64_t number = whole_number(value_text(m, first(HeaderId::max_forwards)));
  if (number == no_number) return note(Bad::max_forwards_syntax);
  m.max_forwards = static_cast<std::uint8_t>(std::min<std::uint64_t>(number, 0xff));
}

/// The body by Content-Length; what follows it in the datagram is ignored (18.3).
void Indexing::any_content_length() {
  if (first(HeaderId::content_length) == no_header) return;
  const std::uint64_t bytes = whole_number(value_text(m, first(HeaderId::content_length)));
  if (bytes == no_number) return note(Bad::content_length_syntax);
  if (bytes > m.body.bytes) return note(Bad::body_short);
  m.body.bytes = static_cast<std::uint16_t>(bytes);
}

void Indexing::any_fields() {
  any_address(HeaderId::from, Bad::from_missing, Bad::from_syntax, m.from_uri, m.from_tag);
  any_address(HeaderId::to, Bad::to_missing, Bad::to_syntax, m.to_uri, m.to_tag);
  any_call_id();
  any_cseq();
  any_max_forwards();
  any_content_length();
}

}  // namespace viaduct::sip
