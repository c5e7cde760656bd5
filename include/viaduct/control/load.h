// SPDX-License-Identifier: Apache-2.0
// The load of homes, clients and slots as the operator and the planner see it, and how counts become that. No clock, no threads.
#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "viaduct/assign/assignment.h"
#include "viaduct/assign/homes.h"
#include "viaduct/site/load.h"

namespace viaduct::control {

/// One home over a window. Load is requests weighed by kind (site::kind_weights).
struct HomeLoad {
  std::string name;
  assign::HomeState state{};
  std::uint32_t weight{1};
  std::uint32_t capacity{};      ///< messages a second; 0: not said
  std::uint64_t clients{};       ///< placed there explicitly, and known to live there by their slot
  double messages_per_s{};       ///< requests of all kinds
  double registers_per_s{};
  std::array<double, site::response_classes_count> responses_per_s{};   ///< 1xx to 6xx
  double load_per_s{};
  double load_error_per_s{};     ///< its standard deviation by the chance of when requests come
  double shed_per_s{};           ///< requests refused in its place; of these, since it has asked for fewer:
  double shed_asked_per_s{};
  std::uint64_t timed{};         ///< answers that were timed
  std::array<double, 3> answer_ms{};   ///< of these, what a half, 95 and 99 of a hundred stayed below; 0 without any
  double utilisation{};          ///< messages_per_s over capacity; 0 when that is not said
  double share{};                ///< of the load of all homes
  double relative{};             ///< load over weight, against the mean of the homes that are up: 1 is even
  double trend{};                ///< load_per_s against the mean of up to three windows before: 0.1 is a tenth more; 0 without any
};

/// What so many of all times stay below, ms, by how many there are in each site::answer_time_class; inside a class they are taken as evenly spread. 0 without any.
[[nodiscard]] double answer_time_ms(std::span<const std::uint64_t> counts, double part);

/// All homes over a window, by assign::HomeIndex; those that were removed are there, too.
struct LoadWindow {
  std::uint64_t number{};  ///< of a closed one, from 1; else 0
  double seconds{};
  std::vector<HomeLoad> homes;
  double load_per_s{};
  double max_over_mean{1};  ///< the highest `relative` of a home that is up; 1 without load
};

/// A client that samples have told of.
struct ClientLoad {
  sip::ClientKey key;
  std::string aor;  ///< canonical; empty when what named it was too long to be kept
  assign::HomeIndex home{assign::no_home};  ///< assigned now
  assign::Layer layer{};  ///< ... by what
  float events{};  ///< samples of it, decayed
  float weight{};  ///< load that they stand for, decayed likewise
  float own_weight{};  ///< load of the samples themselves, decayed likewise
  float scale{};  ///< `weight` to load a second
  [[nodiscard]] double load_per_s() const { return double{weight} * scale; }
};

/// What another node of the fleet has seen: its last window, by assign::HomeIndex, and the clients with the most load.
struct SeenElsewhere {
  double seconds{};
  std::vector<HomeLoad> homes;  ///< of each what is counted: rates, and the error of the load
  std::vector<ClientLoad> clients;  ///< key and layer are not told
};
/// Add it to what this node has seen itself.
void add(const SeenElsewhere& elsewhere, std::vector<HomeLoad>& homes);

/// A slot, as far as clients live by it: those with an entry of their own do not count.
struct SlotLoad {
  assign::HomeIndex home{assign::no_home};
  float load_per_s{};
  std::uint32_t clients{};  ///< tracked ones
};

/// The homes' counters at a moment.
struct LoadReading {
  std::vector<site::HomeSums> sums;  ///< by home
  double at_s{};
};
[[nodiscard]] LoadReading read_load(const site::Load& load, std::size_t homes, double at_s);

/// What a window of the homes is compared with: their loads in the windows before.
class LoadHistory {
 public:
  void add(const LoadWindow& window);
  /// Mean load of a home; 0 when there was none.
  [[nodiscard]] double mean(std::size_t home) const;

 private:
  std::deque<std::vector<double>> loads_;  // oldest first
};

/// The window between two readings. Shape: clients by home; places that are missing are 0. Thread: any; pure.
[[nodiscard]] LoadWindow window_between(const LoadReading& before, const LoadReading& after, const std::vector<assign::Home>& homes,
                                        const std::vector<std::uint64_t>& clients, const LoadHistory& history);

/// One request in so many is to be sampled when so many clients' requests come a second.
[[nodiscard]] std::uint32_t one_in(double requests_per_s);

}  // namespace viaduct::control
