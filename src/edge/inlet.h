// SPDX-License-Identifier: Apache-2.0
// Where a worker's packets come from: its own device queue, or the workers that have one; and how those share them out by flow.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "outlet.h"
#include "viaduct/site/post.h"

namespace viaduct::edge {

/// Thread: its worker's.
class Inlet {
 public:
  Inlet(site::Commons& commons, unsigned worker);
  /// Up to pkts.size() packets for this worker, of each port in turn. Where a device has fewer queues than there are workers, those with a queue keep their own flows'
  /// packets and hand the rest over by ring: the same source always goes to the same worker, as RSS would do it. Worker 0 sends here, too,
  /// what the cores without a queue have for the wire.
  [[nodiscard]] std::size_t receive(std::span<nic::Packet> pkts);

 private:
  // Packets of one burst for one other worker.
  struct Lane {
    std::array<nic::Packet, base::burst_pkts_max> staged;
    std::size_t count{};
  };
  [[nodiscard]] std::size_t receive(std::size_t port, std::span<nic::Packet> pkts);
  [[nodiscard]] std::size_t keep_own(std::span<nic::Packet> pkts);
  void hand_over(unsigned worker);
  void send_for_others();

  site::Commons& commons_;
  share::Counters& counters_;
  WireOutlet wire_;
  std::vector<Lane> lanes_;  // one a worker; empty when every worker has a queue of every port
  unsigned worker_;
  std::size_t next_port_{};  // whose packets come first the next time
};

}  // namespace viaduct::edge
