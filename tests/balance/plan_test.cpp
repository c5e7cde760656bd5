// SPDX-License-Identifier: Apache-2.0
// Plans on small fleets built by hand.
#include "viaduct/balance/plan.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "cases.h"

namespace viaduct::balance::test {
namespace {

TEST(Plan, RelievesAHotHomeByItsHeaviestClients) {
  Case c = fleet(4);
  for (HomeIndex s = 0; s < 4; ++s) c.add(s, 1000, 0.01);
  c.add(0, 20, 1);
  const Plan plan = make_plan(c.request());
  EXPECT_EQ(plan.verdict, Verdict::accepted);
  EXPECT_NEAR(plan.max_over_mean_before, 2.0, 0.05);
  EXPECT_LE(plan.max_over_mean_after, 1.05 + 1e-9);
  EXPECT_LE(plan.clients_moved, 15) << "load 14.3 above the cap, in clients of load 1";
  for (const Move& m : plan.clients) EXPECT_GE(m.item, 4000u) << "a light client moved";
}

TEST(Plan, EndsWithTheLightestClientWhoIsEnough) {
  Case c = fleet(2);
  c.add(0, 80, 0.1).add(0, 2, 1.5).add(0, 1, 0.6).add(1, 100, 0.1);
  const Plan plan = make_plan(c.request());
  ASSERT_EQ(plan.clients.size(), 1u);
  EXPECT_EQ(plan.clients[0], (Move{82, 1})) << "0.3 above the cap";
}

TEST(Plan, LeavesAnEvenFleetAlone) {
  Case c = fleet(3);
  for (HomeIndex s = 0; s < 3; ++s) c.add(s, 100, 0.1);
  const Plan plan = make_plan(c.request());
  EXPECT_EQ(plan.verdict, Verdict::nothing_to_move);
  EXPECT_TRUE(plan.clients.empty() && plan.flows.empty());
  EXPECT_EQ(plan.score, 1);
}

TEST(Plan, EmptiesAHomeThatDrains) {
  Case c = fleet(3);
  for (HomeIndex s = 0; s < 3; ++s) c.add(s, 500, 0.1).add(s, 10, 0.5, watched_flag);
  c.add(1, 3, 0.1, immovable_flag);
  c.homes[1].state = HomeState::draining;
  const Plan plan = make_plan(c.request());
  EXPECT_EQ(plan.verdict, Verdict::accepted);
  EXPECT_EQ(plan.homes[1].clients_after, 3u);
  EXPECT_EQ(plan.clients.size(), 510u);
  EXPECT_NEAR(plan.score, 1, 1e-9);
  EXPECT_LE(plan.max_over_mean_after, 1.05);
}

TEST(Plan, IsWeighedWhereNobodyCanLeaveTheHomeThatDrains) {
  Case c = fleet(3);
  c.add(0, 112, 0.1).add(1, 1, 0.1, immovable_flag).add(2, 100, 0.1);
  c.homes[1].state = HomeState::draining;
  EXPECT_EQ(make_plan(c.request()).verdict, Verdict::gain_too_small);
  c.add(1, 1, 0.1);
  EXPECT_EQ(make_plan(c.request()).verdict, Verdict::accepted);
}

TEST(Plan, DrainsBeyondTheCapRatherThanNotAtAll) {
  Case c = fleet(2);
  c.add(0, 10, 1).add(1, 1, 20);
  c.homes[1].state = HomeState::draining;
  Plan plan = make_plan(c.request());
  EXPECT_EQ(plan.homes[1].clients_after, 0u);
  c.homes[0].capacity = 30;
  plan = make_plan(c.request());
  EXPECT_EQ(plan.homes[1].clients_after, 1u) << "30 units a second would be all of its capacity";
}

TEST(Plan, GivesNobodyToAHomeThatHasTooMuchButToTheOthers) {
  Case c = fleet(3);
  for (HomeIndex s = 0; s < 3; ++s) c.add(s, 1000, 0.1);
  c.homes[0].state = HomeState::draining;
  c.homes[1].slow_start = 0;
  Plan plan = make_plan(c.request());
  EXPECT_EQ(plan.homes[1].clients_after, 1000u);
  EXPECT_EQ(plan.homes[2].clients_after, 2000u);
  EXPECT_NEAR(plan.max_over_mean_after, 1, 1e-9) << "one cannot bear more, so the other's share is the rest";
  c.homes[2].slow_start = 0;
  plan = make_plan(c.request());
  EXPECT_EQ(plan.homes[0].clients_after, 0u) << "there are no others";
  EXPECT_NEAR(static_cast<double>(plan.homes[1].clients_after), 1500, 20);
}

TEST(Plan, RelievesAHomeThatHasTooMuchToItsShare) {
  Case c = fleet(2);
  c.add(0, 200, 0.1).add(1, 100, 0.1);
  c.homes[0].slow_start = 0;
  c.limits.moves_ratio_max = 1;
  const Plan plan = make_plan(c.request());
  EXPECT_NEAR(plan.homes[0].bounds.share, plan.homes[1].bounds.share, 1e-9);
  EXPECT_NEAR(static_cast<double>(plan.clients_moved), 42, 2);
}

TEST(Plan, FillsAHomeThatJoins) {
  Case c = fleet(5);
  for (HomeIndex s = 0; s < 4; ++s) c.add(s, 1000, 0.01).add(s, 100, 0.1);
  c.homes[4].state = HomeState::joining;
  const Plan plan = make_plan(c.request());
  EXPECT_EQ(plan.verdict, Verdict::accepted);
  EXPECT_GE(plan.homes[4].load_after, 0.98 * plan.homes[4].bounds.share * (1 - 1e-6));
  EXPECT_LE(plan.max_over_mean_after, 1.05 + 1e-9);
  EXPECT_LE(plan.score, 1.05);
}

TEST(Plan, FillsAHomeThatJoinsWithClientsOfWhomOnlyAPartIsKnown) {
  Case known = fleet(5);
  for (HomeIndex s = 0; s < 4; ++s) known.add(s, 600, 0.1);
  for (HomeIndex s = 0; s < 4; ++s) known.homes[s].load = 100, known.homes[s].unknown = 40;   // 400 more are there
  known.homes[4].state = HomeState::joining;
  known.limits.moves_ratio_max = 1;
  const Plan plan = make_plan(known.request());
  EXPECT_EQ(plan.verdict, Verdict::accepted);
  EXPECT_NEAR(static_cast<double>(plan.clients_moved) * 0.1, 0.98 * 80, 2)
      << "what each really brings, not what all of a home's load would come to if there were no others";
}

TEST(Plan, FillsAHomeOnlyAsFarAsItsSlowStartAllows) {
  Case c = fleet(2);
  c.add(0, 1000, 0.1);
  c.homes[1].state = HomeState::joining;
  c.homes[1].slow_start = 0.3;
  c.limits.moves_ratio_max = 1;
  const Plan plan = make_plan(c.request());
  EXPECT_LE(plan.homes[1].load_after, 0.3 * plan.homes[1].bounds.cap);
  EXPECT_GE(plan.homes[1].load_after, 0.29 * plan.homes[1].bounds.share);
}

TEST(Plan, PlansNothingForAHomeThatIsDown) {
  Case c = fleet(3);
  for (HomeIndex s = 0; s < 3; ++s) c.add(s, 200, 0.1);
  c.homes[2].state = HomeState::down;
  c.homes[2].load = 0;
  c.homes[0].load = c.homes[1].load = 30;  // guests included
  const Plan plan = make_plan(c.request());
  EXPECT_EQ(plan.verdict, Verdict::nothing_to_move);
  EXPECT_DOUBLE_EQ(plan.homes[0].load_after, 30);
}

TEST(Plan, MovesWholeSlotsOfClientsWithoutAPlacement) {
  Case c = fleet(2);
  for (int g = 0; g < 40; ++g) c.add_group({.load = 1, .clients = 100, .home = 0});
  for (int g = 0; g < 20; ++g) c.add_group({.load = 1, .clients = 100, .home = 1});
  c.limits.moves_ratio_max = 0.2;
  const Plan plan = make_plan(c.request());
  EXPECT_EQ(plan.groups.size(), 9u) << "40 are to become 31, at most 5 % above 30";
  EXPECT_EQ(plan.clients_moved, 900u);
  EXPECT_DOUBLE_EQ(plan.cost, 900);
  for (const Move& m : plan.groups) EXPECT_TRUE(m.item < 40 && m.to == 1);
}

TEST(Plan, StopsAtItsBudgetWithWhatIsWorthMost) {
  Case c = fleet(2);
  c.add(0, 900, 0.1).add(0, 100, 0.4).add(1, 1000, 0.01);
  c.limits.moves_ratio_max = 0.01;
  const Plan plan = make_plan(c.request());
  EXPECT_TRUE(plan.is_cut_short);
  EXPECT_EQ(plan.clients.size(), 20u);
  for (const Move& m : plan.clients) EXPECT_EQ(c.client_load[m.item], class_of(0.4));
  EXPECT_NEAR(plan.score, 1, 1e-9) << "against what it has reached";
}

TEST(Plan, KeepsClientsInTheirZoneWhileItHasRoom) {
  Case c = fleet(4);
  for (HomeIndex s = 0; s < 4; ++s) c.homes[s].zone = s / 2;
  c.add(0, 130, 0.1).add(1, 90, 0.1).add(2, 80, 0.1).add(3, 100, 0.1);
  const Plan plan = make_plan(c.request());
  EXPECT_GE(plan.homes[1].clients_after, 104u) << "full up to its cap, though home 2 bears less";
  ASSERT_FALSE(plan.flows.empty());
  EXPECT_LE(plan.max_over_mean_after, 1.05 + 1e-9);
  EXPECT_EQ(plan.flows.back().to, 2) << "what its zone has no room for";
}

TEST(Plan, RefusesWhatGainsTooLittle) {
  Case c = fleet(2);
  c.add(0, 106, 0.1).add(1, 94, 0.1);
  EXPECT_EQ(make_plan(c.request()).verdict, Verdict::gain_too_small);
}

TEST(Plan, RefusesWhatCostsMoreMessagesThanItShifts) {
  Case c = fleet(2);
  c.add(0, 1500, 1.0 / 3600).add(1, 500, 1.0 / 3600);
  c.limits.moves_ratio_max = 1;
  const Plan plan = make_plan(c.request());
  EXPECT_EQ(plan.verdict, Verdict::not_worth_it) << "clients that send once an hour";
  EXPECT_FALSE(plan.clients.empty()) << "what was refused can be looked at";
}

TEST(Plan, TakesAHomeThatCountedNothingAtItsClientsEstimates) {
  Case c = fleet(3);
  for (HomeIndex s = 0; s < 3; ++s) c.add(s, 300, 0.1);
  for (Home& h : c.homes) h.load = 0;
  c.homes[0].state = HomeState::draining;
  const Plan plan = make_plan(c.request());
  EXPECT_NEAR(static_cast<double>(plan.homes[1].clients_after), 450, 9);
  EXPECT_NEAR(static_cast<double>(plan.homes[2].clients_after), 450, 9);
}

TEST(Plan, CalibratesEstimatesToTheExactCounter) {
  Case c = fleet(2);
  c.add(0, 1000, 0.1).add(1, 1000, 0.1);
  c.homes[0].load *= 2;
  const Plan plan = make_plan(c.request());
  EXPECT_NEAR(plan.load_moved, 2 * load_of(class_of(0.1)) * static_cast<double>(plan.clients.size()), 1e-9);
}

TEST(Plan, HoldsAHomeToItsDeclaredCapacity) {
  Case c = fleet(3);
  for (HomeIndex s = 0; s < 3; ++s) c.add(s, 1000, 0.1);
  c.homes[0].capacity = c.homes[0].load;
  c.limits.moves_ratio_max = 1;
  const Plan plan = make_plan(c.request());
  EXPECT_LE(plan.homes[0].load_after, 0.85 * c.homes[0].capacity + 1e-9);
}

TEST(Plan, OfNobodyIsEmpty) {
  const Case c = fleet(0);
  EXPECT_EQ(make_plan(c.request()).verdict, Verdict::nothing_to_move);
  EXPECT_EQ(make_plan(fleet(3).request()).verdict, Verdict::nothing_to_move);
}

}  // namespace
}  // namespace viaduct::balance::test
