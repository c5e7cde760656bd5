// SPDX-License-Identifier: Apache-2.0
#include "registrar/storm.h"

#include <immintrin.h>

#include "outlet.h"

namespace viaduct::bench {
namespace {

/// A worker's part: REGISTERs as fast as it can, by the path's own outlet, but not more than a multiple of what the shard has taken.
class Worker {
 public:
  Worker(Traffic& traffic, const Storm& storm, const std::function<std::uint32_t()>& user)
      : traffic_(traffic),
        storm_(storm),
        user_(user),
        ring_(*traffic.stand().commons.to_registrar.front()),
        outlet_(ring_, traffic.stand().commons.counters.front()) {}

  void run() {
    while (!is_over.load(std::memory_order_relaxed)) {
      if (ring_.count() >= storm_.waiting_max || offered_ > storm_.offered_per_taken_max * (taken.load(std::memory_order_relaxed) + ring_.slots()))
        _mm_pause();
      else
        offer_some();
    }
  }
  std::atomic<std::uint64_t> taken{};
  std::atomic<bool> is_over{};

 private:
  void offer_some() {
    for (std::size_t i = 0; i < base::registrations_a_round; ++i, ++offered_) {
      const std::uint32_t who = user_();
      if (outlet_.is_crowded() && traffic_.stand().commons.locations.find(traffic_.key_of(who)) == nullptr) continue;
      // What a full ring refuses is not worth the time of being made.
      if (ring_.count() == ring_.slots()) continue;
      outlet_.stage(traffic_.next(who), base::Verdict::registered);
    }
    outlet_.flush();
  }

  Traffic& traffic_;
  Storm storm_;
  const std::function<std::uint32_t()>& user_;
  share::Ring& ring_;
  edge::ShardOutlet outlet_;
  std::uint64_t offered_{};
};

}  // namespace

Timed brave(Traffic& traffic, const Storm& storm, std::size_t registers, const std::function<std::uint32_t()>& user) {
  Worker worker(traffic, storm, user);
  nic::launch(0, [](void* w) { static_cast<Worker*>(w)->run(); }, &worker);
  // Until the ring is as full as it gets, nothing counts.
  Timed warm, all;
  const std::size_t warm_up = 2 * traffic.stand().commons.to_registrar.front()->slots();
  for (std::uint64_t seen = 0; all.received < registers;) {
    const Timed one = traffic.poll(1);
    if (one.received != 0) (warm.received < warm_up ? warm : all) += one;
    seen += one.received;
    worker.taken.store(seen, std::memory_order_relaxed);
  }
  worker.is_over.store(true);
  nic::join(0);
  traffic.poll();
  return all;
}

}  // namespace viaduct::bench
