// SPDX-License-Identifier: Apache-2.0
// Counts to loads, by balance::Estimator.
#include "likely.h"

#include <cstdint>

#include "viaduct/balance/estimate.h"

namespace viaduct::migration {
namespace {

std::uint32_t counted(const control::ClientLoad& c) { return static_cast<std::uint32_t>(c.events + 0.5F); }

}  // namespace

Likely likely_loads(std::span<const control::ClientLoad> clients, std::uint64_t unknown) {
  balance::CountMoments moments;
  double events = 0, weight = 0, own_weight = 0;
  for (const control::ClientLoad& c : clients) {
    moments.add(counted(c));
    events += c.events, weight += c.weight, own_weight += c.own_weight;
  }
  moments.add(0, unknown);
  Likely out{.loads = std::vector<double>(clients.size())};
  if (events <= 0) return out;
  const double load_per_event = weight / events * clients.front().scale;   // of a middling client
  const balance::Estimator estimator(moments, {.probability = 1, .window_s = 1 / load_per_event, .memory = 0});
  for (std::size_t i = 0; i < clients.size(); ++i) {
    const control::ClientLoad& c = clients[i];
    const double kinds = c.events > 0 ? c.own_weight / c.events / (own_weight / events) : 1;   // calls weigh more than refreshes
    out.loads[i] = estimator.load(counted(c)) * kinds;
  }
  out.of_unknown = estimator.load(0);
  return out;
}

}  // namespace viaduct::migration
