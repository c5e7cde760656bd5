// SPDX-License-Identifier: Apache-2.0
// What it means for one message that its client moves, or that his home is back or too new. Pure, as the judge is.
#pragma once
#include <optional>

#include "viaduct/assign/moves.h"
#include "viaduct/edge/judge.h"

namespace viaduct::edge {

/// A placement as this burst can use it. The site is read before the placements: a home that was added in between is in none of its lists, and whoever is
/// placed there counts as not yet loaded, so that his retransmission finds it. Units: `homes` are how many the site has.
[[nodiscard]] inline assign::Placement as_known(const assign::Placement& found, std::size_t homes) {
  if (found.home < homes || found.home == assign::no_home) [[likely]]
    return found;
  return {.layer = assign::Layer::loading, .epoch = found.epoch};
}

/// Where a request for a client on the move goes, in place of `assigned`: a REGISTER to the new home, marked, so that it is proxied and the answer seen;
/// all else to the home before, while that can be asked. Source: "Carrying it out" in docs/balance.md.
[[nodiscard]] assign::Placement placed_on_move(const assign::Placement& assigned, const assign::Move& move, sip::Method method, const Site& site);

/// The home besides `placed` that a CANCEL, or an ACK without a Route of ours, goes to: where its INVITE went is not known. no_home: none.
[[nodiscard]] assign::HomeIndex also_to(const Subject& request, assign::HomeIndex assigned, assign::HomeIndex placed, const assign::Move& move);

/// Whether any home has come back so lately that stood_in may find another one.
[[nodiscard]] bool has_any_returned(const Site& site, std::uint32_t now_min);
/// The home that stood in for the client's own until this came back, less than base::invite_pending_s_max ago: a CANCEL, or an ACK without a Route of ours,
/// goes there as well. no_home: none. Units: `now_min` are minutes since 1970; a minute more may pass.
[[nodiscard]] assign::HomeIndex stood_in(const Subject& request, const assign::Placement& placement, const Site& site, std::uint32_t now_min);

/// What a response that is sent back says of a move: the home that said 2xx to a REGISTER, and to whose.
[[nodiscard]] std::optional<assign::Confirmation> confirmation(const Subject& response, const Site& site);

}  // namespace viaduct::edge
