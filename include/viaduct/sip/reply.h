// SPDX-License-Identifier: Apache-2.0
// Answers of our own to a request: 3xx, 2xx, 4xx, 5xx, built from the headers of the request that RFC 3261 8.2.6 wants copied.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include "viaduct/base/address.h"
#include "viaduct/sip/message.h"

namespace viaduct::sip {

/// What a reply says beside what it copies.
struct Reply {
  std::string_view status_line;      ///< whole first line: `SIP/2.0 302 Moved Temporarily` CRLF
  base::Endpoint source;             ///< where the request came from: goes into received and rport of the top Via
  std::uint64_t to_tag{};            ///< written in 13 base32 letters when the request's To has none; see token.h
  std::string_view headers;          ///< further header lines, each with CRLF: Contact, Allow, Server, ...
  std::size_t readable_behind{};     ///< octets behind the request's text that may be read: with base::loose_bytes, lines are copied whole vectors at a time
};

/// Build the reply to a request: status line; every Via in order, `received` and `rport` in the top one replaced or added (RFC 3581 4);
/// From, To with a tag, Call-ID, CSeq, Timestamp as they are; `headers`; Content-Length: 0.
/// Shape:  request.answerable; out must not overlap the request's text; nothing outside the two is written, nothing but `readable_behind` is read.
/// Returns octets written, or 0 when it would not fit `out`.
/// Thread: any; pure. Source: RFC 3261 8.2.6, 18.2.1, 18.2.2; RFC 3581 4.
/// `overload`: parameters for the top Via in place of those of overload control that it brings (overload.h); empty: all stay.
[[nodiscard]] std::size_t write_reply(const Message& request, const Reply& reply, std::span<char> out, std::string_view overload = {});

/// The same as far as the request's own headers go, without `headers` and what follows them: whoever has more to say than one text appends it,
/// and `reply_end`. Returns octets written, or 0; up to base::loose_bytes behind them are overwritten, within `out`.
[[nodiscard]] std::size_t write_reply_start(const Message& request, const Reply& reply, std::span<char> out);
/// The same with `overload`, as write_reply.
[[nodiscard]] std::size_t write_reply_start(const Message& request, const Reply& reply, std::span<char> out, std::string_view overload);
inline constexpr std::string_view reply_end = "Content-Length: 0\r\n\r\n";

/// True when there is a line for that code: what an operator may have requests answered with.
[[nodiscard]] bool has_status_line(std::uint16_t status);

/// The status line of a code that we send, with its default phrase (RFC 3261 21); for 400 use `bad_request_line`.
[[nodiscard]] std::string_view status_line(std::uint16_t status);

/// The status line of the answer to a faulty request: 400 and a phrase that names the fault, 505 for the version, 513 for the size.
[[nodiscard]] std::string_view status_line(Bad fault);

}  // namespace viaduct::sip
