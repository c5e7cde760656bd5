// SPDX-License-Identifier: Apache-2.0
// A datagram that is larger than the MTU, as the fragments that it is sent in. Pure; who numbers and sends them is not known here.
#pragma once
#include <cstdint>
#include <span>

namespace viaduct::net {

/// How a frame is cut.
struct Cut {
  std::size_t mtu_bytes{};          ///< octets of an IP packet, base::mtu_bytes_min or more
  std::uint32_t identification{};   ///< the same in all fragments of a datagram; of IPv4 the low 16 bits
};

/// Octets of a frame in front of its IP packet: Ethernet's header, and the tag of a VLAN if it has one.
[[nodiscard]] std::size_t link_bytes(std::span<const std::uint8_t> frame);
/// How many fragments the frame is sent in; 1: it fits as it is.
/// Shape: a frame that write_headers has written, with a tag or without; here and below.
[[nodiscard]] std::size_t fragment_count(std::span<const std::uint8_t> frame, std::size_t mtu_bytes);
/// Write fragment `index` as a frame. Returns octets, at most link_bytes + mtu_bytes. Shape: index < fragment_count, which is above 1; `out` has that room.
/// Source: RFC 791 2.3, 3.2; RFC 8200 4.5.
std::size_t write_fragment(std::span<const std::uint8_t> frame, std::size_t index, const Cut& cut, std::span<std::uint8_t> out);
/// Let routers cut an IPv4 packet that leaves as one: DF is off, and it has an identification. Source: RFC 791 2.3, RFC 6864 4.3.
void allow_fragments(std::span<std::uint8_t> frame, std::uint32_t identification);
/// Compute the UDP checksum that was left to the device: no device computes it over fragments.
void finish_udp_sum(std::span<std::uint8_t> frame);

}  // namespace viaduct::net
