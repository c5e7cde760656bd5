// SPDX-License-Identifier: Apache-2.0
// What a stateless proxy changes in a message, planned as edits: our Via on, our Via off.
#pragma once
#include <span>
#include <string_view>

#include "viaduct/base/address.h"
#include "viaduct/sip/edit.h"
#include "viaduct/sip/message.h"
#include "viaduct/sip/route.h"
#include "viaduct/sip/token.h"
#include "viaduct/sip/via.h"

namespace viaduct::sip {

/// Octets of ForwardRequest::via_end.
inline constexpr std::size_t via_end_bytes_max = 48;

/// What goes into a forwarded request beside what it brings.
struct ForwardRequest {
  base::Endpoint source;             ///< where it came from: received and rport of the topmost Via that it brought
  std::string_view via_prefix;       ///< `Via: SIP/2.0/UDP ADDRESS:PORT;branch=`, prebuilt for the listener that sends
  Branch branch;
  std::string_view headers;          ///< further header lines on top, each with CRLF (X-Viaduct-Home, Path, Record-Route); may be empty
  const RouteEdits* routes{};        ///< what becomes of its Routes and its Request-URI; null: they stay
  std::string_view via_end{"\r\n"};  ///< of our Via, behind the branch: further parameters, and the line's end
};

/// Plan a request's way to its next hop: our Via (and `headers`) before its first header; `received` and `rport` of the old top Via replaced or added;
/// Max-Forwards one less, or `Max-Forwards: 70` added; every X-Viaduct-Home line that it brought removed; Routes as said. All else byte for byte.
/// Shape:  request indexed without fault and max_forwards > 0; out is cleared first. routes->leading (and last) are at most the Routes there are.
/// Errors: out.overflow() when the request brings more received, rport, Routes and X-Viaduct-Home than a plan has room for; then nothing can be sent.
/// Thread: any; pure. Source: RFC 3261 16.6, 18.2.1; RFC 3581 4.
void plan_forward(const Message& request, const Via& top, const ForwardRequest& how, Edits& out);

/// A message's own buffer: where its text stands, and how many octets before and behind it belong to the caller.
struct Room {
  char* text{};
  std::size_t before{};
  std::size_t behind{};
};

/// The same done at once in the message's own buffer, towards the front and, as far as that is too narrow, towards the back, when the request is usual: one
/// received or rport at the most to replace, a Max-Forwards of up to three digits, no X-Viaduct-Home, no edit of Routes. Returns the message as it stands
/// then. Empty: nothing is changed, and it must be planned.
/// Shape:  as above; room.text is where request.text stands. The index means nothing afterwards, and octets behind the message (request.bytes()) are lost.
[[nodiscard]] std::span<char> forward_in_place(const Message& request, const ForwardRequest& how, const Room& room);

/// Plan a response's way back: its first Via value removed, with its line when it stands there alone, else up to the next value.
/// Shape:  response.via_values >= 2. Source: RFC 3261 16.7 step 3.
void plan_return(const Message& response, Edits& out);

/// Largest growth that plan_forward can cause with no `headers`, octets: IPv4 and IPv6 parts named and summed in forward.cpp.
[[nodiscard]] std::size_t forward_growth_max();

}  // namespace viaduct::sip
