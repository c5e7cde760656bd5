// SPDX-License-Identifier: Apache-2.0
// Octets of a frame as numbers: loads and stores in network order, and where the fields of the headers stand. Nothing is checked here.
#pragma once
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "viaduct/base/address.h"

namespace viaduct::net {

static_assert(std::endian::native == std::endian::little, "sums are taken in memory order and swapped once");

// Ethernet II (IEEE 802.3): destination, source, type.
inline constexpr std::size_t ethernet_header_bytes = 14;
inline constexpr std::size_t ethernet_type_at = 12;
inline constexpr std::uint16_t ethernet_type_ipv4 = 0x0800;
inline constexpr std::uint16_t ethernet_type_arp = 0x0806;
inline constexpr std::uint16_t ethernet_type_ipv6 = 0x86dd;
// IEEE 802.1Q: behind the addresses come type, VLAN and the type of what is carried.
inline constexpr std::uint16_t ethernet_type_vlan = 0x8100;
// IPv4 without options (RFC 791 3.1), IPv6 (RFC 8200 3), UDP (RFC 768), ICMP (RFC 792, RFC 4443 2.1).
inline constexpr std::size_t ipv4_header_bytes = 20;
inline constexpr std::size_t ipv6_header_bytes = 40;
inline constexpr std::size_t udp_header_bytes = 8;
inline constexpr std::size_t icmp_header_bytes = 8;
inline constexpr std::uint8_t protocol_icmp = 1;
inline constexpr std::uint8_t protocol_udp = 17;
inline constexpr std::uint8_t protocol_icmp6 = 58;
/// Time to live of what we send: RFC 1700's recommendation, as in RFC 1122 3.2.1.7.
inline constexpr std::uint8_t ttl_default = 64;

[[nodiscard]] inline std::uint16_t load16(const std::uint8_t* at) {
  std::uint16_t v;
  std::memcpy(&v, at, sizeof v);
  return std::byteswap(v);
}
inline void store16(std::uint8_t* at, std::uint16_t v) {
  v = std::byteswap(v);
  std::memcpy(at, &v, sizeof v);
}
inline void store64(std::uint8_t* at, std::uint64_t v) {
  v = std::byteswap(v);
  std::memcpy(at, &v, sizeof v);
}
[[nodiscard]] inline base::Address load_v6(const std::uint8_t* at) {
  std::array<std::uint8_t, 16> octets;
  std::memcpy(octets.data(), at, octets.size());
  return base::Address::v6(octets);
}
/// Four octets as they stand, for sums only.
[[nodiscard]] inline std::uint64_t load32_raw(const std::uint8_t* at) {
  std::uint32_t v;
  std::memcpy(&v, at, sizeof v);
  return v;
}
/// Fold a sum of fewer than 65,536 words in wire order to 16 bits.
[[nodiscard]] inline std::uint16_t fold_wire(std::uint64_t sum) {
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}
/// Fold a sum of words taken in memory order to 16 bits and give it in wire order: the sum does not care about byte order (RFC 1071 2 B).
[[nodiscard]] inline std::uint16_t fold_raw(std::uint64_t sum) {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  return std::byteswap(fold_wire(sum));
}

}  // namespace viaduct::net
