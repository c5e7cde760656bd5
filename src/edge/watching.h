// SPDX-License-Identifier: Apache-2.0
// What it means for one message that somebody watches at this node the registrations of a client of a third-party home. Pure.
#pragma once
#include <optional>

#include "viaduct/edge/judge.h"

namespace viaduct::edge {

/// Whose REGISTER a home has accepted, when a response is its 2xx: what it lists are his contacts (RFC 3261 10.3 step 8).
[[nodiscard]] std::optional<sip::ClientKey> registered_client(const Subject& response, const Site& site);

/// The decision about a REGISTER of a client who is watched here: not sent away, so that its answer is seen.
[[nodiscard]] Judgement in_sight(const Subject& request, const Judgement& j);

}  // namespace viaduct::edge
