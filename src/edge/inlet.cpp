// SPDX-License-Identifier: Apache-2.0
// Receiving: queue first, then the ring; sharing out by flow where queues are fewer than workers.
#include "inlet.h"

#include <cstring>
#include <utility>

namespace viaduct::edge {
namespace {

// IPv4 source address and UDP source port, at their place in an ordinary frame; a frame too short for them all goes to worker 0.
constexpr std::size_t source_address_offset = 26;
constexpr std::size_t source_port_offset = 34;

unsigned worker_of(nic::Packet p, std::size_t workers) {
  if (p.bytes() < source_port_offset + 2) return 0;
  std::uint32_t address = 0;
  std::uint16_t port = 0;
  std::memcpy(&address, p.data() + source_address_offset, sizeof address);
  std::memcpy(&port, p.data() + source_port_offset, sizeof port);
  const std::uint64_t mixed = ((std::uint64_t{port} << 32) | address) * 0x9e3779b97f4a7c15U;
  return static_cast<unsigned>(((mixed >> 32) * workers) >> 32);
}

}  // namespace

Inlet::Inlet(site::Commons& commons, unsigned worker)
    : commons_(commons),
      counters_(commons.counters[worker]),
      wire_(commons.port, true, 0, commons.to_wire, counters_),
      lanes_(commons.port.rx_queues() < commons.counters.size() ? commons.counters.size() : 0),
      worker_(worker),
      has_queue_(worker < commons.port.rx_queues()) {}

std::size_t Inlet::receive(std::span<nic::Packet> pkts) {
  if (worker_ == 0) send_for_others();
  if (lanes_.empty()) return commons_.port.receive(static_cast<std::uint16_t>(worker_), pkts);
  std::size_t count = 0;
  if (has_queue_) count = keep_own(pkts.first(commons_.port.receive(static_cast<std::uint16_t>(worker_), pkts)));
  const std::span<nic::Packet> rest = pkts.subspan(count);
  return count + commons_.to_worker[worker_]->pop({reinterpret_cast<void**>(rest.data()), rest.size()});
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
