// SPDX-License-Identifier: Apache-2.0
// A received IPv4 packet checked: its header, and which of what it carries goes on.
#include "readers.h"
#include "viaduct/base/limits.h"
#include "viaduct/net/checksum.h"
#include "wire.h"

namespace viaduct::net {
namespace {

using base::Drop;

constexpr std::uint16_t more_fragments = 0x2000, fragment_offset = 0x1fff;   // the offset in units of eight octets

/// What a header said: the packet without padding behind it, and how much of it is header.
struct Ipv4 {
  Octets packet;
  std::size_t header_bytes{};
  [[nodiscard]] Octets data() const { return packet.subspan(header_bytes); }
};

/// In the order of RFC 1812 5.2.2; options are skipped (RFC 1122 3.2.1.8: those not understood are ignored).
[[nodiscard]] std::optional<Drop> check_header(Octets packet, ChecksumTrust trust, Ipv4& out) {
  if (packet.size() < ipv4_header_bytes) return Drop::frame_short;
  const std::uint8_t* h = packet.data();
  const std::size_t header_bytes = std::size_t{h[0] & 0x0fu} * 4;
  if (h[0] >> 4 != 4 || header_bytes < ipv4_header_bytes) return Drop::ip_header;
  if (packet.size() < header_bytes) return Drop::frame_short;
  if (trust != ChecksumTrust::good && sum16(packet.first(header_bytes)) != 0xffff) return Drop::ip_checksum;
  const std::size_t total_bytes = load16(h + 2);
  if (total_bytes < header_bytes) return Drop::ip_header;
  if (packet.size() < total_bytes) return Drop::frame_truncated;
  out = {packet.first(total_bytes), header_bytes};
  return std::nullopt;
}

constexpr std::uint8_t icmp_unreachable = 3, icmp_echo_request = 8;

/// An echo request with options would have to be answered with them turned (RFC 1122 3.2.2.6), one above the MTU by fragments: we answer neither.
[[nodiscard]] std::optional<Drop> read_icmp(Octets frame, const Ipv4& ip, Frame& f) {
  const Octets message = ip.data();
  if (message.size() < icmp_header_bytes) return Drop::frame_short;
  const bool is_error = message[0] == icmp_unreachable;
  const bool is_echo = message[0] == icmp_echo_request && message[1] == 0 && ip.header_bytes == ipv4_header_bytes && ip.packet.size() <= base::mtu_bytes;
  if (!is_error && !is_echo) return Drop::ip_protocol;
  if (is_error && sum16(message) != 0xffff) return Drop::ip_checksum;
  f.kind = is_error ? FrameKind::icmp_error : FrameKind::icmp_echo;
  f.payload_offset = static_cast<std::uint16_t>(message.data() - frame.data());
  f.payload_bytes = static_cast<std::uint16_t>(message.size());
  return std::nullopt;
}

[[nodiscard]] base::Address load_address(const std::uint8_t* at) { return base::Address::v4(static_cast<std::uint32_t>(load32_raw(at))); }

}  // namespace

std::optional<Drop> read_ipv4(Octets frame, ChecksumTrust trust, Frame& f) {
  Ipv4 ip;
  if (const auto drop = check_header(frame.subspan(ethernet_header_bytes), trust, ip)) return drop;
  f.source.address = load_address(ip.packet.data() + 12);
  f.destination.address = load_address(ip.packet.data() + 16);
  const std::uint16_t place = load16(ip.packet.data() + 6);
  const bool is_part = (place & (more_fragments | fragment_offset)) != 0;
  // An identification is one protocol's (RFC 791 3.2), and the table that fragments are kept in does not look at it.
  if (is_part && ip.packet[9] != protocol_udp) return Drop::ip_protocol;
  if (is_part)
    return read_fragment(frame, {.data = ip.data(), .offset = (place & fragment_offset) * std::size_t{8}, .more_follow = (place & more_fragments) != 0}, f);
  switch (ip.packet[9]) {
    case protocol_udp:
      return read_udp(frame, ip.data(), trust, f);
    case protocol_icmp:
      return read_icmp(frame, ip, f);
    default:
      return Drop::ip_protocol;
  }
}

}  // namespace viaduct::net
