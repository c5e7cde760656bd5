// SPDX-License-Identifier: Apache-2.0
// One Ethernet frame seen as headers and a UDP payload, and the headers of a frame to send. Pure; one buffer at a time.
#pragma once
#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>

#include "viaduct/base/address.h"
#include "viaduct/base/link.h"
#include "viaduct/base/verdict.h"

namespace viaduct::net {

using Mac = std::array<std::uint8_t, 6>;

enum class FrameKind : std::uint8_t {
  udp,
  arp,
  icmp_echo,   ///< an echo request, ICMP or ICMPv6
  icmp_error,  ///< destination unreachable or packet too big, of either
  neighbour,   ///< a neighbour solicitation or advertisement (RFC 4861)
  fragment     ///< of a datagram that did not fit a packet: the payload is its part
};

/// What the device has already done with a frame's checksums.
enum class ChecksumTrust : std::uint8_t {
  verify,    ///< nobody looked: verify in software
  good,      ///< the device verified both
  ignore     ///< no look at UDP's: the device verified it, or peers on veth send unfinished ones; the IPv4 header's is verified
};

/// A received frame. An ARP frame has no payload and no endpoints; of ICMP the payload is the message, and the ports are 0.
struct Frame {
  FrameKind kind{};
  Mac source_mac{};
  Mac destination_mac{};
  base::Link link{};                    ///< that it came by; its tag was taken out (vlan.h)
  std::uint16_t payload_offset{};   ///< of the UDP payload, from the frame's first octet
  std::uint16_t payload_bytes{};
  base::Endpoint source;
  base::Endpoint destination;
};

/// Look at one frame. Trailing Ethernet padding is not payload.
/// Shape:  frame is what the device delivered, without FCS and VLAN tag: one that has a tag is frame_type. Options and extension headers are skipped;
///         a UDP length below the packet's ends the payload there. An echo request with options or above mtu_bytes is ip_protocol.
///         Who may be answered is not judged: source addresses, broadcast and port 0 pass.
/// Errors: frame_short, frame_truncated, frame_type, ip_header, ip_checksum, fragment_invalid, ip_extension, ip_protocol, nd_invalid, udp_length,
///         udp_checksum.
/// Thread: any; pure. Source: RFC 791 3.1, RFC 8200 3 and 4, RFC 768, RFC 826, RFC 1122 3.2.1, RFC 4443, RFC 4861 7.1.
[[nodiscard]] std::expected<Frame, base::Drop> parse_frame(std::span<const std::uint8_t> frame, ChecksumTrust trust);

/// The same into a frame that is there already. Shape: after a drop `out` means nothing.
[[nodiscard]] std::optional<base::Drop> read_frame(std::span<const std::uint8_t> frame, ChecksumTrust trust, Frame& out);

/// Addresses of a frame to send.
struct Envelope {
  Mac source_mac{};
  Mac destination_mac{};
  base::Endpoint source;
  base::Endpoint destination;
};

/// Who computes the UDP checksum. The IPv4 header's is always computed here.
enum class ChecksumWork : std::uint8_t {
  software,     ///< here
  offload,      ///< the device: the UDP field gets the pseudo-header sum
  none          ///< UDP checksum 0 (IPv4 only, RFC 768): for measurements that model a device's offload
};

/// Octets of Ethernet, IP and UDP headers for a destination of that family: 42 or 62.
[[nodiscard]] constexpr std::size_t header_bytes(bool is_v4) { return is_v4 ? 42 : 62; }

/// Write the headers of a UDP datagram immediately in front of its payload. DF set, identification 0 (RFC 6864 4.1), TTL 64.
/// Shape: [payload - header_bytes, payload) is writable; source and destination are of one family; at most 65,507 octets of payload.
///        An IPv6 datagram gets its checksum even with ChecksumWork::none (RFC 8200 8.1). Returns the frame's first octet.
std::uint8_t* write_headers(std::uint8_t* payload, std::size_t payload_bytes, const Envelope& envelope, ChecksumWork work);

/// Leave the UDP checksum of a whole frame that others have written to the device, as write_headers does with ChecksumWork::offload.
/// Shape: any frame, with a tag or without. One that is no UDP in a packet without options, extensions and fragments stays as it is.
void leave_udp_sum(std::span<std::uint8_t> frame);

/// An answer goes back where its request came from.
[[nodiscard]] inline Envelope turned_around(const Frame& f) {
  return {.source_mac = f.destination_mac, .destination_mac = f.source_mac, .source = f.destination, .destination = f.source};
}

}  // namespace viaduct::net
