// SPDX-License-Identifier: Apache-2.0
// ICMP of both IP versions, as far as this node answers it. Pure; one buffer at a time.
#pragma once
#include <cstdint>
#include <span>

namespace viaduct::net {

/// Turn an echo request into its reply in place, checksums updated incrementally (RFC 792, RFC 4443 4.2, RFC 1624): an ICMP request that came damaged
/// stays so, and its sender sees it. Shape: a frame that parse_frame called icmp_echo, so without IPv4 options and extension headers.
void turn_echo(std::span<std::uint8_t> frame);

}  // namespace viaduct::net
