// SPDX-License-Identifier: Apache-2.0
// ICMP of both IP versions, as far as this node answers it. Pure; one buffer at a time.
#pragma once
#include <cstdint>
#include <optional>
#include <span>

#include "viaduct/base/address.h"

namespace viaduct::net {

/// Turn an echo request into its reply in place, checksums updated incrementally (RFC 792, RFC 4443 4.2, RFC 1624): an ICMP request that came damaged
/// stays so, and its sender sees it. Shape: a frame that parse_frame called icmp_echo, so without IPv4 options and extension headers.
void turn_echo(std::span<std::uint8_t> frame);

/// What somebody says of a UDP datagram that did not arrive; anybody may say it.
struct IcmpError {
  bool is_too_big{};       ///< for a link on the way; else its destination is unreachable
  base::Endpoint source;   ///< of the datagram
  base::Endpoint destination;
};
/// Read the message of a frame that parse_frame called icmp_error. Errors: nullopt when it quotes no UDP header (RFC 792, RFC 4443 3.1 and 3.2).
[[nodiscard]] std::optional<IcmpError> parse_icmp_error(std::span<const std::uint8_t> message, bool is_v4);

}  // namespace viaduct::net
