// SPDX-License-Identifier: Apache-2.0
// Who puts clients where: the planner with its trigger, the same with whole slots, rendezvous hashing, and consistent hashing with bounded loads.
#pragma once
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "balance/world.h"
#include "viaduct/balance/estimate.h"
#include "viaduct/balance/plan.h"
#include "viaduct/balance/trigger.h"

namespace viaduct::bench {

/// What may be known of clients: sampled counts, remembered for some forty minutes, and made into loads.
class Estimates {
 public:
  /// After each window.
  void harvest(const World& world);
  [[nodiscard]] balance::Estimator estimator() const;
  [[nodiscard]] std::uint16_t count(std::size_t client) const { return counts_[client]; }

 private:
  std::vector<std::uint16_t> counts_ = std::vector<std::uint16_t>(clients_count);
  balance::CountMoments moments_;
};

/// One way of placing clients, and what it has done so far.
class Policy {
 public:
  explicit Policy(std::string_view name) : name_(name), home_(clients_count), moves_(clients_count) {}
  virtual ~Policy() = default;
  Policy(const Policy&) = delete;
  Policy& operator=(const Policy&) = delete;
  /// After a window: loads are what the homes bore in it.
  virtual void step(const World& world, std::span<const balance::Home> homes, const Estimates& estimates) = 0;
  [[nodiscard]] std::string_view name() const { return name_; }
  [[nodiscard]] HomeIndex home(std::size_t client) const { return home_[client]; }
  /// Moves since the last forget() that no home's leaving asked for; and clients who were moved twice.
  [[nodiscard]] std::size_t moves() const { return moved_; }
  [[nodiscard]] std::size_t moved_twice() const;
  void forget();

 protected:
  void place(std::size_t client, HomeIndex home) { home_[client] = home; }
  void move(std::size_t client, HomeIndex to, bool has_cause);

 private:
  std::string_view name_;
  std::vector<HomeIndex> home_;
  std::vector<std::uint8_t> moves_;  // of each client
  std::size_t moved_{};
};

/// Per-client or whole-slot moves by balance::make_plan, when balance::Trigger asks for them.
class Planned : public Policy {
 public:
  enum class Unit : std::uint8_t { client, slot };
  Planned(std::string_view name, Unit unit, const balance::Thresholds& thresholds);
  void step(const World& world, std::span<const balance::Home> homes, const Estimates& estimates) override;

 private:
  static constexpr std::uint32_t cooldown = 2 * windows_per_hour, long_ago = 0;
  [[nodiscard]] balance::Plan plan(const World& world, std::span<const balance::Home> homes, const Estimates& estimates, const balance::Decision& decision);
  void move_item(std::uint32_t item, HomeIndex to, std::uint32_t now, bool has_cause);

  Unit unit_;
  balance::Trigger trigger_;
  std::vector<std::uint32_t> moved_at_;  // window, of each client or slot
  std::vector<std::uint32_t> slot_;      // of each client
  std::vector<HomeIndex> slot_home_;
  std::vector<balance::LoadClass> load_;
  std::vector<std::uint8_t> flags_;
  std::vector<balance::Group> groups_;
};

/// The home of highest affinity among those that are there; a client moves only with the homes.
class Hashed : public Policy {
 public:
  Hashed();
  void step(const World& world, std::span<const balance::Home> homes, const Estimates& estimates) override;

 private:
  void place_all(std::span<const balance::Home> homes, bool is_first);
  std::vector<bool> candidates_;
};

/// Consistent hashing with bounded loads (Mirrokni, Thorup, Zadimoghaddam): the first home in the client's order that bears less than the cap; who is displaced
/// goes back as soon as there is room. Loads are the shrunk estimates.
class Bounded : public Policy {
 public:
  Bounded();
  void step(const World& world, std::span<const balance::Home> homes, const Estimates& estimates) override;

 private:
  static constexpr double cap = 1.05;  // of the mean, as the planner's
  std::vector<HomeIndex> first_;  // in each client's order
  std::vector<bool> candidates_;
};

}  // namespace viaduct::bench
