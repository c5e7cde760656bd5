// SPDX-License-Identifier: Apache-2.0
// A fleet's days, window by window: who sends how much, which homes are there. The same for every policy that is compared in it.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "balance/dice.h"
#include "viaduct/balance/fleet.h"

namespace viaduct::bench {

using balance::HomeIndex;

inline constexpr std::size_t clients_count = 500'000, homes_first = 50, homes_count = homes_first + 1;  // the last one joins
inline constexpr std::size_t slots_count = 128 * homes_first;
inline constexpr double window_s = 300;
inline constexpr std::uint32_t windows_per_hour = 12, windows_per_day = 24 * windows_per_hour;
/// A telephone sends every 100 s on average; a quarter of what is sent is counted by client, all of it by home.
inline constexpr double units_per_client = 0.01, sampling = 0.25;
/// A tenth of the clients become others every day: their rates are drawn anew.
inline constexpr double turnover_per_day = 0.1;

enum class Scenario : std::uint8_t {
  stationary,  ///< nothing but chance and turnover
  eventful     ///< load swings threefold a day; a crowd of heavy clients for an hour and a half, a home lost for two hours, one that joins, one that drains
};
[[nodiscard]] std::uint32_t days_of(Scenario s);

class World {
 public:
  World(Scenario scenario, std::uint64_t seed);
  /// Draw the events of the next window.
  void advance();
  [[nodiscard]] std::uint32_t window() const { return window_; }
  [[nodiscard]] std::uint32_t events(std::size_t client) const { return sampled_[client] + others_[client]; }
  [[nodiscard]] std::uint32_t sampled(std::size_t client) const { return sampled_[client]; }
  /// States as the operator and the health checks see them; `joining` and `draining` until the policy has done its part.
  [[nodiscard]] balance::HomeState state(HomeIndex home) const { return states_[home]; }
  [[nodiscard]] bool is_there(HomeIndex home) const { return is_there_[home]; }
  /// The slot of a client, and his home by rendezvous of the slot's or his own key with the homes that the test allows.
  [[nodiscard]] static std::uint32_t slot_of(std::size_t client);
  [[nodiscard]] static std::uint64_t affinity(std::uint64_t key, HomeIndex home);

 private:
  [[nodiscard]] bool is_in_flash() const;
  void change_homes();
  void draw_anew();

  Scenario scenario_;
  Dice dice_;
  std::uint32_t window_{};
  std::vector<double> rates_;        // units a second at the middle of the day's swing
  std::vector<std::uint8_t> hours_;  // each lives in a time zone: 0 to 4 hours later
  std::vector<bool> is_in_crowd_;
  std::vector<std::uint16_t> sampled_, others_;
  std::vector<balance::HomeState> states_;
  std::vector<bool> is_there_;
};

}  // namespace viaduct::bench
