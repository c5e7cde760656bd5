// SPDX-License-Identifier: Apache-2.0
// Packets larger than the MTU cut into fragments, numbered so that no two datagrams for one place are mixed up, and nobody guesses the next number.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <span>

#include "viaduct/base/hash.h"
#include "viaduct/base/limits.h"
#include "viaduct/nic/nic.h"

namespace viaduct::site {

/// Numbers for fragmented datagrams, of all cores. Source: RFC 7739 5.3 (a counter chosen by one hash of the addresses, on top of another hash), RFC 6864 4.3.
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

/// Thread: one core's.
class Fragmenter {
 public:
  Fragmenter(const nic::Ports& ports, Identifications& identifications, std::size_t mtu_bytes)
      : ports_(ports), identifications_(identifications), mtu_bytes_(mtu_bytes) {}
  /// Whether a frame of that many octets, tag left out, is too large for the link.
  [[nodiscard]] bool must_cut(std::size_t untagged_bytes) const { return untagged_bytes > 14 + mtu_bytes_; }
  /// The fragments of a frame that must be cut; it is taken over. Empty: no buffers, and all is freed. Good until the next call.
  [[nodiscard]] std::span<nic::Packet> cut(nic::Packet whole);

 private:
  [[nodiscard]] nic::Packet allocate();
  const nic::Ports& ports_;
  Identifications& identifications_;
  std::size_t mtu_bytes_;
  std::array<nic::Packet, base::fragments_sent_max> fragments_;
};

}  // namespace viaduct::site
