// SPDX-License-Identifier: Apache-2.0
// Whether a home has more than it manages, by what it answers and asks for; and how fast clients may be moved to it then.
#pragma once
#include <cstdint>

#include "viaduct/site/load.h"

namespace viaduct::migration {

/// A home that answers so many of all requests with 5xx has too much.
inline constexpr double refusals_ratio_max = 0.1;
inline constexpr double refusals_min = 3;   // fewer say nothing
inline constexpr std::size_t server_failures = 4;   // 5xx, among classes from 1xx on

[[nodiscard]] constexpr bool is_congested(double answers, double refusals) { return refusals >= refusals_min && refusals > answers * refusals_ratio_max; }

/// The part of its pace at which clients may be moved to a home: halved each second in which it has too much, and full again a minute after.
/// Thread: one at a time.
class Congestion {
 public:
  /// Of a home whose responses are counted so far, and the requests that it was spared since it has asked for fewer. Shape: sums do not fall.
  void note(const site::HomeSums& sums, double seconds);
  [[nodiscard]] double pace_ratio() const { return pace_ratio_; }

 private:
  double seconds_{};   // since it was looked at
  std::uint64_t answers_{}, refusals_{}, spared_{};
  bool is_seen_{};
  double pace_ratio_{1};
};

}  // namespace viaduct::migration
