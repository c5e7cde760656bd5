// SPDX-License-Identifier: Apache-2.0
// A NOTIFY, written from its dialog; and where a request within a dialog goes.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace viaduct::sip {

/// Where a request within a dialog goes.
struct Routing {
  std::string_view request_uri;
  std::string_view routes;    ///< the Route header's value; empty: it has none
  std::string_view next_hop;  ///< URI of the first Route, or the Request-URI
};

/// Request-URI and Routes of a request within a dialog, by its route set: a strict router, whose URI has no `lr`, becomes the Request-URI, and the remote target
/// the last Route.
/// Shape:  route_set has well-formed values with commas between them, or is empty: as `route_set` of event.h writes it. The texts of the answer borrow from both
///         and from `out`, which is used only before a strict router and need not be larger than both and some 8 octets.
/// Errors: nullopt when they do not fit, or the first value is none.
/// Thread: any; pure. Source: RFC 3261 12.2.1.1, 19.1.1 table 1.
[[nodiscard]] std::optional<Routing> arrange_routes(std::string_view remote_target, std::string_view route_set, std::span<char> out);

/// What a NOTIFY says. Nothing is checked: what comes out of an indexed message (URIs, tags, Call-ID) cannot break out of its line.
struct Notify {
  std::string_view request_uri;
  std::string_view via;  ///< whole value: `SIP/2.0/UDP host:port;branch=...;rport`
  std::string_view routes;  ///< Route values in one line; may be empty
  std::string_view from;  ///< URI: To of the SUBSCRIBE
  std::string_view from_tag;
  std::string_view to;  ///< URI: From of the SUBSCRIBE
  std::string_view to_tag;  ///< may be empty: a user agent of RFC 2543 has none (RFC 3261 12.2.1.1)
  std::string_view call_id;
  std::uint32_t cseq{};
  std::string_view contact;  ///< URI
  std::string_view event;  ///< package, and `;id=` when the SUBSCRIBE had one
  std::string_view subscription_state;  ///< whole value
  std::string_view etag;  ///< SIP-ETag; may be empty
  std::string_view headers;  ///< further lines, each with CRLF: User-Agent, Allow-Events; may be empty
  std::string_view content_type;  ///< may be empty: then there is no body
  std::string_view body;
};

/// Write it. Returns octets, 0 when it does not fit; nothing behind them is touched.
/// Thread: any; pure. Source: RFC 3261 8.1.1, 12.2.1.1; RFC 6665 4.2.2, 8.1.2, 8.2; RFC 5839 7.1.
[[nodiscard]] std::size_t write_notify(const Notify& notify, std::span<char> out);

}  // namespace viaduct::sip
