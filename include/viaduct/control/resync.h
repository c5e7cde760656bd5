// SPDX-License-Identifier: Apache-2.0
// A node that is new in its fleet, or too far behind the fleet's log, gets the whole assignment from another one.
#pragma once
#include "viaduct/control/peers.h"
#include "viaduct/control/placements.h"

namespace viaduct::control {

/// Put what the store of the first of these nodes says that follows this log, has its change `at_least`, and answers to the end, in place of all that `store` has.
/// Returns E, the epoch that `store` has now. While that node's store changes, what is copied is partly of later epochs, up to the fleet's last at that moment:
/// once the log's changes from E + 1 to there are made, again or for the first time, every record is as in any other store of that epoch, its own epoch too.
/// What is told of clients' past begins here. `tell` may be empty. Errors: why none of them gave it, or why this store cannot take it; the store is as it was.
/// Thread: one that may wait for all of that, not the control core; whoever else writes the store waits.
[[nodiscard]] Expected<std::uint32_t> fetch_assignment(Peers& peers, store::Store& store, std::span<const base::Endpoint> controls, const base::Hash128& fleet,
                                                       std::uint32_t at_least, const Tell& tell);

}  // namespace viaduct::control
