// SPDX-License-Identifier: Apache-2.0
// Sums of the cores' counters and the equations between them. Who shows them is not known here.
#include "viaduct/share/counters.h"

#include <numeric>

namespace viaduct::share {

void CounterSums::add(const Counters& c) {
#define X(name, what) name += c.name.get();
  VIADUCT_WORKER_COUNTERS(X)
#undef X
  for (std::size_t i = 0; i < verdicts.size(); ++i) verdicts[i] += c.verdicts[i].get();
  for (std::size_t i = 0; i < drops.size(); ++i) drops[i] += c.drops[i].get();
}

bool CounterSums::balanced() const {
  const auto judged = std::accumulate(verdicts.begin(), verdicts.end(), std::uint64_t{0});
  const auto reasons = std::accumulate(drops.begin(), drops.end(), std::uint64_t{0});
  return rx_pkts + second_homes == judged + handed_over && verdicts[std::to_underlying(base::Verdict::dropped)] == reasons;
}

}  // namespace viaduct::share
