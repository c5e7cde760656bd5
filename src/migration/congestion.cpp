// SPDX-License-Identifier: Apache-2.0
// Additive increase, multiplicative decrease.
#include "congestion.h"

#include <algorithm>
#include <numeric>

namespace viaduct::migration {
namespace {

constexpr double look_s = 1, recovered_s = 60, pace_ratio_min = 1.0 / 64;

}  // namespace

void Congestion::note(const site::HomeSums& sums, double seconds) {
  seconds_ += seconds;
  if (is_seen_ && seconds_ < look_s) return;
  const std::uint64_t answers = std::accumulate(sums.responses.begin() + 1, sums.responses.end(), std::uint64_t{0});   // final ones
  const std::uint64_t refusals = sums.responses[server_failures];
  if (is_seen_) {
    const bool has_too_much = sums.shed_asked != spared_ || is_congested(static_cast<double>(answers - answers_), static_cast<double>(refusals - refusals_));
    pace_ratio_ = has_too_much ? std::max(pace_ratio_ / 2, pace_ratio_min) : std::min(pace_ratio_ + seconds_ / recovered_s, 1.0);
  }
  is_seen_ = true;
  answers_ = answers;
  refusals_ = refusals;
  spared_ = sums.shed_asked;
  seconds_ = 0;
}

}  // namespace viaduct::migration
