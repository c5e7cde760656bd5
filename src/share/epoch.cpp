// SPDX-License-Identifier: Apache-2.0
// Quiescent points by rte_rcu_qsbr. What is reclaimed, and when somebody looks, is the writers' business.
#include "viaduct/share/epoch.h"

#include <rte_rcu_qsbr.h>

#include "aligned.h"
#include "sanitizer.h"

namespace viaduct::share {

struct Epoch::Impl {
  Aligned<rte_rcu_qsbr> variable;
};

Epoch::Epoch(unsigned readers_max) : impl_(std::make_unique<Impl>()) {
  impl_->variable = allocate_aligned<rte_rcu_qsbr>(rte_rcu_qsbr_get_memsize(readers_max));
  base::check(rte_rcu_qsbr_init(impl_->variable.get(), readers_max) == 0, "an RCU variable for at least one reader");
}
Epoch::~Epoch() = default;

void Epoch::enter(unsigned reader) {
  base::check(rte_rcu_qsbr_thread_register(impl_->variable.get(), reader) == 0, "a reader's index below readers_max");
  rte_rcu_qsbr_thread_online(impl_->variable.get(), reader);
}
void Epoch::leave(unsigned reader) {
  rte_rcu_qsbr_thread_offline(impl_->variable.get(), reader);
  tell_release(impl_.get());  // who finds the reader gone finds it through DPDK's library
  base::check(rte_rcu_qsbr_thread_unregister(impl_->variable.get(), reader) == 0, "a reader's index below readers_max");
}
void Epoch::quiescent(unsigned reader) { rte_rcu_qsbr_quiescent(impl_->variable.get(), reader); }
void Epoch::offline(unsigned reader) { rte_rcu_qsbr_thread_offline(impl_->variable.get(), reader); }
void Epoch::online(unsigned reader) { rte_rcu_qsbr_thread_online(impl_->variable.get(), reader); }

GraceToken Epoch::start() { return {rte_rcu_qsbr_start(impl_->variable.get())}; }
bool Epoch::is_over(GraceToken token) {
  const bool over = rte_rcu_qsbr_check(impl_->variable.get(), token.value, false) == 1;
  if (over) tell_acquire(impl_.get());
  return over;
}

}  // namespace viaduct::share
