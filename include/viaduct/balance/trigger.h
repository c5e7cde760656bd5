// SPDX-License-Identifier: Apache-2.0
// Whether a plan should be made now: hysteresis, a budget of moves an hour, and when to keep still. A state machine without a clock of its own.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "viaduct/balance/fleet.h"
#include "viaduct/balance/plan.h"

namespace viaduct::balance {

/// The first three and `churn_per_hour` are keys of the configuration.
struct Thresholds {
  double uneven{1.08};              ///< max/mean above this (less than the 1.10 that is to be kept: who hovers at it is above it in every other window) ...
  unsigned uneven_windows{3};       ///< ... in so many windows in a row, or
  double hot{1.25};                 ///< above this in one
  double down_ratio_max{0.20};      ///< with more of all homes down, it is this node's own network that should be doubted
  double churn_per_hour{0.01};      ///< of all clients; what is not used up is kept for an hour
  double events_per_client_min{1};  ///< see Estimator::events_per_client()
  double chance_max{0.001};         ///< of a window, that a fleet which is even is found uneven or hot since more clients came to one home than usual
};

/// What was seen since the window before.
struct Window {
  double now_s{};                ///< end of the window, on any clock that does not go back
  std::span<const Home> homes;   ///< loads of this window
  std::uint64_t clients{};
  double events_per_client{};    ///< what loads are estimated from
  bool is_moving{};              ///< a plan is being carried out
  bool is_doubtful{};            ///< so many homes looked dead in it that it was rather this node's own network: what came was repeated, and says nothing
};

/// Why no plan is to be made.
enum class Hold : std::uint8_t {
  none,            ///< one is to be made
  even,            ///< nothing is out of bounds, or not for long enough
  moving,          ///< one plan at a time
  homes_missing,   ///< Thresholds::down_ratio_max, or Window::is_doubtful
  too_few_events,  ///< loads would be guessed
  budget_spent     ///< Thresholds::churn_per_hour
};
[[nodiscard]] std::string_view name(Hold h);

struct Decision {
  std::optional<Reason> reason;  ///< a plan should be made, for this
  Hold hold{Hold::none};
  double moves_ratio_max{};  ///< for its Limits: what the budgets of a plan and of the hour allow; 0 when a home drains, and nothing else asks for a plan
};

/// Load is a count, and a count of few requests says little: a home that bears its share exceeds it by two errors in one window of forty, and the highest of many homes nearly always.
/// So a home is above its share when it exceeds that by more than chance explains, which for z errors and n homes is n exp(-z^2 / 2) at the most (Chernoff). Windows
/// that are uneven in a row are taken together: a small unevenness that stays is found out in the end, however short they are.
/// Thread: one at a time.
class Trigger {
 public:
  Trigger(const Thresholds& thresholds, const Limits& limits) : thresholds_(thresholds), limits_(limits) {}
  /// Once a window. A home that drains or is below its floor while it joins asks for a plan in each, which may find nothing to move.
  [[nodiscard]] Decision decide(const Window& window);
  /// A plan is carried out: its moves count against the hour's budget, but for those that leave homes (Plan::clients_leaving).
  void spend(const Plan& plan);
  /// From the next window on. What was seen and spent still counts.
  void set(const Thresholds& thresholds, const Limits& limits);

 private:
  [[nodiscard]] Hold hold_by_load(const Window& window) const;
  [[nodiscard]] std::optional<Reason> reason(const Window& window);
  void note_uneven(const Window& window, double ratio);
  [[nodiscard]] bool is_above(std::span<const Home> homes, double ratio) const;
  void refill(const Window& window);

  Thresholds thresholds_;
  Limits limits_;
  unsigned uneven_windows_{};
  std::vector<Home> uneven_;  // the homes in these windows together: sums of their loads and capacities, their errors together
  std::optional<double> refilled_s_;
  double moves_left_{};  // clients
};

}  // namespace viaduct::balance
