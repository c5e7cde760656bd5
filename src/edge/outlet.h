// SPDX-License-Identifier: Apache-2.0
// Where a worker's packets leave: staged over a burst, then pushed at once to a device queue or a ring; what is refused is counted and freed.
#pragma once
#include <array>
#include <cstdint>
#include <span>

#include "viaduct/base/limits.h"
#include "viaduct/nic/nic.h"
#include "viaduct/share/counters.h"
#include "viaduct/share/ring.h"

namespace viaduct::edge {

/// Packets on their way to one ring. Their verdict is counted when the ring has taken them; what it refuses is dropped for `full`. More than
/// burst_pkts_max between two flushes leave by themselves. Thread: its worker's.
class RingOutlet {
 public:
  RingOutlet(share::Ring& ring, share::Counters& counters, base::Drop full) : ring_(ring), counters_(counters), full_(full) {}
  void stage(nic::Packet p, base::Verdict verdict) {
    if (count_ == staged_.size()) [[unlikely]]
      flush();
    verdicts_[count_] = verdict;
    staged_[count_++] = p;
  }
  void flush();
  [[nodiscard]] bool is_empty() const { return count_ == 0; }

 private:
  share::Ring& ring_;
  share::Counters& counters_;
  std::array<nic::Packet, base::burst_pkts_max> staged_;
  std::array<base::Verdict, base::burst_pkts_max> verdicts_;
  std::size_t count_{};
  base::Drop full_;
};

/// Packets on their way to a registrar shard, which is crowded while more than half of its ring is taken. Thread: its worker's.
class ShardOutlet : public RingOutlet {
 public:
  ShardOutlet(share::Ring& ring, share::Counters& counters) : RingOutlet(ring, counters, base::Drop::registrar_ring_full), shard_(ring) {}
  [[nodiscard]] bool is_crowded() const { return is_crowded_; }
  void flush() {
    if (is_empty() && !is_crowded_) return;
    RingOutlet::flush();
    is_crowded_ = shard_.count() > shard_.slots() / 2;
  }

 private:
  share::Ring& shard_;
  bool is_crowded_{};   // at the last flush
};

/// Packets on their way to the wire: through the worker's own queue of their port, or by ring to worker 0, which has one of each. More than burst_pkts_max
/// between two flushes leave by themselves.
class WireOutlet {
 public:
  WireOutlet(const nic::Ports& ports, unsigned worker, share::Ring& ring, share::Counters& counters);
  void stage(nic::Packet p) {
    if (count_ == staged_.size()) [[unlikely]]
      flush();
    staged_[count_++] = p;
  }
  /// Send all; what is refused is counted as tx_full and freed.
  void flush();

 private:
  [[nodiscard]] std::size_t push(std::size_t port, std::span<nic::Packet> pkts);
  void flush_port(std::size_t port, std::span<nic::Packet> pkts);
  void flush_by_port();

  const nic::Ports& ports_;
  share::Ring& ring_;
  share::Counters& counters_;
  std::array<nic::Packet, base::burst_pkts_max> staged_;
  std::size_t count_{};
  std::uint16_t queue_;
  std::array<bool, base::ports_max> has_queue_{};   // of each port
};

}  // namespace viaduct::edge
