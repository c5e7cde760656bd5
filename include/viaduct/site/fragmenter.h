// SPDX-License-Identifier: Apache-2.0
// Packets that may be too large for a link on their way: cut here, or left to the routers, numbered so that no two datagrams for one place are mixed up, and nobody guesses the next number.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <span>

#include "viaduct/base/hash.h"
#include "viaduct/base/limits.h"
#include "viaduct/net/fragments.h"
#include "viaduct/nic/nic.h"

namespace viaduct::site {

/// Numbers for datagrams that are or may be fragmented, of all cores. Source: RFC 7739 5.3 (a counter chosen by one hash of the addresses, on top of another hash), RFC 6864 4.3.
/// Thread: any; relaxed, since nothing hangs on the order.
class Identifications {
 public:
  /// Shape: `secret` is new at each start.
  explicit Identifications(const base::Key128& secret) : secret_(secret) {}
  /// The next for a datagram between the addresses of an IP header, as they stand there.
  [[nodiscard]] std::uint32_t next(std::span<const std::uint8_t> addresses);

 private:
  base::Key128 secret_;
  std::array<std::atomic<std::uint32_t>, 1024> counters_{};
};

/// Nobody is asked for the MTU of a path: whoever answered could not be believed. Thread: one core's.
class Fragmenter {
 public:
  Fragmenter(const nic::Ports& ports, Identifications& identifications, std::size_t mtu_bytes)
      : ports_(ports), identifications_(identifications), mtu_bytes_(mtu_bytes) {}
  /// Whether a frame of that many octets, tag left out, may be too large for a link on its way.
  [[nodiscard]] static constexpr bool is_large(std::size_t untagged_bytes) { return untagged_bytes > 14 + base::mtu_bytes_min; }
  /// What a large frame is sent in; it is taken over. IPv4 that fits our link is one packet, which routers may cut; IPv6 is cut for the smallest link, since
  /// they may not. Empty: no buffers, and all is freed. Good until the next call. Source: RFC 791 2.3, RFC 8200 5.
  [[nodiscard]] std::span<nic::Packet> fit(nic::Packet large);

 private:
  [[nodiscard]] std::span<nic::Packet> cut(nic::Packet whole, std::size_t count, const net::Cut& how);
  [[nodiscard]] nic::Packet allocate(std::size_t mtu_bytes);
  const nic::Ports& ports_;
  Identifications& identifications_;
  std::size_t mtu_bytes_;
  std::array<nic::Packet, base::fragments_sent_max> fragments_;
};

}  // namespace viaduct::site
