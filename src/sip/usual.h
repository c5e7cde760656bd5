// SPDX-License-Identifier: Apache-2.0
// The usual shapes of a head's lines, each read in a few vector steps. False says nothing about the message: the general reader of that line then decides.
#pragma once
#include <cstring>
#include <string_view>

#include "field.h"
#include "header.h"
#include "scan.h"
#include "viaduct/sip/message.h"

namespace viaduct::sip {

/// The value of a line of the usual shape: behind name, colon and one space, and before CRLF. Its own octets have not been looked at; it may be empty.
struct UsualValue {
  const char* at;
  const char* end;
  [[nodiscard]] std::ptrdiff_t bytes() const { return end - at; }
};

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
/// Each run ends at the value's own CRLF at the latest, since no class has one.
[[gnu::always_inline]] inline bool usual_address(const UsualValue& value, Reach reach, std::string_view& uri, std::string_view& tag) {
  const char* at = value.at;
  if (value.bytes() < 6) return false;
  if (*at == '"') {
    at = run<quoted_octet>(at + 1, reach);
    if (value.end - at < 8 || *at != '"') return false;
    at += at[1] == ' ' ? 2 : 1;
    if (*at != '<') return false;
  }
  if (*at == '<') [[likely]] {
    uri = {at + 1, run<uri_octet>(at + 1, reach)};
    at = uri.end();
    if (*at != '>') return false;
    ++at;
  } else {
    uri = {at, run<bare_uri_octet>(at, reach)};
    at = uri.end();
  }
  if (uri.size() < 5 || (quad_at(uri.data()) | sip_letters) != sip_scheme) return false;
  if (at == value.end) return true;
  if (value.end - at < 6 || (quad_at(at) | tag_letters) != tag_name || at[4] != '=') return false;
  tag = {at + 5, value.end};
  return run<param_octet>(at + 5, reach) == value.end;
}

constexpr CharClass call_id_octet = word_octet | "@";

/// A Call-ID of 1 to 32 octets. False says nothing.
[[gnu::always_inline]] inline bool usual_call_id(const UsualValue& value, Reach reach) {
  if (static_cast<std::size_t>(value.bytes()) - 1 >= vector_bytes || reach.end - value.at < static_cast<std::ptrdiff_t>(vector_bytes)) return false;
  const auto bytes = static_cast<std::uint32_t>(value.bytes());
  const __m256i octets = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(value.at));
  const std::uint32_t wrong = _bzhi_u32(others<call_id_octet>(octets), bytes);
  const std::uint32_t ats = _bzhi_u32(static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(octets, _mm256_set1_epi8('@')))), bytes);
  const std::uint32_t ends = 1U | 1U << (bytes - 1);
  return (wrong | _blsr_u32(ats) | (ats & ends)) == 0;
}

/// A number of up to seven digits, a space, and the request's own method, which stands first in the text, is known to be a token, and has at most eight octets.
[[gnu::always_inline]] inline bool usual_cseq(const UsualValue& value, Reach reach, std::uint32_t method_bytes, std::uint32_t& number) {
  constexpr std::ptrdiff_t read_bytes_max = 8 + 1 + 8;  // more digits than a number has, the octet behind them, and what would be the method
  if (reach.end - value.at < read_bytes_max) return false;
  std::uint64_t octets{}, theirs{}, ours{};
  std::memcpy(&octets, value.at, sizeof octets);
  const ShortNumber digits = short_number(octets);
  const char* const method = value.at + digits.digits + 1;
  std::memcpy(&theirs, method, sizeof theirs);
  std::memcpy(&ours, reach.begin, sizeof ours);
  number = digits.value;
  return digits.digits - 1U < 7 && method[-1] == ' ' && value.end - method == static_cast<std::ptrdiff_t>(method_bytes) && method_bytes - 1U < 8 &&
         _bzhi_u64(theirs ^ ours, 8 * method_bytes) == 0;
}

/// One digit or two: nearly every Max-Forwards and Content-Length.
[[gnu::always_inline]] inline bool usual_number(const UsualValue& value, std::uint32_t& number) {
  const auto ones = static_cast<std::uint32_t>(value.end[-1] - '0');
  const auto tens = static_cast<std::uint32_t>(value.bytes() == 2 ? value.at[0] - '0' : 0);
  number = tens * 10 + ones;
  return value.bytes() - 1U < 2 && ones < 10 && tens < 10;
}

/// A method as a text begins with it; no octets when it is none that is known.
struct UsualMethod {
  Method method;
  std::uint32_t bytes;
};
/// Of up to fourteen letters, and a space behind it.
inline UsualMethod any_usual_method(const char* text) {
  const __m128i octets = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text));
  // A longer one is none: its fifteenth octet is in no row.
  constexpr std::uint32_t too_long = 1U << (table_word_bytes_max + 1);
  const std::uint32_t bytes = _tzcnt_u32(static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(octets, _mm_set1_epi8(' ')))) | too_long);
  const Method method = find_method(octets, bytes);
  // Zeros behind a method are zeros behind its name in the table.
  return {method, method == Method::other || text[bytes - 1] == '\0' ? 0 : bytes};
}
/// REGISTER by itself, since most of what comes is one.
inline UsualMethod usual_method(const char* text) {
  std::uint64_t word{};
  std::memcpy(&word, text, sizeof word);
  if (word == param_word("REGISTER") && text[8] == ' ') [[likely]]
    return {Method::register_, 8};
  return any_usual_method(text);
}

/// `METHOD sip:host SIP/2.0` CRLF, or with a user part: a known method of up to fourteen letters, one space each. `end` is behind the CRLF.
[[gnu::always_inline]] inline bool usual_request_line(Reach reach, const char* end, Message& out) {
  constexpr std::ptrdiff_t word_bytes = 16;
  if (end - reach.begin < word_bytes) return false;
  const UsualMethod method = usual_method(reach.begin);
  const char* const uri = reach.begin + method.bytes + 1;
  const char* const uri_end = end - 10;
  std::uint64_t version{};
  std::memcpy(&version, uri_end, sizeof version);
  if (method.bytes == 0 || uri_end - uri < 5 || version != param_word(" SIP/2.0") || end[-2] != '\r' || end[-1] != '\n' ||
      (quad_at(uri) | sip_letters) != sip_scheme)
    return false;
  const char* host_end = run<host_octet>(uri + 4, reach);
  if (host_end != uri_end) {
    host_end = run<user_octet>(host_end, reach);
    if (*host_end != '@' || host_end == uri + 4 || host_end + 1 >= uri_end || run<host_octet>(host_end + 1, reach) != uri_end) return false;
  }
  out.method = method.method;
  out.method_text = {0, static_cast<std::uint16_t>(method.bytes)};
  out.request_uri = {static_cast<std::uint16_t>(method.bytes + 1), static_cast<std::uint16_t>(uri_end - uri)};
  return true;
}

}  // namespace viaduct::sip
