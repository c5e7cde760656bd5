// SPDX-License-Identifier: Apache-2.0
// When a plan is asked for, window by window, and when it is not.
#include "viaduct/balance/trigger.h"

#include <gtest/gtest.h>

namespace viaduct::balance::test {
namespace {

constexpr double window_s = 300;

class TriggerTest : public testing::Test {
 protected:
  /// One window in which ten homes bear 100 each, but the first `ratio` times that.
  Decision see(double ratio) {
    for (Home& h : homes_) h.load = h.state == HomeState::down ? 0 : 100;
    homes_[0].load = 900 * ratio / (10 - ratio);  // so that it is `ratio` times the mean
    return see_loads();
  }
  Decision see_loads() {
    window_.now_s += window_s;
    window_.homes = homes_;
    return trigger_.decide(window_);
  }
  void spend(std::uint64_t clients, std::uint64_t leaving = 0) {
    Plan plan;
    plan.clients_moved = clients;
    plan.clients_leaving = leaving;
    trigger_.spend(plan);
  }

  std::vector<Home> homes_ = std::vector<Home>(10);
  Window window_{.clients = 100'000, .events_per_client = 5};
  Trigger trigger_{{}, {}};
};

TEST_F(TriggerTest, KeepsStillWhileTheFleetIsEven) {
  for (int i = 0; i < 10; ++i) {
    const Decision d = see(1.07);
    EXPECT_FALSE(d.reason);
    EXPECT_EQ(d.hold, Hold::even);
  }
}

TEST_F(TriggerTest, AsksInTheThirdUnevenWindowInARow) {
  EXPECT_FALSE(see(1.12).reason);
  EXPECT_FALSE(see(1.12).reason);
  EXPECT_FALSE(see(1.05).reason) << "and begins again";
  EXPECT_FALSE(see(1.12).reason);
  EXPECT_FALSE(see(1.12).reason);
  EXPECT_EQ(see(1.12).reason, Reason::uneven);
  EXPECT_FALSE(see(1.12).reason) << "the plan needs time to show";
}

TEST_F(TriggerTest, AsksAtOnceWhenAHomeIsHot) { EXPECT_EQ(see(1.3).reason, Reason::hot); }

TEST_F(TriggerTest, AsksAtOnceWhenAHomeIsNearItsCapacity) {
  homes_[3].capacity = 110;
  EXPECT_EQ(see(1.0).reason, Reason::over_capacity);
  homes_[3].capacity = 130;
  EXPECT_FALSE(see(1.0).reason);
}

TEST_F(TriggerTest, AsksUntilAJoiningHomeIsFilled) {
  homes_[3].state = HomeState::joining;
  for (Home& h : homes_) h.load = 100;
  homes_[3].load = 0;
  EXPECT_EQ(see_loads().reason, Reason::join);
  homes_[3].load = 90;
  EXPECT_EQ(see_loads().reason, Reason::join);
  homes_[3].load = 100;
  EXPECT_FALSE(see_loads().reason);
}

TEST_F(TriggerTest, AsksUntilADrainingHomeBearsNothing) {
  homes_[3].state = HomeState::draining;
  for (Home& h : homes_) h.load = 100;
  EXPECT_EQ(see_loads().reason, Reason::drain);
  homes_[3].load = 0;
  EXPECT_FALSE(see_loads().reason);
}

TEST_F(TriggerTest, MakesOnePlanAtATime) {
  window_.is_moving = true;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(see(1.5).hold, Hold::moving);
  window_.is_moving = false;
  EXPECT_FALSE(see(1.12).reason) << "windows during moves do not count";
}

TEST_F(TriggerTest, DoubtsItsOwnNetworkWhenManyHomesAreDown) {
  homes_[8].state = homes_[9].state = HomeState::down;
  EXPECT_TRUE(see(1.3).reason) << "two of ten";
  homes_[7].state = HomeState::down;
  EXPECT_EQ(see(1.5).hold, Hold::homes_missing);
}

TEST_F(TriggerTest, DoesNotPlanByGuesses) {
  window_.events_per_client = 0.9;
  EXPECT_EQ(see(1.5).hold, Hold::too_few_events);
  homes_[3].state = HomeState::draining;
  EXPECT_EQ(see(1.0).reason, Reason::drain) << "who leaves does not depend on loads";
}

TEST_F(TriggerTest, SpendsAtMostItsBudgetOfAnHour) {
  EXPECT_DOUBLE_EQ(see(1.3).moves_ratio_max, 0.01);
  spend(1000);
  const Decision d = see(1.3);
  EXPECT_NEAR(d.moves_ratio_max, 0.01 / 12, 1e-9) << "five minutes' refill";
  spend(83);
  window_.now_s -= window_s;
  EXPECT_EQ(see(1.3).hold, Hold::budget_spent) << "no time has passed";
  window_.now_s += 24 * 3600;
  EXPECT_DOUBLE_EQ(see(1.3).moves_ratio_max, 0.01) << "an hour's worth is kept, no more";
}

TEST_F(TriggerTest, DrainsAreNotBoundByTheBudget) {
  EXPECT_TRUE(see(1.3).reason);
  spend(50'000, 49'999);
  EXPECT_NEAR(see(1.3).moves_ratio_max, 0.01, 1e-5);
  spend(1000);
  window_.now_s -= window_s;
  homes_[3].state = HomeState::draining;
  EXPECT_EQ(see(1.0).reason, Reason::drain);
}

}  // namespace
}  // namespace viaduct::balance::test
