// SPDX-License-Identifier: Apache-2.0
// What the kernel knows of the network behind one interface, by rtnetlink: its routes, followed as they change, and neighbours that it has found.
#pragma once
#include <array>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "viaduct/base/address.h"

namespace viaduct::kernel {

struct Route {
  base::Prefix to;
  base::Address via;       ///< the next hop; unset: what is in `to` is on the link
  std::uint32_t metric{};  ///< of several to one prefix the least counts
  bool operator==(const Route& o) const { return to.address == o.to.address && to.bits == o.to.bits && via == o.via && metric == o.metric; }
};

struct Neighbour {
  base::Address address;
  std::array<std::uint8_t, 6> mac{};
};

/// The addresses that the kernel has, on whatever interface. Empty, too, when it does not say. Thread: any.
[[nodiscard]] std::vector<base::Address> addresses();

/// Routes are those of the main table (RTN_UNICAST) through the interface. Whatever is said to have changed, all are read again: a change that nobody tells of,
/// as when an interface goes down, and a change that was missed are then the same. Thread: one. No call waits.
class Network {
 public:
  /// Errors: what the kernel refused.
  [[nodiscard]] static std::expected<Network, std::string> open(unsigned interface_index);
  Network(Network&&) noexcept;
  Network& operator=(Network&&) noexcept;
  ~Network();
  /// Hear what there is to hear. True: `routes` have been read anew, and are others.
  [[nodiscard]] bool follow(std::uint64_t now_ms);
  /// By prefix, then metric; at most base::kernel_routes_max.
  [[nodiscard]] const std::vector<Route>& routes() const;
  /// Routes of the last reading beyond those.
  [[nodiscard]] std::size_t left_out() const;
  /// Neighbours that the kernel has found since the last call.
  [[nodiscard]] std::vector<Neighbour> take_neighbours();

 private:
  struct Impl;
  explicit Network(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace viaduct::kernel
