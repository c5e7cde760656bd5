// SPDX-License-Identifier: Apache-2.0
// Clients' loads as they probably are, from samples of them.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "viaduct/control/load.h"

namespace viaduct::migration {

struct Likely {
  std::vector<double> loads;   ///< of each client, units a second
  double of_unknown{};         ///< of one whom no sample has told of
};

/// The likely load of each client, units a second: how often he was sampled, shrunk towards what clients are like, times what his requests weigh. How many
/// requests a sample stands for says nothing of whose it is: it is in all of them on the average.
/// `unknown`: how many clients there are besides, whom no sample has told of: they are like the others, but were not lucky.
/// Thread: any; pure.
[[nodiscard]] Likely likely_loads(std::span<const control::ClientLoad> clients, std::uint64_t unknown);

}  // namespace viaduct::migration
