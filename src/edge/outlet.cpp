// SPDX-License-Identifier: Apache-2.0
// Flushing what a burst has staged.
#include "outlet.h"

#include <utility>

namespace viaduct::edge {
namespace {

// A handle is one pointer, so a span of handles is the span of pointers that a ring carries.
std::span<void* const> as_mail(std::span<nic::Packet const> pkts) { return {reinterpret_cast<void* const*>(pkts.data()), pkts.size()}; }

}  // namespace

void RingOutlet::flush() {
  if (count_ == 0) return;
  const std::span<nic::Packet> all{staged_.data(), std::exchange(count_, 0)};
  const std::size_t taken = ring_.push(as_mail(all));
  for (std::size_t i = 0; i < taken; ++i) counters_.count(verdicts_[i]);
  if (taken == all.size()) return;
  for (std::size_t i = taken; i < all.size(); ++i) counters_.count(full_);
  nic::free(all.subspan(taken));
}

// The control core's queue, where there is one, is the last and no worker's.
WireOutlet::WireOutlet(const nic::Ports& ports, unsigned worker, share::Ring& ring, share::Counters& counters)
    : ports_(ports), ring_(ring), counters_(counters), queue_(static_cast<std::uint16_t>(worker)) {
  for (std::size_t i = 0; i < ports.size(); ++i) has_queue_[i] = worker < ports[i].tx_queues() - (ports[i].has_control_queue() ? 1U : 0U);
}

std::size_t WireOutlet::push(std::size_t port, std::span<nic::Packet> pkts) {
  return has_queue_[port] ? ports_[port].send(queue_, pkts) : ring_.push(as_mail(pkts));
}

void WireOutlet::flush_port(std::size_t port, std::span<nic::Packet> pkts) {
  const std::size_t taken = push(port, pkts);
  counters_.tx_pkts.add(taken);
  if (taken == pkts.size()) return;
  counters_.tx_full.add(pkts.size() - taken);
  nic::free(pkts.subspan(taken));
}

void WireOutlet::flush() {
  if (count_ == 0) return;
  if (ports_.size() > 1) [[unlikely]]
    return flush_by_port();
  flush_port(0, {staged_.data(), std::exchange(count_, 0)});
}

// In order at each port. Whose they are is read before any is sent: what was sent may be somebody else's by then.
[[gnu::noinline]] void WireOutlet::flush_by_port() {
  const std::span<nic::Packet> all{staged_.data(), std::exchange(count_, 0)};
  std::array<std::uint16_t, base::burst_pkts_max> port_of;
  for (std::size_t i = 0; i < all.size(); ++i) port_of[i] = all[i].port();
  for (std::size_t port = 0; port < ports_.size(); ++port) {
    std::array<nic::Packet, base::burst_pkts_max> here;
    std::size_t count = 0;
    for (std::size_t i = 0; i < all.size(); ++i)
      if (port_of[i] == port) here[count++] = all[i];
    if (count != 0) flush_port(port, {here.data(), count});
  }
}

}  // namespace viaduct::edge
