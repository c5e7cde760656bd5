// SPDX-License-Identifier: Apache-2.0
// A bounded ring of pointers by rte_ring, in memory of its own. What a full ring means is the sender's business.
#include "viaduct/share/ring.h"

// The variant with C11 atomics says its orders to the compiler; on x86 both make the same instructions.
#define RTE_USE_C11_MEM_MODEL
#include <rte_ring.h>

#include <algorithm>

#include "aligned.h"
#include "sanitizer.h"

namespace viaduct::share {

struct Ring::Impl {
  Aligned<rte_ring> ring;
};

namespace {

[[gnu::always_inline]] inline std::size_t dequeue(rte_ring& ring, std::span<void*> items) {
  const Unjudged slots;
  return rte_ring_sc_dequeue_burst(&ring, items.data(), static_cast<unsigned>(items.size()), nullptr);
}

}  // namespace

Ring::Ring(const std::string& name, std::size_t slots, Producers producers) : impl_(std::make_unique<Impl>()) {
  base::check(slots >= 1 && slots < RTE_RING_SZ_MASK / 2, "a ring has slots, and they can be counted");
  const auto count = static_cast<unsigned>(slots);
  // An exact ring keeps one slot more than it may hold.
  const auto bytes = rte_ring_get_memsize(rte_align32pow2(count + 1));
  base::check(bytes > 0, "a ring's size");
  impl_->ring = allocate_aligned<rte_ring>(static_cast<std::size_t>(bytes));
  // Many producers in RTS mode: one that is preempted half-way delays the consumer but lets the other producers pass (workers may share a CPU).
  const unsigned many = producers == Producers::many ? RING_F_MP_RTS_ENQ : RING_F_SP_ENQ;
  const std::string shown = name.substr(0, RTE_RING_NAMESIZE - 1);
  base::check(rte_ring_init(impl_->ring.get(), shown.c_str(), count, many | RING_F_SC_DEQ | RING_F_EXACT_SZ) == 0, "a ring's flags");
}
Ring::~Ring() = default;

std::size_t Ring::push(std::span<void* const> items) {
  tell_release(impl_.get());
  const Unjudged slots;
  return rte_ring_enqueue_burst(impl_->ring.get(), items.data(), static_cast<unsigned>(items.size()), nullptr);
}
std::size_t Ring::pop(std::span<void*> items) {
  const std::size_t count = dequeue(*impl_->ring, items);
  tell_acquire(impl_.get());
  return count;
}
std::size_t Ring::count() const { return rte_ring_count(impl_->ring.get()); }
std::size_t Ring::slots() const { return rte_ring_get_capacity(impl_->ring.get()); }

}  // namespace viaduct::share
