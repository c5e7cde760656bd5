// SPDX-License-Identifier: Apache-2.0
// What a home is spared: its worker's share of the rate that the operator has set for it, or of what the home itself asks for, the least important requests first.
#pragma once
#include <array>
#include <memory>

#include "buckets.h"
#include "job.h"
#include "viaduct/site/overload.h"

namespace viaduct::edge {

/// In which order requests are refused: of the first kind before any of the second. `none`: never.
enum class Importance : std::uint8_t { none, first, second, third, last };
inline constexpr std::size_t importances_count = 5;

/// Requests that would begin something: first OPTIONS, SUBSCRIBE, PUBLISH and whatever else, then REGISTERs without credentials, then those with them, then INVITE. Never what belongs
/// to something that has begun (ACK, BYE, CANCEL, PRACK, all inside dialogs), nor an emergency. Credentials tell who answers a challenge, for which the home has worked already, and who
/// refreshes with those of the last time; after a loss of power all come without. A stateless edge knows no more of a client of another home.
/// Source: RFC 7339 5.10.1, 7.2; RFC 3261 20.26, 22.1.
[[nodiscard]] Importance importance(const sip::Message& request);

/// Why a request is not to go to its home.
enum class Shed : std::uint8_t {
  no,
  limit,  ///< it gets as many as the operator lets go there
  asked  ///< it has asked for fewer
};

/// The time of a burst, on the clock of nic::ticks().
struct Moment {
  std::uint64_t ns{};
  std::uint64_t ms{};
};

/// Thread: its worker's. Memory: all of it taken here.
class Shedder {
 public:
  /// Each of so many workers has an equal share of a home's rate.
  explicit Shedder(unsigned workers);
  /// Of a burst that is judged: whether a request that is proxied to a home, or redirected there, is more than that home takes. Exempt ones are counted, too.
  [[nodiscard]] Shed look(const Job& job, const Site& site, const site::Overloads& overloads, const Moment& now);

 private:
  /// What this worker knows of a home that asks for less.
  struct Asking {
    assign::HomeIndex home{assign::no_home};
    std::array<std::uint8_t, importances_count> seen{};  ///< of the last hundreds of requests: how many of each kind
    std::uint64_t each_ns{}, paid_ns{};  ///< rate: of this worker's share, the time between two; and when what went is paid for
  };
  static constexpr std::size_t homes_asking_at_once = 4096;  // of more, some forget in turn what they have seen

  [[nodiscard]] Asking& asking(assign::HomeIndex home, Importance matters);
  [[nodiscard]] bool is_lost(const Asking& a, Importance matters, std::uint32_t percent);
  [[nodiscard]] bool is_above(Asking& a, Importance matters, std::uint32_t a_second, std::uint64_t now_ns) const;
  [[nodiscard]] bool is_above_limit(assign::HomeIndex home, Importance matters, std::uint32_t max_per_s, std::uint64_t now_ns);

  unsigned workers_;
  std::uint64_t random_{0x9e3779b97f4a7c15U};
  Buckets homes_;
  std::unique_ptr<Asking[]> asking_;
};

}  // namespace viaduct::edge
