// SPDX-License-Identifier: Apache-2.0
// Frames between the workers' ring, the kernel and the wire, a few at a time: neither a storm of junk nor a busy kernel starves the rest of a round.
#include "viaduct/control/exception_path.h"

#include <array>

#include "viaduct/net/frame.h"
#include "viaduct/net/vlan.h"

namespace viaduct::control {
namespace {

// Each costs a system call, and the kernel's work with a frame is done in it: some 3 us, so that 32 both ways take a round 0.2 ms.
constexpr std::size_t frames_a_turn = 32;
constexpr std::size_t ethernet_bytes = 14;

}  // namespace

std::size_t ExceptionPath::turn() {
  std::size_t frames = to_kernel();
  for (std::size_t port = 0; port < taps_.size(); ++port) frames += from_kernel(port);
  return frames;
}

std::size_t ExceptionPath::to_kernel() {
  std::array<nic::Packet, frames_a_turn> pkts;
  const std::size_t count = commons_.to_kernel.pop({reinterpret_cast<void**>(pkts.data()), pkts.size()});
  for (std::size_t i = 0; i < count; ++i) take(pkts[i]);
  return count;
}

void ExceptionPath::give(nic::Packet p, base::Link link) {
  site::direct(p, link);
  take(p);
}

void ExceptionPath::take(nic::Packet p) {
  if (!taps_.empty()) (taps_[p.port()].write(p.octets()) ? counters_.kernel_taken : counters_.kernel_refused).add(1);
  nic::free(p);
}

// What finds no buffer stays in the interface's queue, which the kernel bounds.
std::size_t ExceptionPath::from_kernel(std::size_t port) {
  for (std::size_t count = 0; count < frames_a_turn; ++count) {
    nic::Packet p = commons_.mtu_bytes > base::mtu_bytes ? commons_.ports.allocate_large() : commons_.ports.allocate();
    if (!p) return count;
    const std::size_t bytes = taps_[port].read({p.data(), p.tailroom()});
    if (bytes == 0) {
      nic::free(p);
      return count;
    }
    p.set(p.data(), bytes);
    p.set_port(static_cast<std::uint16_t>(port));
    send(p);
  }
  return frames_a_turn;
}

// One that was cut off when it was read is above the MTU, too.
void ExceptionPath::send(nic::Packet p) {
  const std::size_t tag_bytes = net::vlan_of(p.octets()) ? net::tag_bytes : 0;
  if (p.bytes() > ethernet_bytes + tag_bytes + commons_.mtu_bytes) {
    counters_.kernel_too_large.add(1);
    return nic::free(p);
  }
  if (commons_.ports.checksum_work() == net::ChecksumWork::offload) net::leave_udp_sum(p.octets());
  (wire_.send_as_it_is(p) ? counters_.kernel_sent : counters_.kernel_tx_full).add(1);
}

}  // namespace viaduct::control
