// SPDX-License-Identifier: Apache-2.0
// Room for counts, and their sums.
#include "viaduct/site/load.h"

#include <sys/random.h>

#include "viaduct/base/check.h"

namespace viaduct::site {
namespace {

std::uint64_t random_number() {
  std::uint64_t out = 0;
  base::check(getrandom(&out, sizeof out, 0) == static_cast<ssize_t>(sizeof out), "random octets from the system");
  return out;
}

}  // namespace

Tallies::~Tallies() {
  for (auto& piece : pieces_) delete[] piece.load(std::memory_order_relaxed);
}

void Tallies::cover(std::size_t homes) {
  for (std::size_t i = 0; i * piece_homes < homes; ++i)
    if (pieces_[i].load(std::memory_order_relaxed) == nullptr) pieces_[i].store(new HomeTally[piece_homes], std::memory_order_release);
}

Load::Load(unsigned workers, std::size_t homes) : mark_secret(random_number()) {
  for (unsigned i = 0; i < workers; ++i) workers_.push_back(std::make_unique<WorkerLoad>());
  cover(homes);
}

void Load::cover(std::size_t homes) {
  for (const auto& worker : workers_) worker->tallies.cover(homes);
  overloads.cover(homes);
}

HomeSums Load::sums(assign::HomeIndex home) const {
  HomeSums out;
  for (const auto& worker : workers_) {
    const HomeTally* const tally = worker->tallies.find(home);
    if (tally == nullptr) continue;
    for (std::size_t i = 0; i < out.requests.size(); ++i) out.requests[i] += tally->requests[i].get();
    for (std::size_t i = 0; i < out.responses.size(); ++i) out.responses[i] += tally->responses[i].get();
    for (std::size_t i = 0; i < out.answer_times.size(); ++i) out.answer_times[i] += tally->answer_times[i].get();
    out.shed += tally->shed.get();
    out.shed_asked += tally->shed_asked.get();
  }
  return out;
}

}  // namespace viaduct::site
