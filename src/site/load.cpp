// SPDX-License-Identifier: Apache-2.0
// Room for counts, and their sums.
#include "viaduct/site/load.h"

namespace viaduct::site {

Tallies::~Tallies() {
  for (auto& piece : pieces_) delete[] piece.load(std::memory_order_relaxed);
}

void Tallies::cover(std::size_t homes) {
  for (std::size_t i = 0; i * piece_homes < homes; ++i)
    if (pieces_[i].load(std::memory_order_relaxed) == nullptr) pieces_[i].store(new HomeTally[piece_homes], std::memory_order_release);
}

Load::Load(unsigned workers, std::size_t homes) {
  for (unsigned i = 0; i < workers; ++i) workers_.push_back(std::make_unique<WorkerLoad>());
  cover(homes);
}

void Load::cover(std::size_t homes) {
  for (const auto& worker : workers_) worker->tallies.cover(homes);
}

HomeSums Load::sums(assign::HomeIndex home) const {
  HomeSums out;
  for (const auto& worker : workers_) {
    const HomeTally* const tally = worker->tallies.find(home);
    if (tally == nullptr) continue;
    for (std::size_t i = 0; i < out.requests.size(); ++i) out.requests[i] += tally->requests[i].get();
    for (std::size_t i = 0; i < out.responses.size(); ++i) out.responses[i] += tally->responses[i].get();
  }
  return out;
}

}  // namespace viaduct::site
