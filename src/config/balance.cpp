// SPDX-License-Identifier: Apache-2.0
// [balance]: how the load of homes and clients is measured.
#include "sections.h"

namespace viaduct::config {

void read_balance(const Table& balance, Config& config) {
  Balance& out = config.balance;
  balance.only({"window_s", "half_life_s", "clients_tracked"});
  out.window_s = balance.number<std::uint32_t>("window_s", {1, 86'400}, 300);
  out.half_life_s = balance.number<std::uint32_t>("half_life_s", {1, 604'800}, 1800);
  out.clients_tracked = balance.number<std::size_t>("clients_tracked", {1024, 100'000'000}, 1'000'000);
}

}  // namespace viaduct::config
