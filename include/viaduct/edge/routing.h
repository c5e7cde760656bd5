// SPDX-License-Identifier: Apache-2.0
// What the Routes of a request ask for. Pure; the decision is judge.cpp's.
#pragma once
#include <cstdint>
#include <string_view>

#include "viaduct/base/address.h"
#include "viaduct/sip/route.h"
#include "viaduct/site/site.h"

namespace viaduct::edge {

/// Where the Routes of a request lead.
enum class Course : std::uint8_t {
  none,        ///< there is none that we know: they stay, and nothing else here is set
  by_tables,   ///< they name this node as an outbound proxy, and are removed
  onwards,     ///< to a home, which `target` names, or when it names none by the Request-URI
  to_flow,     ///< through a flow of ours to a client
  to_edge,     ///< to another edge of the fleet, which has recorded the next Route
  forbidden    ///< a Route of ours does not verify
};

/// Shape: texts borrow from the message.
struct Routing {
  Course course{};
  base::Endpoint client;                  ///< to_flow; to_edge: that
  std::uint8_t listener{};                ///< to_flow: ours, by number
  std::string_view request_uri;           ///< the request's, or what a strict router has moved from there (RFC 3261 16.4)
  std::string_view target;                ///< onwards
  sip::RouteEdits edits;
};

}  // namespace viaduct::edge
