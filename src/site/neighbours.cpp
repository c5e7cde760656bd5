// SPDX-License-Identifier: Apache-2.0
// The snapshot of resolved neighbours: a small hash, read by workers for each packet that leaves for another place than it came from.
#include "viaduct/site/neighbours.h"

#include <bit>
#include <cstring>

namespace viaduct::site {

Neighbours::Neighbours(const std::vector<std::pair<base::Address, net::Mac>>& known) : places_(std::bit_ceil(known.size() * 2 + 2)) {
  for (const auto& [address, mac] : known) {
    std::size_t i = first_place(address);
    while (places_[i].used && places_[i].address != address) i = (i + 1) & (places_.size() - 1);
    places_[i] = {.address = address, .mac = mac, .used = true};
  }
}

std::size_t Neighbours::first_place(const base::Address& a) const {
  std::uint64_t low = 0;
  std::memcpy(&low, a.octets().data() + 8, sizeof low);
  return static_cast<std::size_t>((low * 0x9e3779b97f4a7c15U) >> 32) & (places_.size() - 1);
}

std::optional<net::Mac> Neighbours::find(const base::Address& a) const {
  for (std::size_t i = first_place(a); places_[i].used; i = (i + 1) & (places_.size() - 1))
    if (places_[i].address == a) return places_[i].mac;
  return std::nullopt;
}

}  // namespace viaduct::site
