// SPDX-License-Identifier: Apache-2.0
// ARP over Ethernet: what the control core answers and asks. Pure; one buffer at a time.
#pragma once
#include <cstdint>
#include <optional>
#include <span>

#include "viaduct/net/frame.h"

namespace viaduct::net {

/// An ARP packet for IPv4 over Ethernet (RFC 826).
struct Arp {
  bool is_request{};
  Mac sender_mac{};
  base::Address sender;
  Mac target_mac{};
  base::Address target;
};
inline constexpr std::size_t arp_frame_bytes = 42;

/// Read an ARP frame. Errors: nullopt when it is not a well-formed IPv4-over-Ethernet request or reply, or its sender claims a group's MAC.
[[nodiscard]] std::optional<Arp> parse_arp(std::span<const std::uint8_t> frame);
/// Write a whole frame, request (broadcast) or reply. Shape: out.size() >= arp_frame_bytes.
void write_arp(std::span<std::uint8_t> out, const Arp& arp);

}  // namespace viaduct::net
