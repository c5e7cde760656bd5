// SPDX-License-Identifier: Apache-2.0
// A hundred million clients on a thousand uneven homes: a plan to even them out, one to drain a home, one to fill another, and the first one with whole slots.
#include <fstream>
#include <string>

#include "balance/dice.h"
#include "balance/figures.h"
#include "micro/cpu.h"
#include "viaduct/balance/plan.h"
#include "viaduct/base/limits.h"

namespace viaduct::bench {
namespace {

constexpr std::size_t clients_count = 100'000'000, homes_count = 1000;
constexpr double units_per_client = 0.1;

/// Clients by slot, slots by home; homes differ by chance from half to one and a half of the mean.
struct Fleet {
  std::vector<balance::Home> homes = std::vector<balance::Home>(homes_count);
  std::vector<balance::Group> slots = std::vector<balance::Group>(base::slots_count);
  std::vector<balance::HomeIndex> home;
  std::vector<balance::LoadClass> load;
  std::vector<std::uint8_t> flags;

  Fleet() {
    Dice dice(1);
    place_slots(dice);
    home.reserve(clients_count), load.reserve(clients_count), flags.reserve(clients_count);
    for (std::size_t i = 0; i < clients_count; ++i) add_client(dice);
  }
  [[nodiscard]] balance::Request request() const { return {.homes = homes, .clients = {home, load, flags}, .seed = 1}; }

 private:
  void place_slots(Dice& dice) {
    std::vector<double> ends;
    for (std::size_t s = 0; s < homes_count; ++s) ends.push_back((ends.empty() ? 0 : ends.back()) + 0.5 + dice.uniform());
    for (auto& slot : slots) {
      const double at = dice.uniform() * ends.back();
      slot.home = static_cast<balance::HomeIndex>(std::ranges::upper_bound(ends, at) - ends.begin());
    }
  }
  void add_client(Dice& dice) {
    auto& slot = slots[dice.below(slots.size())];
    const balance::LoadClass c = balance::class_of(dice.heavy_tailed() * units_per_client / Dice::heavy_tailed_mean);
    home.push_back(slot.home);
    load.push_back(c);
    flags.push_back(dice.below(50) == 0 ? balance::immovable_flag : 0);
    slot.load += balance::load_of(c);
    ++slot.clients;
    homes[slot.home].load += balance::load_of(c);
  }
};

/// The most memory that the process has had, 10^9 octets.
double peak_gb() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word == "VmHWM:") {
      double kib = 0;
      status >> kib;
      return kib * 1024 / 1e9;
    }
  }
  return 0;
}

}  // namespace

void measure_plans(Figures& figures) {
  Fleet fleet;
  const double from = cpu_seconds();
  const balance::Plan plan = make_plan(fleet.request());
  figures.set("plan_100M_s", cpu_seconds() - from);
  figures.set("plan_100M_gb", peak_gb());
  figures.set("score", plan.score);
  figures.set("max_over_mean_before", plan.max_over_mean_before);
  figures.set("max_over_mean_after", plan.max_over_mean_after);
  figures.set("moved_clients_ratio", static_cast<double>(plan.clients_moved) / clients_count);

  balance::Request slots = fleet.request();
  slots.clients = {};
  slots.groups = fleet.slots;
  slots.limits.moves_ratio_max = 1;
  const balance::Plan whole = make_plan(slots);
  figures.set("slots_max_over_mean_after", whole.max_over_mean_after);
  figures.set("moves_vs_slots_ratio", static_cast<double>(whole.clients_moved) / static_cast<double>(plan.clients_moved));

  for (const balance::Move& m : plan.clients) fleet.home[m.item] = m.to;
  for (std::size_t s = 0; s < homes_count; ++s) fleet.homes[s].load = plan.homes[s].load_after;
  fleet.homes[7].state = balance::HomeState::draining;
  figures.set("drain_score", make_plan(fleet.request()).score);
  fleet.homes[7].state = balance::HomeState::up;
  fleet.homes.push_back({.state = balance::HomeState::joining});
  figures.set("join_score", make_plan(fleet.request()).score);
}

}  // namespace viaduct::bench
