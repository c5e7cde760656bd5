// SPDX-License-Identifier: Apache-2.0
// Receiving: queue first, then the ring; sharing out by flow where queues are fewer than workers.
#include "inlet.h"

#include <cstring>
#include <utility>

#include "viaduct/net/vlan.h"

namespace viaduct::edge {
namespace {

// Source address and UDP source port, at their place in an ordinary frame of each IP version; from the type, which a tag moves.
struct Flow {
  std::size_t address_at, address_bytes, protocol_at, port_at;
};
constexpr std::size_t type_at = 12;
constexpr Flow ipv4_flow{.address_at = 26, .address_bytes = 4, .protocol_at = 23, .port_at = 34};
constexpr Flow ipv6_flow{.address_at = 22, .address_bytes = 16, .protocol_at = 20, .port_at = 54};
constexpr std::uint64_t odd_multiplier = 0x9e3779b97f4a7c15U;
constexpr std::uint8_t protocol_udp = 17;

// A fragment shows no port, or octets of a message in its place: all of a datagram go by their address.
bool shows_port(const std::uint8_t* frame, const Flow& flow) {
  const bool is_fragment = flow.address_bytes == 4 && ((frame[20] & 0x3f) | frame[21]) != 0;
  return frame[flow.protocol_at] == protocol_udp && !is_fragment;
}

unsigned worker_of(nic::Packet p, std::size_t workers) {
  const std::size_t shift = net::vlan_of(p.octets()) ? net::tag_bytes : 0;
  if (p.bytes() < shift + ipv4_flow.port_at) return 0;
  const std::uint8_t* const frame = p.data() + shift;
  const Flow& flow = frame[type_at] == 0x86 && frame[type_at + 1] == 0xdd ? ipv6_flow : ipv4_flow;
  if (p.bytes() < shift + flow.port_at + 2) return 0;
  std::uint64_t mixed = 0;
  for (std::size_t at = flow.address_at; at < flow.address_at + flow.address_bytes; at += 4) {
    std::uint32_t word = 0;
    std::memcpy(&word, frame + at, sizeof word);
    mixed = (mixed ^ word) * odd_multiplier;
    mixed ^= mixed >> 32;
  }
  std::uint16_t port = 0;
  if (shows_port(frame, flow)) std::memcpy(&port, frame + flow.port_at, sizeof port);
  mixed = (mixed ^ port) * odd_multiplier;
  return static_cast<unsigned>(((mixed >> 32) * workers) >> 32);
}

}  // namespace

Inlet::Inlet(site::Commons& commons, unsigned worker)
    : commons_(commons),
      counters_(commons.counters[worker]),
      wire_(commons.ports, 0, commons.to_wire, counters_),
      lanes_(commons.ports.lacks_queues(commons.counters.size()) ? commons.counters.size() : 0),
      worker_(worker) {}

std::size_t Inlet::receive(std::span<nic::Packet> pkts) {
  if (worker_ == 0) send_for_others();
  if (lanes_.empty() && commons_.ports.size() == 1) [[likely]]
    return commons_.ports[0].receive(static_cast<std::uint16_t>(worker_), pkts);
  std::size_t count = 0;
  for (std::size_t i = 0; i < commons_.ports.size() && count < pkts.size(); ++i) {
    count += receive(next_port_, pkts.subspan(count));
    next_port_ = next_port_ + 1 < commons_.ports.size() ? next_port_ + 1 : 0;
  }
  if (lanes_.empty()) return count;
  const std::span<nic::Packet> rest = pkts.subspan(count);
  return count + commons_.to_worker[worker_]->pop({reinterpret_cast<void**>(rest.data()), rest.size()});
}

std::size_t Inlet::receive(std::size_t number, std::span<nic::Packet> pkts) {
  nic::Port& port = commons_.ports[number];
  if (worker_ >= port.rx_queues()) return 0;
  const std::span<nic::Packet> received = pkts.first(port.receive(static_cast<std::uint16_t>(worker_), pkts));
  return port.rx_queues() < lanes_.size() ? keep_own(received) : received.size();
}

// Moves this worker's packets to the front; returns how many.
std::size_t Inlet::keep_own(std::span<nic::Packet> pkts) {
  std::size_t own = 0;
  for (const nic::Packet p : pkts) {
    const unsigned worker = worker_of(p, lanes_.size());
    if (worker == worker_)
      pkts[own++] = p;
    else
      lanes_[worker].staged[lanes_[worker].count++] = p;
  }
  for (unsigned w = 0; w < lanes_.size(); ++w) hand_over(w);
  return own;
}

void Inlet::hand_over(unsigned worker) {
  Lane& lane = lanes_[worker];
  const std::size_t count = std::exchange(lane.count, 0);
  if (count == 0) return;
  const std::size_t taken = commons_.to_worker[worker]->push({reinterpret_cast<void* const*>(lane.staged.data()), count});
  counters_.rx_pkts.add(count);
  counters_.handed_over.add(taken);
  for (std::size_t i = taken; i < count; ++i) counters_.count(base::Drop::worker_ring_full);
  nic::free(std::span<nic::Packet const>{lane.staged.data() + taken, count - taken});
}

void Inlet::send_for_others() {
  std::array<nic::Packet, base::burst_pkts_max> pkts;
  const std::size_t count = commons_.to_wire.pop({reinterpret_cast<void**>(pkts.data()), pkts.size()});
  for (std::size_t i = 0; i < count; ++i) wire_.stage(pkts[i]);
  wire_.flush();
}

}  // namespace viaduct::edge
