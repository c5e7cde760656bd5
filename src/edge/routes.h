// SPDX-License-Identifier: Apache-2.0
// Reading a request's Routes: which are ours, and where they lead.
#pragma once
#include "viaduct/edge/judge.h"

namespace viaduct::edge {

/// False: its first Route surely names neither this node nor a home, so that nothing is to be found. Shape: a request with a Route, indexed without fault.
[[nodiscard]] bool may_find_routing(const Subject& subject, const Site& site);

/// Where the Routes of a request lead (a Request-URI that is one of ours counts as the first of them).
/// Shape: a request indexed without fault. Thread: any; pure. Source: RFC 3261 16.4, 16.6 steps 6 and 7, 16.12; RFC 5626 5.3; RFC 5658.
[[nodiscard]] Routing find_routing(const Subject& subject, const Site& site);

}  // namespace viaduct::edge
