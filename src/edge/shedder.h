// SPDX-License-Identifier: Apache-2.0
// What a home that the operator has set a rate for is spared: its worker's share of that rate, the least important requests first.
#pragma once
#include <span>

#include "buckets.h"
#include "job.h"

namespace viaduct::edge {

/// How much of a home's bucket requests of a kind may use up: while it empties, those of the first are refused first. `none`: never refused.
enum class Importance : std::uint8_t { none, first, second, last };

/// Requests that would begin something: first OPTIONS, SUBSCRIBE, PUBLISH and whatever else, then REGISTER, then INVITE. Never what belongs to something that has
/// begun (ACK, BYE, CANCEL, all inside dialogs), nor an emergency.
/// Source: RFC 7339 5.10.1, 7.2; RFC 3261 20.26.
[[nodiscard]] Importance importance(const sip::Message& request);

/// Thread: its worker's. Memory: all of it taken here.
class Shedder {
 public:
  /// Each of so many workers has an equal share of a home's rate.
  explicit Shedder(unsigned workers);
  /// Of a burst that is judged: whether a request that is proxied to a home, or redirected there, is more than that home takes.
  [[nodiscard]] bool is_too_much(const Job& job, const Site& site, std::uint64_t now_ns);

 private:
  unsigned workers_;
  Buckets homes_;
};

}  // namespace viaduct::edge
