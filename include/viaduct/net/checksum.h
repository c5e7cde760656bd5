// SPDX-License-Identifier: Apache-2.0
// The Internet checksum (RFC 1071): AVX2, with the scalar reference beside it.
#pragma once
#include <cstdint>
#include <span>

#include "viaduct/base/address.h"

namespace viaduct::net {

/// Ones' complement sum of the octets as 16-bit words in wire order, folded to 16 bits, not complemented: {0x12, 0x34} gives 0x1234.
/// An odd last octet is the high half of its word. Shape: up to 65,535 octets; reads none but those. Thread: any; pure.
[[nodiscard]] std::uint16_t sum16(std::span<const std::uint8_t> bytes);
/// The same, the slow obvious way.
[[nodiscard]] std::uint16_t sum16_scalar(std::span<const std::uint8_t> bytes);
inline constexpr std::uint8_t pseudo_protocol_udp = 17;
/// Sum of the pseudo-header of a UDP datagram of that many octets, header included, or of an ICMPv6 message (RFC 768, RFC 8200 8.1).
/// Both addresses are of one family.
[[nodiscard]] std::uint16_t pseudo_sum(const base::Address& source, const base::Address& destination, std::uint16_t bytes,
                                       std::uint8_t protocol = pseudo_protocol_udp);
/// Ones' complement addition.
[[nodiscard]] constexpr std::uint16_t add16(std::uint16_t a, std::uint16_t b) {
  const std::uint32_t s = std::uint32_t{a} + b;
  return static_cast<std::uint16_t>((s & 0xffff) + (s >> 16));
}

}  // namespace viaduct::net
