// SPDX-License-Identifier: Apache-2.0
// Who has which MAC on the link, who of them is the way to others, and what the kernel beside us has, as workers read it: an immutable snapshot of the
// control core's.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "viaduct/base/address.h"
#include "viaduct/net/frame.h"
#include "viaduct/site/routes.h"

namespace viaduct::site {

/// A place on the links of this node: each has addresses of its own.
struct LinkAddress {
  base::Address address;
  base::Link link;
  constexpr auto operator<=>(const LinkAddress&) const = default;
};

/// Of this process's own, since others choose their addresses.
extern const std::array<std::uint64_t, 2> neighbours_key;
/// A number for an address, in whose low bits all octets count: the last ones, in which neighbours differ, as much as the first.
[[nodiscard]] inline std::uint64_t hash_of(const base::Address& a) {
  constexpr std::array<std::uint64_t, 3> odd = {0x9e3779b97f4a7c15U, 0xff51afd7ed558ccdU, 0xc4ceb9fe1a85ec53U};
  const auto [high, low] = a.words();
  std::uint64_t x = (low ^ neighbours_key[0]) * odd[0] + (high ^ neighbours_key[1]);
  x = (x ^ x >> 33U) * odd[1];
  x = (x ^ x >> 33U) * odd[2];
  return x ^ x >> 33U;
}

/// Open-addressed, at most half full. Thread: immutable once published.
class Neighbours {
 public:
  using Known = std::vector<std::pair<LinkAddress, net::Mac>>;
  Neighbours() : Neighbours(Known{}, Routes{}) {}
  Neighbours(const Known& known, Routes routes, std::vector<base::Address> kernels = {});
  /// By which link, and where on it, a packet for that address goes.
  [[nodiscard]] Hop next_hop(const base::Address& destination) const { return routes_.next_hop(destination); }
  /// Whether this machine's kernel has that address of ours; asked for only where it answers for them.
  [[nodiscard]] bool is_kernels(const base::Address& a) const { return std::ranges::find(kernels_, a) != kernels_.end(); }
  /// nullptr: unknown.
  [[nodiscard]] const net::Mac* find(const base::Address& a, base::Link link) const {
    for (std::size_t i = first_place(a); places_[i].used; i = (i + 1) & (places_.size() - 1))
      if (places_[i].address == a && places_[i].link == link) return &places_[i].mac;
    return nullptr;
  }

 private:
  struct Place {
    base::Address address;
    net::Mac mac{};
    base::Link link;
    bool used{};
  };
  [[nodiscard]] std::size_t first_place(const base::Address& a) const { return static_cast<std::size_t>(hash_of(a)) & (places_.size() - 1); }
  std::vector<Place> places_;
  Routes routes_;
  std::vector<base::Address> kernels_;
};

}  // namespace viaduct::site
