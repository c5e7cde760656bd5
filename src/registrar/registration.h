// SPDX-License-Identifier: Apache-2.0
// From a REGISTER and its way here to what the bindings want to know, and which answer it gets before they are asked.
#pragma once
#include <algorithm>
#include <expected>

#include "viaduct/location/bindings.h"
#include "viaduct/site/post.h"
#include "viaduct/site/site.h"

namespace viaduct::registrar {

/// Whether a token is that one, in whatever case. Shape: `known` has lower-case letters alone.
[[nodiscard]] inline bool is_token(std::string_view token, std::string_view known) {
  return std::ranges::equal(token, known, [](char a, char b) { return (a | 0x20) == b; });
}

/// Shape: `request` is indexed without fault, `aor` its client's, canonical; `out` stays where it is while it is used.
/// Errors: the answer that it gets without its bindings being touched: 420 (RFC 3261 10.3 step 2), 439 (RFC 5626 6), 513 for a Path that is too long,
/// 400 for one that cannot be read and for several flows at once.
[[nodiscard]] std::expected<location::Registration, location::Outcome> read_registration(const sip::Message& request, std::string_view aor,
                                                                                         const site::Note& note, const site::Site& site,
                                                                                         std::span<char, base::path_bytes_max> path_room);

/// How far a Path is believed. A stranger's would be his to say where our requests go: with it as their Routes they take the flow of his REGISTER.
enum class Belief : std::uint8_t {
  none,        ///< it is not kept
  as_routes,   ///< requests bear it as their Routes (RFC 3327 5.3), and go where the REGISTER came from
  whole        ///< its first hop is where they go
};
/// Of a Path that comes from there: whole from edges and proxies that the operator has named, as_routes where he trusts everybody.
[[nodiscard]] Belief belief_in_path(const site::Site& site, const base::Address& source);
/// The place that the URI of a first hop spells, if requests may go there; else where the request came from, which knows the name.
[[nodiscard]] base::Endpoint place_of(std::string_view uri, const base::Endpoint& flow, const site::Site& site);
/// Whether a request came from its client at once, or through one edge of the fleet and nothing else: from there, or from where that edge has it, nobody else sends.
[[nodiscard]] inline bool is_own_flow(const sip::Message& request, const base::Endpoint& flow, const site::Site& site) {
  return request.via_values == 1 || (request.via_values == 2 && site::any_contains(site.edges, flow.address));
}
/// Where requests in a dialog with a request's sender go first: the place of its first Record-Route, or where it came from.
[[nodiscard]] base::Endpoint first_hop(const sip::Message& request, const base::Endpoint& flow, const site::Site& site);

/// Append what a 200 says beside the Contacts: Path, Require, Service-Route, each as far as the client understands it.
void put_extensions(std::string& out, const location::Registration& registration, const location::Outcome& outcome, const site::Site& site);

}  // namespace viaduct::registrar
