// SPDX-License-Identifier: Apache-2.0
// An echo request of either IP version turned around in its buffer.
#include "viaduct/net/icmp.h"

#include <algorithm>

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

}  // namespace

void turn_echo(std::span<std::uint8_t> frame) {
  const bool is_v4 = load16(frame.data() + ethernet_type_at) == ethernet_type_ipv4;
  const std::size_t ip_header_bytes = is_v4 ? ipv4_header_bytes : ipv6_header_bytes;
  base::check(frame.size() >= ethernet_header_bytes + ip_header_bytes + icmp_header_bytes, "an echo request has its headers");
  std::swap_ranges(frame.data(), frame.data() + 6, frame.data() + 6);
  (is_v4 ? turn_ipv4 : turn_ipv6)(frame.data() + ethernet_header_bytes);
}

}  // namespace viaduct::net
