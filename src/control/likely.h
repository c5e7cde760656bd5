// SPDX-License-Identifier: Apache-2.0
// Clients' loads as they probably are, from samples of them.
#pragma once
#include <span>
#include <vector>

#include "viaduct/control/load.h"

namespace viaduct::control {

/// The likely load of each client, units a second: how often he was sampled, shrunk towards what clients are like, times what his requests weigh. How many
/// requests a sample stands for says nothing of whose it is: it is in all of them on the average.
/// Thread: any; pure.
[[nodiscard]] std::vector<double> likely_loads(std::span<const ClientLoad> clients);

}  // namespace viaduct::control
