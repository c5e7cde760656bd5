// SPDX-License-Identifier: Apache-2.0
// ICMP of either IP version: an echo request turned around in its buffer, and what an error says of a datagram.
#include "viaduct/net/icmp.h"

#include <algorithm>
#include <array>

#include "viaduct/base/check.h"
#include "wire.h"

namespace viaduct::net {
namespace {

constexpr std::uint16_t ipv6_echo_reply = 129 << 8;

/// Replace one 16-bit word and keep the checksum that covers it right, or as wrong as it was (RFC 1624 3, equation 3).
void replace_word(std::uint8_t* word, std::uint8_t* checksum, std::uint16_t value) {
  const auto without = static_cast<std::uint16_t>(~load16(word));
  const std::uint64_t sum = std::uint64_t{static_cast<std::uint16_t>(~load16(checksum))} + without + value;
  store16(checksum, static_cast<std::uint16_t>(~fold_wire(sum)));
  store16(word, value);
}

void turn_ipv4(std::uint8_t* ip) {
  std::uint8_t* icmp = ip + ipv4_header_bytes;
  std::swap_ranges(ip + 12, ip + 16, ip + 16);
  replace_word(ip + 8, ip + 10, std::uint16_t{ttl_default} << 8 | protocol_icmp);
  replace_word(icmp, icmp + 2, 0);
}

// Its checksum covers the addresses, whose sum stays (RFC 4443 2.3).
void turn_ipv6(std::uint8_t* ip) {
  std::uint8_t* icmp = ip + ipv6_header_bytes;
  std::swap_ranges(ip + 8, ip + 24, ip + 24);
  ip[7] = ttl_default;
  replace_word(icmp, icmp + 2, ipv6_echo_reply);
}

using Octets = std::span<const std::uint8_t>;

constexpr std::uint8_t ipv4_fragmentation_needed = 4, ipv6_packet_too_big = 2;
constexpr std::uint8_t next_fragment = 44;
constexpr std::size_t fragment_header_bytes = 8;

/// The UDP header behind the IP header that an error quotes; empty when there is none, as in a fragment that is not the first.
[[nodiscard]] Octets quoted_udp_v4(Octets packet) {
  if (packet.size() < ipv4_header_bytes || packet[0] >> 4 != 4) return {};
  const std::size_t header_bytes = (packet[0] & 0x0fu) * std::size_t{4};
  const bool is_first = (load16(packet.data() + 6) & 0x1fff) == 0;
  return header_bytes >= ipv4_header_bytes && packet.size() >= header_bytes && is_first && packet[9] == protocol_udp ? packet.subspan(header_bytes) : Octets{};
}

[[nodiscard]] Octets quoted_udp_v6(Octets packet) {
  if (packet.size() < ipv6_header_bytes || packet[0] >> 4 != 6) return {};
  Octets rest = packet.subspan(ipv6_header_bytes);
  if (packet[6] == protocol_udp) return rest;
  if (packet[6] != next_fragment || rest.size() < fragment_header_bytes) return {};
  const bool is_first = (load16(rest.data() + 2) & 0xfff8) == 0;
  return is_first && rest[0] == protocol_udp ? rest.subspan(fragment_header_bytes) : Octets{};
}

[[nodiscard]] base::Address load_address(const std::uint8_t* at, bool is_v4) {
  return is_v4 ? base::Address::v4(static_cast<std::uint32_t>(load32_raw(at))) : load_v6(at);
}

}  // namespace

std::optional<IcmpError> parse_icmp_error(Octets message, bool is_v4) {
  if (message.size() < icmp_header_bytes) return std::nullopt;
  const Octets packet = message.subspan(icmp_header_bytes);
  const Octets udp = is_v4 ? quoted_udp_v4(packet) : quoted_udp_v6(packet);
  if (udp.size() < 4) return std::nullopt;
  const std::size_t addresses_at = is_v4 ? 12 : 8, address_bytes = is_v4 ? 4 : 16;
  return IcmpError{.is_too_big = is_v4 ? message[1] == ipv4_fragmentation_needed : message[0] == ipv6_packet_too_big,
                   .source = {load_address(packet.data() + addresses_at, is_v4), load16(udp.data())},
                   .destination = {load_address(packet.data() + addresses_at + address_bytes, is_v4), load16(udp.data() + 2)}};
}

void turn_echo(std::span<std::uint8_t> frame) {
  const bool is_v4 = load16(frame.data() + ethernet_type_at) == ethernet_type_ipv4;
  const std::size_t ip_header_bytes = is_v4 ? ipv4_header_bytes : ipv6_header_bytes;
  base::check(frame.size() >= ethernet_header_bytes + ip_header_bytes + icmp_header_bytes, "an echo request has its headers");
  std::swap_ranges(frame.data(), frame.data() + 6, frame.data() + 6);
  (is_v4 ? turn_ipv4 : turn_ipv6)(frame.data() + ethernet_header_bytes);
}

}  // namespace viaduct::net
