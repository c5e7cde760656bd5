// SPDX-License-Identifier: Apache-2.0
// Fragments kept until their datagram is whole, by DPDK's ip_frag: bounded in datagrams and in time. What the datagram says is not known here.
#pragma once
#include <cstdint>
#include <memory>

#include "viaduct/net/frame.h"
#include "viaduct/nic/nic.h"

namespace viaduct::nic {

/// What has become of a fragment.
enum class Fragment : std::uint8_t {
  completed,   ///< it was the last one missing: the datagram is whole
  kept,        ///< others are missing
  misfit,      ///< it overlaps another, came by another link, or is one too many: it is freed, and with it what was kept of its datagram
  table_full,  ///< no room for another datagram: it is freed
  too_large,   ///< the datagram is whole, and does not fit a large buffer: it is freed
  no_buffer    ///< the datagram is whole, and no large buffer is left: it is freed
};

struct Reassembly {
  Fragment fragment{};
  Packet datagram;           ///< completed: one frame in one buffer, its IPv4 header's checksum right
  std::uint64_t expired{};   ///< fragments of other datagrams whose time was up, and which are freed
  std::uint64_t spoilt{};    ///< misfit: fragments that were kept of its datagram, and are freed
};

/// Thread: made by the control core before the first poll, then its worker's. Memory: its table is taken when it is made; fragments stay in their buffers.
class Reassembler {
 public:
  /// Shape: at most `datagrams_max` at once; `ports` outlive it.
  Reassembler(const Ports& ports, unsigned datagrams_max);
  ~Reassembler();
  Reassembler(const Reassembler&) = delete;
  Reassembler& operator=(const Reassembler&) = delete;

  /// Takes the packet over. Shape: net::read_frame has called it a fragment and described it as `f`; `now_ticks` is nic::ticks().
  [[nodiscard]] Reassembly take(Packet p, const net::Frame& f, std::uint64_t now_ticks);
  /// Give up datagrams that have waited for base::fragments_wait_ms. Returns how many fragments that frees.
  std::uint64_t expire(std::uint64_t now_ticks);
  /// Fragments that are kept now.
  [[nodiscard]] std::uint64_t kept() const { return kept_; }

 private:
  struct Impl;
  [[nodiscard]] Reassembly judge_unfinished(const rte_mbuf* buffer);
  [[nodiscard]] static Reassembly spoil(Packet chain, std::uint64_t expired);
  [[nodiscard]] Reassembly in_one_buffer(Packet chain, std::uint64_t expired);
  const Ports& ports_;
  std::unique_ptr<Impl> impl_;
  std::uint64_t kept_{};
};

}  // namespace viaduct::nic
