// SPDX-License-Identifier: Apache-2.0
// How a core that is no worker sends: through the control queue of a device that has one, else by ring to worker 0.
#pragma once
#include "viaduct/net/vlan.h"
#include "viaduct/nic/packet.h"
#include "viaduct/site/post.h"

namespace viaduct::site {

/// Give a frame that is ready to send, and on its port, the tag of its VLAN; 0: none. Shape: tag_bytes of headroom are left.
inline void tag(nic::Packet& p, std::uint16_t vlan) {
  if (vlan != 0) [[unlikely]]
    p.set(net::insert_tag(p.data(), vlan), p.bytes() + net::tag_bytes);
}
/// The same for one that may have come by another link, or by none.
inline void direct(nic::Packet& p, base::Link link) {
  p.set_port(link.port());
  tag(p, link.vlan());
}

/// Thread: the control core's, or one shard's that has no queue.
class Wire {
 public:
  Wire(Commons& commons, bool may_use_control_queue);
  /// Send a message of this node's own from a listener, by the control core when the next hop's MAC is unknown. False: no buffer, no way, no room; counted.
  bool post(const Listener& from, const base::Endpoint& to, std::string_view message);
  /// Send a datagram of ours, in fragments if it must be, or count it as refused and free it. True when it is on its way.
  bool send(nic::Packet p);
  /// The same for a frame that goes as it is: the kernel's, or an answer to one that came in one piece.
  bool send_as_it_is(nic::Packet p);
  [[nodiscard]] const share::Counter& sent() const { return sent_; }
  [[nodiscard]] const share::Counter& refused() const { return refused_; }

 private:
  [[nodiscard]] bool send_large(nic::Packet p);
  [[nodiscard]] nic::Packet holding(std::string_view message);
  [[nodiscard]] bool ask_for_hop(nic::Packet p, const LinkAddress& hop);
  Commons& commons_;
  Fragmenter fragmenter_;
  bool may_use_control_queue_;
  share::Counter sent_;
  share::Counter refused_;
};

}  // namespace viaduct::site
