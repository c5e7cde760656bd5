// SPDX-License-Identifier: Apache-2.0
#include "likely.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace viaduct::migration {
namespace {

control::ClientLoad client(float events, float stands_for, float weight = 1) {
  return {.key = {}, .aor = {}, .events = events, .weight = events * stands_for * weight, .own_weight = events * weight, .scale = 0.1F};
}

TEST(LikelyLoads, WhoWasSampledOnceOfALongBurstIsNotHeavierThanWhoIsSampledAllTheTime) {
  std::vector<control::ClientLoad> clients(1000, client(1, 16));
  clients.resize(1100, client(8, 2));
  const auto loads = likely_loads(clients, 0).loads;
  EXPECT_LT(loads.front(), loads.back());
}

TEST(LikelyLoads, CallsWeighMoreThanRefreshes) {
  const auto loads = likely_loads(std::vector{client(4, 1), client(4, 1, 5), client(9, 1), client(1, 1)}, 0).loads;
  EXPECT_NEAR(loads[1], 5 * loads[0], 1e-6);
}

TEST(LikelyLoads, AddUpToWhatAllSamplesStandFor) {
  std::vector<control::ClientLoad> clients;
  for (int i = 0; i < 1000; ++i) clients.push_back(client(static_cast<float>(i % 10), 4));
  double sum = 0, told = 0;
  for (const double load : likely_loads(clients, 0).loads) sum += load;
  for (const control::ClientLoad& c : clients) told += c.load_per_s();
  EXPECT_NEAR(sum, told, 0.01 * told);
}

TEST(LikelyLoads, OfWhomNoSampleHasToldAreLowButNotNothing) {
  std::vector<control::ClientLoad> clients;
  for (int i = 0; i < 1000; ++i) clients.push_back(client(i < 700 ? 1 : i < 900 ? 4 : 9, 1));
  const auto alone = likely_loads(clients, 0), among = likely_loads(clients, 600);
  EXPECT_GT(among.of_unknown, 0);
  EXPECT_LT(among.of_unknown, among.loads.front());
  EXPECT_LT(among.loads.front(), alone.loads.front()) << "who was heard of once is one of many like him";
  double told = 0, sum = 600 * among.of_unknown;
  for (const control::ClientLoad& c : clients) told += c.load_per_s();
  for (const double load : among.loads) sum += load;
  EXPECT_NEAR(sum, told, 0.01 * told);
}

TEST(LikelyLoads, OfNobodyOrOfWhoWasLongIdleAreNothing) {
  EXPECT_TRUE(likely_loads({}, 9).loads.empty());
  EXPECT_EQ(likely_loads(std::vector{client(0, 1)}, 9).loads, std::vector<double>{0});
}

}  // namespace
}  // namespace viaduct::migration
