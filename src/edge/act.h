// SPDX-License-Identifier: Apache-2.0
// The only hands on a packet: what a judgement says is done here, in the packet's own buffer.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "job.h"
#include "limiter.h"
#include "outlet.h"
#include "timing.h"
#include "tracer.h"
#include "viaduct/edge/compose.h"
#include "viaduct/site/post.h"

namespace viaduct::edge {

/// The way of a message that travels on.
struct Passage {
  const Listener& from;
  const base::Endpoint& to;
  site::Hop hop;
};

/// One worker's hands. Every packet given to `act` has a new owner when it returns: an outlet, or its pool.
class Actor {
 public:
  Actor(site::Commons& commons, unsigned worker);

  /// Of this burst: who says whether an answer may be sent; null when nobody limits them.
  void keep_to(Limiter* limiter) { limiter_ = limiter; }
  /// Of the next job: who wants copies of what is sent for it; null when nobody does.
  void trace_by(const Tracing* tracing) { tracing_ = tracing; }
  /// Carry out a job's judgement, with the snapshots of this burst. The packet's verdict is counted here, once.
  void act(Job& job, const Site& site, const site::Neighbours& neighbours, std::uint32_t now_min);
  /// A frame that is not UDP for us: ARP, ND, an echo request or an ICMP error; the control core gets it.
  void act_on_frame(Job& job);
  void drop(Job& job, base::Drop why);
  /// A frame that is nothing for this node, for that reason: the kernel's where it has a share of the device, else dropped.
  void refuse(Job& job, base::Drop why);
  /// Send and hand on what this burst has staged.
  void flush();
  /// More REGISTERs wait than the registrar soon does: at any of its shards, or at that client's. As it was at the last flush.
  [[nodiscard]] bool is_registrar_crowded() const { return is_crowded_; }
  [[nodiscard]] bool is_registrar_crowded(const sip::ClientKey& client) { return shard_of(client).is_crowded(); }

 private:
  void answer(Job& job, const Site& site, const Stamp& stamp);
  void travel(Job& job, const Site& site, const site::Neighbours& neighbours, const Stamp& stamp);
  void hand_to_registrar(Job& job);
  void hand_to_control(Job& job, site::Note::Kind kind, base::Verdict verdict);
  [[nodiscard]] std::span<char> answer_room(const Job& job);
  [[nodiscard]] static const Listener* egress(const Job& job, const Site& site, const base::Endpoint& to, base::Link by);
  /// Octets of a message of so many with its edits; a negative growth wraps to the right sum.
  [[nodiscard]] std::size_t grown_bytes(std::size_t bytes) const { return bytes + static_cast<std::size_t>(edits_.growth()); }
  void refuse_growth(Job& job, const Site& site, const Stamp& stamp);
  [[nodiscard]] std::span<char> apply_edits(Job& job, std::span<char> message, const Passage& way);
  void send_to(Job& job, std::span<char> message, const Passage& way, const site::Neighbours& neighbours);
  void wait_for_hop(Job& job, const Passage& way);
  void send(const Job& job, std::size_t untagged_bytes);
  void send_large(const Job& job);
  [[nodiscard]] ShardOutlet& shard_of(const sip::ClientKey& client) { return registrar_[assign::shard_of(client, registrar_.size())]; }

  site::Commons& commons_;
  share::Counters& counters_;
  Limiter* limiter_{};
  const Tracing* tracing_{};
  bool is_crowded_{};
  Marking marking_;
  std::array<net::Mac, base::ports_max> macs_{};   // of each port
  net::ChecksumWork checksum_work_;
  WireOutlet wire_;
  std::vector<ShardOutlet> registrar_;   // one a shard
  RingOutlet control_;
  RingOutlet kernel_;
  site::Fragmenter fragmenter_;
  sip::Edits edits_;
  std::array<char, base::large_packet_bytes_max> scratch_;
};

}  // namespace viaduct::edge
