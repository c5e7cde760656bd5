// SPDX-License-Identifier: Apache-2.0
// Sending from beside the path, one packet at a time.
#include "viaduct/site/wire.h"

namespace viaduct::site {

Wire::Wire(Commons& commons, bool may_use_control_queue)
    : commons_(commons),
      fragmenter_(commons.port, commons.identifications, commons.mtu_bytes),
      has_queue_(may_use_control_queue && commons.port.has_control_queue()) {}

bool Wire::send(nic::Packet p) {
  const std::size_t tag = net::vlan_of(p.octets()) ? net::tag_bytes : 0;
  return fragmenter_.must_cut(p.bytes() - tag) ? send_fragments(p) : push(p);
}

bool Wire::push(nic::Packet p) {
  void* mail = p.raw();
  const std::size_t taken =
      has_queue_ ? commons_.port.send(static_cast<std::uint16_t>(commons_.port.tx_queues() - 1), {&p, 1}) : commons_.to_wire.push({&mail, 1});
  (taken == 1 ? sent_ : refused_).add(1);
  if (taken == 0) nic::free(p);
  return taken == 1;
}

bool Wire::send_fragments(nic::Packet p) {
  const std::span<nic::Packet> fragments = fragmenter_.cut(p);
  if (fragments.empty()) refused_.add(1);
  bool all = !fragments.empty();
  for (const nic::Packet fragment : fragments) all = push(fragment) && all;
  return all;
}

}  // namespace viaduct::site
