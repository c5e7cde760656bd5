// SPDX-License-Identifier: Apache-2.0
// Which of the node's wires, and which VLAN on it: what a frame came by and leaves by.
#pragma once
#include <compare>
#include <cstdint>

namespace viaduct::base {

/// A port of this node, by number, and a VLAN there. Small enough to travel with every packet.
class Link {
 public:
  /// The first port, without a tag.
  constexpr Link() = default;
  /// Shape: port below base::ports_max; vlan 0 (no tag) to base::vlan_max.
  constexpr Link(std::size_t port, std::uint16_t vlan) : bits_(static_cast<std::uint16_t>(port << vlan_bits | vlan)) {}
  /// Whichever link the sender is on.
  [[nodiscard]] static constexpr Link any() {
    Link all;
    all.bits_ = 0xffff;
    return all;
  }
  [[nodiscard]] constexpr std::uint16_t port() const { return static_cast<std::uint16_t>(bits_ >> vlan_bits); }
  [[nodiscard]] constexpr std::uint16_t vlan() const { return bits_ & ((1U << vlan_bits) - 1); }
  constexpr auto operator<=>(const Link&) const = default;

 private:
  static constexpr unsigned vlan_bits = 12;
  std::uint16_t bits_{};
};

}  // namespace viaduct::base
