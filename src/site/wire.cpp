// SPDX-License-Identifier: Apache-2.0
// Sending from beside the path, one packet at a time.
#include "viaduct/site/wire.h"

#include <cstring>

namespace viaduct::site {

Wire::Wire(Commons& commons, bool may_use_control_queue)
    : commons_(commons), fragmenter_(commons.ports, commons.identifications, commons.mtu_bytes), may_use_control_queue_(may_use_control_queue) {}

bool Wire::send(nic::Packet p) {
  const std::size_t tag = net::vlan_of(p.octets()) ? net::tag_bytes : 0;
  return Fragmenter::is_large(p.bytes() - tag) ? send_large(p) : send_as_it_is(p);
}

// A buffer with that message; empty when there is none.
nic::Packet Wire::holding(std::string_view message) {
  nic::Packet p = commons_.ports.allocate();
  if (p && p.tailroom() < message.size()) {
    nic::free(p);
    p = commons_.ports.allocate_large();
  }
  if (p && p.tailroom() < message.size()) {
    nic::free(p);
    return {};
  }
  if (p) std::memcpy(p.data(), message.data(), message.size());
  return p;
}

bool Wire::post(const Listener& from, const base::Endpoint& to, std::string_view message) {
  const Neighbours& neighbours = commons_.neighbours.read();
  const LinkAddress hop{.address = neighbours.next_hop(to.address).address, .link = from.link};
  nic::Packet p = hop.address.is_unset() ? nic::Packet{} : holding(message);
  if (!p) {
    refused_.add(1);
    return false;
  }
  const net::Mac* const mac = neighbours.find(hop.address, hop.link);
  const net::Envelope envelope{
      .source_mac = commons_.ports[from.link.port()].mac(), .destination_mac = mac != nullptr ? *mac : net::Mac{}, .source = from.endpoint, .destination = to};
  const std::uint8_t* const start = net::write_headers(p.data(), message.size(), envelope, commons_.ports.checksum_work());
  p.set(start, net::header_bytes(to.address.is_v4()) + message.size());
  direct(p, from.link);
  return mac != nullptr ? send(p) : ask_for_hop(p, hop);
}

// The control core sends it when it knows the MAC.
bool Wire::ask_for_hop(nic::Packet p, const LinkAddress& hop) {
  auto& note = p.note<Note>();
  note = {};
  note.kind = Note::Kind::unresolved;
  note.next_hop = hop;
  void* mail = p.raw();
  if (commons_.to_control.push({&mail, 1}) == 1) return true;
  refused_.add(1);
  nic::free(p);
  return false;
}

bool Wire::send_as_it_is(nic::Packet p) {
  void* mail = p.raw();
  nic::Port& port = commons_.ports[p.port()];
  const bool has_queue = may_use_control_queue_ && port.has_control_queue();
  const std::size_t taken = has_queue ? port.send(static_cast<std::uint16_t>(port.tx_queues() - 1), {&p, 1}) : commons_.to_wire.push({&mail, 1});
  (taken == 1 ? sent_ : refused_).add(1);
  if (taken == 0) nic::free(p);
  return taken == 1;
}

bool Wire::send_large(nic::Packet p) {
  const std::span<nic::Packet> fragments = fragmenter_.fit(p);
  if (fragments.empty()) refused_.add(1);
  bool all = !fragments.empty();
  for (const nic::Packet fragment : fragments) all = send_as_it_is(fragment) && all;
  return all;
}

}  // namespace viaduct::site
