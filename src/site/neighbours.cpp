// SPDX-License-Identifier: Apache-2.0
// Building the snapshot of resolved neighbours: a small hash, read by workers for each packet that leaves for another place than it came from.
#include "viaduct/site/neighbours.h"

#include <bit>

namespace viaduct::site {

Neighbours::Neighbours(const std::vector<std::pair<base::Address, net::Mac>>& known) : places_(std::bit_ceil(known.size() * 2 + 2)) {
  for (const auto& [address, mac] : known) {
    std::size_t i = first_place(address);
    while (places_[i].used && places_[i].address != address) i = (i + 1) & (places_.size() - 1);
    places_[i] = {.address = address, .mac = mac, .used = true};
  }
}

}  // namespace viaduct::site
