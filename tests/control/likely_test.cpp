// SPDX-License-Identifier: Apache-2.0
#include "likely.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace viaduct::control {
namespace {

ClientLoad client(float events, float stands_for, float weight = 1) {
  return {.key = {}, .aor = {}, .events = events, .weight = events * stands_for * weight, .own_weight = events * weight, .scale = 0.1F};
}

TEST(LikelyLoads, WhoWasSampledOnceOfALongBurstIsNotHeavierThanWhoIsSampledAllTheTime) {
  std::vector<ClientLoad> clients(1000, client(1, 16));
  clients.resize(1100, client(8, 2));
  const auto loads = likely_loads(clients);
  EXPECT_LT(loads.front(), loads.back());
}

TEST(LikelyLoads, CallsWeighMoreThanRefreshes) {
  const auto loads = likely_loads(std::vector{client(4, 1), client(4, 1, 5), client(9, 1), client(1, 1)});
  EXPECT_NEAR(loads[1], 5 * loads[0], 1e-6);
}

TEST(LikelyLoads, AddUpToWhatAllSamplesStandFor) {
  std::vector<ClientLoad> clients;
  for (int i = 0; i < 1000; ++i) clients.push_back(client(static_cast<float>(i % 10), 4));
  double sum = 0, told = 0;
  for (const double load : likely_loads(clients)) sum += load;
  for (const ClientLoad& c : clients) told += c.load_per_s();
  EXPECT_NEAR(sum, told, 0.01 * told);
}

TEST(LikelyLoads, OfNobodyOrOfWhoWasLongIdleAreNothing) {
  EXPECT_TRUE(likely_loads({}).empty());
  EXPECT_EQ(likely_loads(std::vector{client(0, 1)}), std::vector<double>{0});
}

}  // namespace
}  // namespace viaduct::control
