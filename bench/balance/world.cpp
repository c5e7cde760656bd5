// SPDX-License-Identifier: Apache-2.0
#include "balance/world.h"

#include <array>

namespace viaduct::bench {
namespace {

using balance::HomeState;

constexpr HomeIndex lost = 11, drained = 7, joined = homes_first;
constexpr std::uint32_t hours(double h) { return static_cast<std::uint32_t>(h * windows_per_hour); }
constexpr std::uint32_t days(double d) { return static_cast<std::uint32_t>(d * windows_per_day); }

// When the eventful days have their events.
constexpr std::uint32_t flash_from = days(1) + hours(14), flash_to = flash_from + hours(1.5);
constexpr std::uint32_t lost_from = days(2) + hours(10), lost_to = lost_from + hours(2);
constexpr std::uint32_t joined_from = days(2) + hours(16), drained_from = days(3) + hours(9);
/// One client in so many is a trunk: half a per cent to three and a half of a home's load by himself. The others are telephones with a heavy tail.
constexpr std::uint64_t clients_per_trunk = 1250;
constexpr double units_per_home = units_per_client * clients_count / homes_first;
/// The flash crowd: so many clients, wherever they are, with this part of a home's load each.
constexpr std::size_t crowd_clients = 150;
constexpr double crowd_ratio = 0.08;

std::uint64_t mixed(std::uint64_t x) { return Dice(x).bits(); }

double any_rate(Dice& dice) {
  if (dice.below(clients_per_trunk) == 0) return units_per_home * (0.005 + 0.03 * dice.uniform());
  return dice.heavy_tailed() * units_per_client / Dice::heavy_tailed_mean;
}

}  // namespace

std::uint32_t days_of(Scenario s) { return s == Scenario::stationary ? 2 : 4; }

World::World(Scenario scenario, std::uint64_t seed)
    : scenario_(scenario),
      dice_(seed),
      rates_(clients_count),
      hours_(clients_count),
      is_in_crowd_(clients_count),
      sampled_(clients_count),
      others_(clients_count),
      states_(homes_count),
      is_there_(homes_count, true) {
  is_there_[joined] = false;
  for (std::size_t i = 0; i < clients_count; ++i) {
    rates_[i] = any_rate(dice_);
    hours_[i] = static_cast<std::uint8_t>(dice_.below(5));
  }
  for (std::size_t n = 0; n < crowd_clients; ++n) is_in_crowd_[dice_.below(clients_count)] = true;
}

std::uint32_t World::slot_of(std::size_t client) { return static_cast<std::uint32_t>(mixed(client) % slots_count); }

std::uint64_t World::affinity(std::uint64_t key, HomeIndex home) { return mixed(mixed(key) ^ (home * 0x632be59bd9b4e019u)); }

void World::advance() {
  ++window_;
  if (scenario_ == Scenario::eventful) change_homes();
  draw_anew();
  std::array<double, 5> swing{};
  for (std::size_t z = 0; z < swing.size(); ++z) {
    const double day = static_cast<double>(window_ % windows_per_day) / windows_per_day - static_cast<double>(z) / 24;
    swing[z] = scenario_ == Scenario::eventful ? 1 + 0.52 * std::sin(6.283185307179586 * (day - 0.3)) : 1;
  }
  for (std::size_t i = 0; i < clients_count; ++i) {
    double mean = rates_[i] * swing[hours_[i]] * window_s;
    if (is_in_crowd_[i] && is_in_flash()) mean = units_per_home * crowd_ratio * window_s;
    sampled_[i] = static_cast<std::uint16_t>(dice_.poisson(mean * sampling));
    others_[i] = static_cast<std::uint16_t>(dice_.poisson(mean * (1 - sampling)));
  }
}

bool World::is_in_flash() const { return scenario_ == Scenario::eventful && window_ >= flash_from && window_ < flash_to; }

void World::change_homes() {
  states_[lost] = window_ >= lost_from && window_ < lost_to ? HomeState::down : HomeState::up;
  is_there_[joined] = window_ >= joined_from;
  states_[joined] = HomeState::joining;
  if (window_ >= drained_from) states_[drained] = HomeState::draining;
}

void World::draw_anew() {
  constexpr auto others = static_cast<std::size_t>(turnover_per_day / windows_per_day * clients_count);
  for (std::size_t n = 0; n < others; ++n) rates_[dice_.below(clients_count)] = any_rate(dice_);
}

}  // namespace viaduct::bench
