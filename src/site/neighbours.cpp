// SPDX-License-Identifier: Apache-2.0
// Building the snapshot of resolved neighbours: a small hash, read by workers for each packet that leaves for another place than it came from.
#include "viaduct/site/neighbours.h"

#include <sys/random.h>

#include <bit>

namespace viaduct::site {

const std::array<std::uint64_t, 2> neighbours_key = [] {
  std::array<std::uint64_t, 2> out{};
  static_cast<void>(getrandom(out.data(), sizeof out, GRND_NONBLOCK));   // without, the places are only easier to guess
  return out;
}();

Neighbours::Neighbours(const Known& known, Routes routes, std::vector<base::Address> kernels)
    : places_(std::bit_ceil(known.size() * 2 + 2)), routes_(std::move(routes)), kernels_(std::move(kernels)) {
  for (const auto& [link, mac] : known) {
    std::size_t i = first_place(link.address);
    while (places_[i].used && (places_[i].address != link.address || places_[i].link != link.link)) i = (i + 1) & (places_.size() - 1);
    places_[i] = {.address = link.address, .mac = mac, .link = link.link, .used = true};
  }
}

}  // namespace viaduct::site
