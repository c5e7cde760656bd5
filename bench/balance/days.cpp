// SPDX-License-Identifier: Apache-2.0
// Days of a fleet under each policy at once: in how many windows max/mean is at most 1.10, how many clients are moved, and how many again.
#include <cmath>
#include <memory>
#include <string>

#include "balance/figures.h"
#include "balance/policies.h"

namespace viaduct::bench {
namespace {

using balance::Home;
using balance::HomeState;

constexpr double even = 1.10;

/// One policy in one run.
class Account {
 public:
  explicit Account(std::unique_ptr<Policy> policy) : policy_(std::move(policy)) {}

  /// A window as it went, then what the policy makes of it.
  void note(const World& world, const Estimates& estimates) {
    const auto homes = homes_of(world);
    highest_ = std::max(highest_, balance::max_over_mean(homes, {}));
    ++windows_;
    even_windows_ += balance::max_over_mean(homes, {}) <= even;
    policy_->step(world, homes, estimates);
  }
  void forget() {
    windows_ = even_windows_ = 0;
    highest_ = 0;
    policy_->forget();
  }
  [[nodiscard]] const Policy& policy() const { return *policy_; }
  [[nodiscard]] double even_ratio() const { return static_cast<double>(even_windows_) / static_cast<double>(windows_); }
  [[nodiscard]] double churn_per_day() const { return static_cast<double>(policy_->moves()) / clients_count * windows_per_day / static_cast<double>(windows_); }
  [[nodiscard]] double highest() const { return highest_; }

 private:
  /// Clients of a home that is down are borne by the others, spread by their keys.
  std::vector<Home> homes_of(const World& world) {
    std::vector<Home> homes(homes_count);
    std::vector<HomeIndex> hosts;
    for (HomeIndex h = 0; h < homes_count; ++h) {
      homes[h].state = joined_ && world.state(h) == HomeState::joining ? HomeState::up : world.state(h);
      homes[h].weight = world.is_there(h);
      if (homes[h].state == HomeState::up && homes[h].weight > 0) hosts.push_back(h);
    }
    std::vector<std::size_t> clients(homes_count);
    for (std::size_t i = 0; i < clients_count; ++i) {
      const HomeIndex home = policy_->home(i);
      ++clients[home];
      homes[homes[home].state == HomeState::down ? hosts[Dice(i).below(hosts.size())] : home].load += world.events(i) / window_s;
    }
    for (Home& home : homes) home.load_error = std::sqrt(home.load / window_s);   // as of a count
    note_joining(homes);
    if (!world.is_there(homes_count - 1)) homes.pop_back();
    return homes;
  }
  /// Once filled to its share, a home is one like the others.
  void note_joining(std::vector<Home>& homes) {
    double all = 0;
    for (const Home& h : homes) all += h.load;
    joined_ = joined_ || homes.back().load >= 0.98 * all / homes_count;
  }

  std::unique_ptr<Policy> policy_;
  bool joined_{};
  std::size_t windows_{}, even_windows_{};
  double highest_{};
};

std::vector<Account> accounts() {
  using Unit = Planned::Unit;
  std::vector<Account> out;
  out.emplace_back(std::make_unique<Planned>("", Unit::client, balance::Thresholds{}));
  // Slicer's budget is 9 % of the keys a round.
  out.emplace_back(std::make_unique<Planned>("slots", Unit::slot, balance::Thresholds{.churn_per_hour = 0.09}));
  out.emplace_back(std::make_unique<Hashed>());
  out.emplace_back(std::make_unique<Bounded>());
  return out;
}

/// The first day is for counters to fill and for the placement by hash to be evened out.
std::vector<Account> run(Scenario scenario, std::uint64_t seed) {
  World world(scenario, seed);
  Estimates estimates;
  auto out = accounts();
  for (std::uint32_t w = 0; w < days_of(scenario) * windows_per_day; ++w) {
    world.advance();
    estimates.harvest(world);
    if (w == windows_per_day) std::ranges::for_each(out, &Account::forget);
    for (Account& account : out) account.note(world, estimates);
  }
  return out;
}

std::string named(std::string_view what, const Account& account) {
  std::string out = "sim_";
  out.append(what);
  if (!account.policy().name().empty()) out.append("_").append(account.policy().name());
  return out;
}

}  // namespace

void measure_days(Figures& figures, std::uint64_t seed) {
  for (const Account& account : run(Scenario::stationary, seed)) {
    figures.set(named("churn_per_day_ratio", account), account.churn_per_day());
    figures.set(named("clients_moved_twice", account), static_cast<double>(account.policy().moved_twice()));
    figures.set(named("stationary_within_110_ratio", account), account.even_ratio());
  }
  for (const Account& account : run(Scenario::eventful, seed)) {
    figures.set(named("windows_within_110_ratio", account), account.even_ratio());
    figures.set(named("max_over_mean", account), account.highest());
    figures.set(named("eventful_churn_per_day_ratio", account), account.churn_per_day());
  }
}

}  // namespace viaduct::bench
