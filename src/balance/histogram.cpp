// SPDX-License-Identifier: Apache-2.0
// The first pass over the clients.
#include "histogram.h"

namespace viaduct::balance {

Histogram::Histogram(const Clients& clients, std::size_t homes) : counts_(homes * kinds_count) {
  for (std::size_t i = 0; i < clients.home.size(); ++i) {
    const std::size_t home = clients.home[i];
    if (home < homes) ++counts_[home * kinds_count + kind_of(row_of(clients.flags[i]), clients.load[i])];
  }
}

}  // namespace viaduct::balance
