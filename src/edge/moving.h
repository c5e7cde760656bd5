// SPDX-License-Identifier: Apache-2.0
// What a client's move means for one message. Pure, as the judge is.
#pragma once
#include <optional>

#include "viaduct/assign/moves.h"
#include "viaduct/edge/judge.h"

namespace viaduct::edge {

/// Where a request for a client on the move goes, in place of `assigned`: a REGISTER to the new home, marked, so that it is proxied and the answer seen;
/// all else to the home before, while that can be asked. Source: spec section 7.
[[nodiscard]] assign::Placement placed_on_move(const assign::Placement& assigned, const assign::Move& move, sip::Method method, const Site& site);

/// The home besides `placed` that a CANCEL, or an ACK without a Route of ours, goes to: where its INVITE went is not known. no_home: none.
[[nodiscard]] assign::HomeIndex also_to(const Subject& request, assign::HomeIndex assigned, assign::HomeIndex placed, const assign::Move& move);

/// What a response that is sent back says of a move: the home that said 2xx to a REGISTER, and to whose.
[[nodiscard]] std::optional<assign::Confirmation> confirmation(const Subject& response, const Site& site);

}  // namespace viaduct::edge
