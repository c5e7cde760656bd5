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

std::size_t WireOutlet::push(std::span<nic::Packet> pkts) { return has_queue_ ? port_.send(queue_, pkts) : ring_.push(as_mail(pkts)); }

void WireOutlet::flush() {
  if (count_ == 0) return;
  const std::span<nic::Packet> all{staged_.data(), std::exchange(count_, 0)};
  const std::size_t taken = push(all);
  counters_.tx_pkts.add(taken);
  if (taken == all.size()) return;
  counters_.tx_full.add(all.size() - taken);
  nic::free(all.subspan(taken));
}

}  // namespace viaduct::edge
