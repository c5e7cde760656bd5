// SPDX-License-Identifier: Apache-2.0
// From what is measured to a plan: when one is due, whom it may move, and what the operator may ask of it. The planner itself is pure (balance).
#pragma once
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "viaduct/balance/plan.h"
#include "viaduct/balance/trigger.h"
#include "viaduct/control/health.h"
#include "viaduct/control/monitor.h"
#include "viaduct/migration/mover.h"

namespace viaduct::migration {

/// `propose`: a plan that is due is kept to be looked at; `apply`: it is carried out.
enum class Auto : std::uint8_t { off, propose, apply };

struct BalanceSettings {
  Auto automatic{Auto::propose};
  balance::Limits limits;
  balance::Thresholds thresholds;
};

/// What an operator wants a plan for. Homes are named.
struct Wish {
  std::string without;                    ///< plan as if it drained; empty: none
  std::optional<balance::Home> with;      ///< plan as if there was one more, `new`
  std::optional<double> target;
  std::optional<double> moves_ratio_max;
  std::map<std::string, double> loads;    ///< plan as if these homes had so many units a second; their clients' loads go along
  bool is_forced{};                       ///< also on too little evidence, and though it gains little
};

struct Proposal {
  Plan plan;
  std::vector<Step> steps;
  balance::Plan outcome;   ///< what the planner made of it
};

/// Thread: start from the one that makes it; everything else from any but the control core.
class Balancer {
 public:
  Balancer(site::Commons& commons, control::Loop& loop, control::Placements& placements, control::Monitor& monitor, const control::Health& health,
           Mover& mover);
  ~Balancer() { stop(); }
  Balancer(const Balancer&) = delete;
  Balancer& operator=(const Balancer&) = delete;

  /// What the other nodes of the fleet have seen: they may be asked for it, and wait. Shape: before start.
  using SeenByOthers = std::function<std::vector<control::SeenElsewhere>()>;
  void share(SeenByOthers seen_by_others) { seen_by_others_ = std::move(seen_by_others); }
  void start(const BalanceSettings& settings);
  void stop();
  void set(const BalanceSettings& settings);

  /// A plan as it would be made now, kept nowhere. Errors: why there is none.
  [[nodiscard]] Expected<Proposal> simulate(const Wish& wish);
  /// The same, kept by the mover to be applied. Returns its id.
  [[nodiscard]] Expected<std::uint32_t> create(const Wish& wish, MoveMode mode, const std::string& author);
  /// What the last window decided: `none` when a plan was due.
  [[nodiscard]] balance::Hold hold() const;

 private:
  struct Fleet;
  void run();
  void window_closed();
  [[nodiscard]] Fleet look();
  void add_clients(std::vector<control::ClientLoad> clients, std::vector<control::ClientLoad>& tracked);
  void note_joining(std::span<const control::HomeLoad> homes);
  [[nodiscard]] bool is_joining(const std::string& home) const;
  [[nodiscard]] Expected<Proposal> plan(Fleet& fleet, balance::Reason reason, const balance::Limits& limits);
  [[nodiscard]] static Expected<void> suppose(Fleet& fleet, const std::map<std::string, double>& loads);
  [[nodiscard]] static std::vector<std::uint64_t> unknown_of(const Fleet& fleet);
  void take_clients(Fleet& fleet, bool with_slots);
  [[nodiscard]] Expected<void> take_placed(Fleet& fleet);
  void take_slots(Fleet& fleet);

  site::Commons& commons_;
  control::Loop& loop_;
  control::Placements& placements_;
  control::Monitor& monitor_;
  const control::Health& health_;
  Mover& mover_;
  SeenByOthers seen_by_others_;           ///< empty: there are none
  std::thread thread_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_{};
  BalanceSettings settings_;
  balance::Trigger trigger_{{}, {}};
  std::uint64_t window_{};                ///< the last one that was decided on
  std::set<std::string> joining_;         ///< homes that came with nothing, until they have their share
  balance::Hold hold_{balance::Hold::even};
};

}  // namespace viaduct::migration
