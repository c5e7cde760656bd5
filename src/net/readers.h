// SPDX-License-Identifier: Apache-2.0
// The readers behind read_frame: one an IP version, and what both end in.
#pragma once
#include <optional>
#include <span>

#include "viaduct/net/frame.h"

namespace viaduct::net {

using Octets = std::span<const std::uint8_t>;

/// The IP packet behind the Ethernet header of `frame`, into `f`.
[[nodiscard]] std::optional<base::Drop> read_ipv4(Octets frame, ChecksumTrust trust, Frame& f);
[[nodiscard]] std::optional<base::Drop> read_ipv6(Octets frame, ChecksumTrust trust, Frame& f);

/// A fragment: `data`, a part of `frame`, lies `offset` octets behind the begin of what was cut, and other data follow it or not.
struct Fragment {
  Octets data;
  std::size_t offset{};
  bool more_follow{};
};
/// Shape: f has the addresses.
[[nodiscard]] std::optional<base::Drop> read_fragment(Octets frame, const Fragment& fragment, Frame& f);

/// The UDP datagram that `data`, a part of `frame`, begins with. Shape: f has the addresses.
[[nodiscard]] std::optional<base::Drop> read_udp(Octets frame, Octets data, ChecksumTrust trust, Frame& f);

}  // namespace viaduct::net
