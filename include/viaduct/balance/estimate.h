// SPDX-License-Identifier: Apache-2.0
// From counts of sampled events to loads: shrunk towards what clients are like, and told by one octet on a logarithmic scale.
#pragma once
#include <cstdint>

namespace viaduct::balance {

/// A client's load as one octet: 8 classes an octave, from 2^-20 units a second (one in twelve days) to 2^11.875.
using LoadClass = std::uint8_t;

/// Units a second that a class stands for.
[[nodiscard]] double load_of(LoadClass c);
/// The class nearest to a load on the logarithmic scale; the first or the last one where it is off the scale.
[[nodiscard]] LoadClass class_of(double load);

/// What a counter has counted. A counter that starts anew at each harvest has memory 0; one that is multiplied by `memory` at each harvest remembers
/// 1 / (1 - memory) windows.
struct Sampling {
  double probability{1};  ///< of an event to be counted
  double window_s{300};   ///< between two harvests
  double memory{};        ///< 0 to below 1
};

/// The moments of all clients' counters, as a harvest adds them up.
class CountMoments {
 public:
  /// So many clients whose counters stand at `count`.
  void add(std::uint32_t count, std::uint64_t clients = 1) {
    clients_ += clients;
    sum_ += clients * count;
    squares_ += clients * count * count;
  }
  [[nodiscard]] std::uint64_t clients() const { return clients_; }
  [[nodiscard]] double mean() const;
  [[nodiscard]] double variance() const;
  friend CountMoments operator+(const CountMoments& a, const CountMoments& b);

 private:
  std::uint64_t clients_{}, sum_{}, squares_{};
};

/// The posterior mean of a client's load, where clients' rates follow a Gamma distribution and counts, given the rate, a Poisson one; the Gamma's parameters by
/// the moments of the counts. Planning with raw counts moves those who were counted high by luck, and leaves the load where it is.
/// Thread: immutable once made.
/// Source: Robbins, empirical Bayes; the negative binomial's moments.
class Estimator {
 public:
  Estimator(const CountMoments& moments, const Sampling& sampling);
  /// Units a second of a client whose counter stands at `count`.
  [[nodiscard]] double load(std::uint32_t count) const { return (effective_events_ * count + shape_) * load_per_event_; }
  /// Counted events of the mean client, all that the counters remember: below 1, no plan should be made of them.
  [[nodiscard]] double events_per_client() const { return events_per_client_; }

 private:
  double effective_events_{}, shape_{}, load_per_event_{}, events_per_client_{};
};

}  // namespace viaduct::balance
