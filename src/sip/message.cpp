// SPDX-License-Identifier: Apache-2.0
// The index: lines, names, and what every decision needs of the headers that name a transaction; faults are noted, not thrown.
#include "viaduct/sip/message.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "indexing.h"
#include "via.h"

namespace viaduct::sip {
namespace {

constexpr std::uint8_t max_forwards_default = 70;  // RFC 3261 16.6 step 3

/// Where a message's fields begin: those behind `text`, which is written anyway.
constexpr std::size_t fields_at = offsetof(Message, first) % vector_bytes;
static_assert(std::is_standard_layout_v<Message> && fields_at <= offsetof(Message, fault));

/// Whether a comma stands in a list, also one within quotes. Shape: at least one octet.
bool holds_comma(std::string_view list) {
  if (list.size() < vector_bytes) [[unlikely]]
    return list.find(',') != std::string_view::npos;
  const __m256i comma = _mm256_set1_epi8(',');
  const char* const last = list.data() + list.size() - vector_bytes;
  __m256i found = _mm256_cmpeq_epi8(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(last)), comma);
  for (const char* at = list.data(); at < last; at += vector_bytes)
    found = _mm256_or_si256(found, _mm256_cmpeq_epi8(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)), comma));
  return _mm256_movemask_epi8(found) != 0;
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

/// The lines of a head of the usual shape. False says nothing.
inline bool Indexing::usual_lines() {
  const std::size_t count = find_lines(text(), m.line);
  if (count == 0) [[unlikely]]
    return false;
  m.headers = static_cast<std::uint8_t>(count - 1);
  m.head_bytes = static_cast<std::uint16_t>(m.line[count - 1] + 2);
  return true;
}

/// Those of any head. False when there are more than allowed.
bool Indexing::any_lines() {
  const Lines lines = find_joined_lines(text(), m.line);
  if (lines.count == 0) m.line[0] = static_cast<std::uint16_t>(text().size());
  m.headers = static_cast<std::uint8_t>(lines.count == 0 ? 0 : lines.count - 1);
  m.head_bytes = static_cast<std::uint16_t>(lines.head_bytes);
  if (!lines.overflow && !lines.terminated) note(Bad::head_unterminated);
  return !lines.overflow;
}

/// Note a header line that is too long.
inline void Indexing::limit_lines() {
  if (m.head_bytes <= base::header_bytes_max) [[likely]]
    return;
  for (std::size_t i = 0; i < m.headers; ++i)
    if (m.line[i + 1] - m.line[i] > static_cast<int>(base::header_bytes_max)) note(Bad::header_bytes);
}

/// The topmost Via line of a usual head; most have the usual shape, also when they hold several values. False when further lines would change nothing.
inline bool Indexing::usual_top_via(std::size_t line) {
  const UsualValue value = usual_value(line);
  const char* const end = usual_via(value.at, value.end, reach, m.top);
  if (end == nullptr) return general().first_via_line(line);
  m.via_values = 1;
  m.top_via = slice(value.at, end);
  return end == value.end || general().further_vias({end + 1, value.end});
}

/// A Via line below it; those of the usual shape hold one value. False when further lines would change nothing.
inline bool Indexing::lower_via_line(bool usual, std::size_t line) {
  if (m.via_values == 0) return general().first_via_line(line);
  const UsualValue value = usual_value(line);
  if (!usual || value.bytes() <= 0 || !token_octet.has(*value.at) || value.end[-1] <= ' ' || holds_comma({value.at, value.end}))
    return general().next_via_line(line);
  if (m.second_via.bytes == 0) m.second_via = slice(value.at, value.end);
  return ++m.via_values <= base::via_values_max;
}

/// The Via lines below the topmost, if they count.
inline void Indexing::lower_vias(bool usual, bool counting) {
  const std::size_t top = first(HeaderId::via);
  for (std::size_t from = top / lines_per_mask * lines_per_mask; counting && from < m.headers; from += lines_per_mask) {
    std::uint32_t lines = lines_with(m, HeaderId::via, from);
    if (from <= top) lines = _blsr_u32(lines);
    for (; lines != 0 && counting; lines = _blsr_u32(lines)) counting = lower_via_line(usual, from + _tzcnt_u32(lines));
  }
  if (m.via_values == 0) [[unlikely]]
    note(Bad::via_missing);
  if (m.via_values > base::via_values_max) [[unlikely]]
    note(Bad::via_too_many);
  m.answerable &= m.top_via.bytes != 0;
}

/// In line twice, since most From headers have a tag and most To headers have none.
inline void Indexing::address(HeaderId id, Bad missing, Bad syntax, Slice& uri, Slice& tag) {
  std::string_view usual_uri, usual_tag{reach.begin, reach.begin};
  if (first(id) != no_header && usual_address(usual_value(first(id)), reach, usual_uri, usual_tag)) [[likely]] {
    uri = slice(usual_uri);
    tag = slice(usual_tag);
  } else {
    general().any_address(id, missing, syntax, uri, tag);
  }
}

inline void Indexing::call_id() {
  if (first(HeaderId::call_id) != no_header) [[likely]] {
    const UsualValue value = usual_value(first(HeaderId::call_id));
    if (usual_call_id(value, reach)) [[likely]] {
      m.call_id = slice(value.at, value.end);
      return;
    }
  }
  general().any_call_id();
}

inline void Indexing::cseq() {
  const std::uint8_t line = first(HeaderId::cseq);
  if (line == no_header || !m.is_request || !usual_cseq(usual_value(line), reach, m.method_text.bytes, m.cseq_number)) [[unlikely]]
    general().any_cseq();
}

inline void Indexing::max_forwards() {
  const std::uint8_t line = first(HeaderId::max_forwards);
  if (line == no_header || !m.is_request) return;
  std::uint32_t number{};
  if (usual_number(usual_value(line), number)) [[likely]]
    m.max_forwards = static_cast<std::uint8_t>(number);
  else
    general().any_max_forwards();
}

inline void Indexing::content_length() {
  const std::uint8_t line = first(HeaderId::content_length);
  if (line == no_header) return;
  std::uint32_t bytes{};
  if (usual_number(usual_value(line), bytes) && bytes <= m.body.bytes) [[likely]]
    m.body.bytes = static_cast<std::uint16_t>(bytes);
  else
    general().any_content_length();
}

/// Of a head whose lines are usual; each field that is not goes to its general reader.
inline void Indexing::usual_fields() {
  address(HeaderId::from, Bad::from_missing, Bad::from_syntax, m.from_uri, m.from_tag);
  address(HeaderId::to, Bad::to_missing, Bad::to_syntax, m.to_uri, m.to_tag);
  call_id();
  cseq();
  max_forwards();
  content_length();
}

namespace {

/// Zeros from `fault` up to `first`. By vectors, since a compiler makes a slow string instruction of a large assignment.
template <std::size_t... Part>
void zero_fields(Message& m, std::index_sequence<Part...> /*parts*/) {
  (_mm256_storeu_si256(reinterpret_cast<__m256i*>(reinterpret_cast<char*>(&m) + fields_at + Part * vector_bytes), _mm256_setzero_si256()), ...);
}

/// Every field that is not an array, so that nothing of the last message stays.
void clear(std::string_view text, Message& m) {
  zero_fields(m, std::make_index_sequence<(offsetof(Message, first) - fields_at) / vector_bytes>{});
  m.text = text;
  m.max_forwards = max_forwards_default;
  _mm256_store_si256(reinterpret_cast<__m256i*>(m.first.data()), _mm256_set1_epi8(static_cast<char>(no_header)));
}

std::string_view without_line_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(line.ends_with("\r\n") ? 2 : 1);
  return line;
}

}  // namespace

/// False when what follows is not to be read as headers.
inline bool Indexing::start_line() {
  const char* const end = reach.begin + m.line[0];
  m.is_request = true;
  bool usable = true;
  if (!usual_request_line(reach, end, m)) [[unlikely]] {
    const Start start = read_start_line(text(), without_line_end({reach.begin, end}), m);
    note(start.fault);
    usable = start.usable;
  }
  m.answerable = usable && m.is_request && m.method != Method::ack;
  return usable;
}

Bad index(std::string_view text, Message& out) {
  clear(text, out);
  if (text.size() > base::message_bytes_max) [[unlikely]] {
    out.fault = Bad::too_large;
    text = text.substr(0, base::message_bytes_max);
  }
  if (text.size() < vector_bytes) [[unlikely]]
    return out.fault = Bad::not_sip;
  Indexing in{out, {text.data(), text.data() + text.size()}};
  bool usual = in.usual_lines();
  bool fits = usual || in.general().any_lines();
  if (!in.start_line()) [[unlikely]]
    return in.general().without_headers();
  Names names = name_headers(text, out);
  if ((names & names_mistaken) != 0) [[unlikely]] {
    usual = false;
    fits = in.general().any_lines();
    out.first.fill(no_header);
    names = name_headers(text, out);
  }
  if (!fits) [[unlikely]]
    return in.general().without_headers();
  if ((names & names_bad) != 0) [[unlikely]]
    in.note(Bad::header_syntax);
  in.limit_lines();
  out.body = {out.head_bytes, static_cast<std::uint16_t>(text.size() - out.head_bytes)};  // until Content-Length says less
  usual &= (names & names_unusual) == 0;
  const std::size_t top = in.first(HeaderId::via);
  bool counting = top != no_header;
  if (usual) [[likely]] {
    counting = counting && in.usual_top_via(top);
    in.usual_fields();
  } else {
    counting = counting && in.general().first_via_line(top);
    in.general().any_fields();
  }
  // Last what looks at the ids of many lines as one vector, since that has to wait until all have been stored.
  in.lower_vias(usual, counting);
  if (is_repeated(out)) [[unlikely]]
    in.general().repeated();
  return out.fault;
}

std::string_view odd_value_text(const char* at, const char* end) {
  while (at < end && *at != ':') ++at;
  at = std::min(at + 1, end);
  return trimmed({at, static_cast<std::size_t>(end - at)});
}

std::string_view Message::header_value(std::size_t i) const { return value_text(*this, i); }

std::string_view token(Method m) {
  for (const MethodRow& row : method_rows)
    if (row.method == m) return row.token;
  return {};
}

}  // namespace viaduct::sip
