// SPDX-License-Identifier: Apache-2.0
// The index of one SIP message: a fixed-size view of offsets into the datagram. Nothing is copied, nothing is owned.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

#include "viaduct/base/borrow.h"
#include "viaduct/base/limits.h"
#include "viaduct/sip/bad.h"
#include "viaduct/sip/via.h"

namespace viaduct::sip {

/// A run of octets of the message.
struct Slice {
  std::uint16_t offset{};
  std::uint16_t bytes{};
};

/// Methods that decisions depend on; every other token is `other`.
enum class Method : std::uint8_t { other, ack, bye, cancel, info, invite, message, notify, options, prack, publish, refer, register_, subscribe, update };

/// Header fields that the edge reads; every other name is `other`. Compact and long names, any case, give the same id.
enum class HeaderId : std::uint8_t {
  other,
  via,
  from,
  to,
  call_id,
  cseq,
  max_forwards,
  content_length,
  route,
  contact,
  user_agent,
  expires,
  record_route,
  path,
  proxy_require,
  require,
  timestamp,
  authorization,
  event,
  x_viaduct_home,
  min_expires,
  supported
};
inline constexpr std::size_t header_ids_count = 22;

/// Line starts that an index may write and read behind those it counts.
inline constexpr std::size_t line_room = 31;

/// No header line has this index.
inline constexpr std::uint8_t no_header = 0xff;

/// The index. Offsets count from text.data(). Valid while the buffer is unchanged.
/// After `index` returned a fault, what was found beside it is still filled (a reply copies from it, see `answerable`).
struct Message {
  std::string_view text;              ///< the datagram as given
  Bad fault{Bad::none};               ///< of several the one that stands first in Bad
  bool is_request{};
  bool answerable{};  ///< a request other than ACK with method, version, top Via, From, To, Call-ID, CSeq in a shape that can be copied into a reply
  Method method{};  ///< of the request line, or of CSeq in a response
  std::uint8_t via_values{};  ///< Via values over all lines and commas (RFC 3261 7.3.1); none behind a broken one, nor behind one too many
  std::uint8_t headers{};  ///< header lines, folds joined
  std::uint16_t status{};  ///< of a response, 100 to 699
  Slice method_text;  ///< request only
  Slice request_uri;  ///< request only
  Slice body;  ///< after the empty line, Content-Length octets of it (all of it when the header is absent)
  std::uint16_t head_bytes{};  ///< start line up to and including the empty line
  std::uint32_t cseq_number{};
  std::uint8_t max_forwards{};  ///< 70 when absent (RFC 3261 16.6 step 3); values above 255 read as 255
  Slice call_id;
  Slice top_via;  ///< the first Via value, no surrounding white space; see `index` for a broken one
  Slice second_via;  ///< the second, bytes 0 when there is none
  Slice from_tag;  ///< bytes 0 when absent
  Slice to_tag;  ///< bytes 0 when absent
  Slice to_uri;  ///< the addr-spec of To, without <>
  Slice from_uri;  ///< the addr-spec of From, without <>
  Via top;  ///< top_via taken apart; all empty when top_via is
  alignas(32) std::array<std::uint8_t, 32> first;  ///< by HeaderId: header index of the first line with that id, or no_header
  std::array<std::uint16_t, base::header_lines_max + 1 + line_room> line;  ///< start of header line i; line[headers] is the start of the empty line
  alignas(32) std::array<HeaderId, base::header_lines_max> id;
  std::array<std::uint8_t, base::header_lines_max> name_bytes;  ///< octets of the name of header line i, without white space and colon

  /// Octets of the message itself, head and body: what stands behind them in the datagram is discarded (RFC 3261 18.3).
  [[nodiscard]] std::size_t bytes() const { return std::size_t{body.offset} + body.bytes; }
  [[nodiscard]] std::string_view operator[](Slice s) const { return {text.data() + s.offset, s.bytes}; }
  /// Header line `i` whole: name, colon, value, folds and the final line end.
  [[nodiscard]] std::string_view header_line(std::size_t i) const { return {text.data() + line[i], static_cast<std::size_t>(line[i + 1] - line[i])}; }
  /// The value of header line `i`: after the colon, surrounding white space and the final line end removed; folds inside kept as they are.
  [[nodiscard]] std::string_view header_value(std::size_t i) const;
  [[nodiscard]] bool has(HeaderId h) const { return first[static_cast<std::size_t>(h)] != no_header; }
  /// The value of the first line of that id, or an empty text.
  [[nodiscard]] std::string_view value(HeaderId h) const { return has(h) ? header_value(first[static_cast<std::size_t>(h)]) : std::string_view{}; }
};

/// Index one datagram: find its lines, name its headers, count its Via values, and read what every decision needs.
/// Shape:  text of any length; of more than base::message_bytes_max octets only so many are looked at. Nothing outside it is read.
/// Units:  offsets and lengths in octets.
/// Errors: of several faults the first in this order, also left in out.fault; what stands behind it in the message is filled all the same:
///         too_large; not_sip, start_line, version, status_code, request_uri; header_lines, head_unterminated, header_syntax, header_bytes; Via, From, To,
///         Call-ID, CSeq (each: missing, syntax); cseq_method; header_repeated (From, To, Call-ID, CSeq, Max-Forwards, and Content-Length when the values
///         differ); Max-Forwards; Content-Length; body_short.
///         No fault: a scheme other than sip, sips, tel in the Request-URI, a missing Max-Forwards, Content-Length or From tag, octets behind the body,
///         faults of lower Via values and of headers that are not named here.
/// Bounds: a From, To or top Via of more than base::header_params_max parameters has bad syntax; Via values are counted to base::via_values_max + 1, and none
///         behind one that is broken. So no content costs more than some eight times the usual octet (docs/performance.md).
/// Broken: of a top Via whose parameters are broken, top_via is what stands before the fault, so that an answer can be made.
/// Tolerated beyond the grammar (16.3 item 1: what is only handed on need not be well-formed): bare LF as line end; `_` in host names; any visible
///         octet in a header's name; UTF-8 in a display name without quotes; `[]:/=&$(){}` and the like in header parameters; any token as a Via's host;
///         no space behind a status code without phrase; three colons in an IPv6 reference (RFC 5118 4.10).
/// Thread: any; pure.
/// Source: RFC 3261 7, 8.1.1, 8.2, 16.3, 18.3, 20, 25.
[[nodiscard]] Bad index(std::string_view text, Message& out);
template <base::PassingString Text>
Bad index(Text&& text, Message& out) = delete;

/// True for what RFC 5626 4.4.1 and common practice send to keep a NAT open: empty, CRLF, CRLFCRLF, four zero octets.
[[nodiscard]] inline bool is_keepalive(std::string_view datagram) {
  constexpr std::string_view zeros{"\0\0\0\0", 4};
  return datagram.size() <= zeros.size() && (datagram.empty() || datagram == "\r\n" || datagram == "\r\n\r\n" || datagram == zeros);
}

/// The method's token; empty for `other`.
[[nodiscard]] std::string_view token(Method m);

/// The next value of a comma-separated header (RFC 3261 7.3.1), white space trimmed, empty elements skipped; quotes and <> respected.
/// Removes it from `rest`. Returns an empty text at the end.
[[nodiscard]] std::string_view next_value(std::string_view& rest);

}  // namespace viaduct::sip
