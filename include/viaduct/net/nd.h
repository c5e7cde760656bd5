// SPDX-License-Identifier: Apache-2.0
// Neighbour Discovery over Ethernet (RFC 4861): solicitations and advertisements read and written. Pure; one buffer at a time.
#pragma once
#include <cstdint>
#include <optional>
#include <span>

#include "viaduct/net/frame.h"

namespace viaduct::net {

/// A neighbour solicitation or advertisement, and the addresses of its packet.
struct NeighbourMessage {
  bool is_solicitation{};
  bool is_solicited{};                ///< advertisement: it answers a solicitation
  bool overrides{};                   ///< advertisement: a MAC that was known before is replaced
  base::Address source;               ///< unset: a solicitation of a host that wants to know whether `target` is taken (RFC 4862 5.4.2)
  base::Address destination;
  base::Address target;
  std::optional<Mac> link_address;    ///< the source's in a solicitation, the target's in an advertisement
};
/// Octets of the frame that is written: with the link-layer address option, without others.
inline constexpr std::size_t nd_frame_bytes = 14 + 40 + 24 + 8;

/// Read a frame that parse_frame called neighbour: it has proved the hop limit, the code and the checksum.
/// Errors: nullopt when RFC 4861 7.1.1 or 7.1.2 wants it discarded.
[[nodiscard]] std::optional<NeighbourMessage> parse_nd(std::span<const std::uint8_t> frame, const Frame& f);

/// Write a whole frame. Shape: out.size() >= nd_frame_bytes; link_address is set, and is the frame's source too.
void write_nd(std::span<std::uint8_t> out, const NeighbourMessage& message, const Mac& destination_mac);

/// The group that who solicits an address asks (RFC 4291 2.7.1), and all nodes of the link.
[[nodiscard]] base::Address solicited_node(const base::Address& target);
inline constexpr base::Address all_nodes = base::Address::v6({0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
/// Where a multicast packet goes on Ethernet (RFC 2464 7).
[[nodiscard]] Mac multicast_mac(const base::Address& group);

}  // namespace viaduct::net
