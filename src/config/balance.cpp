// SPDX-License-Identifier: Apache-2.0
// [balance]: how the load of homes and clients is measured, and evened out.
#include "sections.h"

namespace viaduct::config {

void read_balance(const Table& balance, Config& config) {
  Measuring& measured = config.measuring;
  Balance& out = config.balance;
  balance.only({"window_s", "half_life_s", "clients_tracked", "auto", "target_percent", "uneven_percent", "uneven_windows", "hot_percent", "capacity_percent",
                "plan_moves_percent", "hour_moves_percent", "clients_per_s", "receiver_clients_per_s", "donor_clients_per_s", "deadline_s", "cooldown_s",
                "settled_s"});
  measured.window_s = balance.number<std::uint32_t>("window_s", {1, 86'400}, 300);
  measured.half_life_s = balance.number<std::uint32_t>("half_life_s", {1, 604'800}, 1800);
  measured.clients_tracked = balance.number<std::size_t>("clients_tracked", {1024, 100'000'000}, 1'000'000);
  out.automatic =
      balance.choice<AutoBalance>("auto", {{"off", AutoBalance::off}, {"propose", AutoBalance::propose}, {"apply", AutoBalance::apply}}, AutoBalance::propose);
  out.target_percent = balance.number<std::uint32_t>("target_percent", {1, 100}, 5);
  out.uneven_percent = balance.number<std::uint32_t>("uneven_percent", {101, 1000}, 108);
  out.uneven_windows = balance.number<std::uint32_t>("uneven_windows", {1, 1000}, 3);
  out.hot_percent = balance.number<std::uint32_t>("hot_percent", {101, 1000}, 125);
  out.capacity_percent = balance.number<std::uint32_t>("capacity_percent", {1, 100}, 85);
  out.plan_moves_percent = balance.number<std::uint32_t>("plan_moves_percent", {1, 100}, 9);
  out.hour_moves_percent = balance.number<std::uint32_t>("hour_moves_percent", {1, 100}, 1);
  out.clients_per_s = balance.number<std::uint32_t>("clients_per_s", {1, 1'000'000}, 2000);
  out.receiver_clients_per_s = balance.number<std::uint32_t>("receiver_clients_per_s", {1, 1'000'000}, 200);
  out.donor_clients_per_s = balance.number<std::uint32_t>("donor_clients_per_s", {1, 1'000'000}, 200);
  out.deadline_s = balance.number<std::uint32_t>("deadline_s", {1, 604'800}, 7200);
  out.cooldown_s = balance.number<std::uint32_t>("cooldown_s", {0, 604'800}, 7200);
  out.settled_s = balance.number<std::uint32_t>("settled_s", {0, 3600}, 180);
}

}  // namespace viaduct::config
