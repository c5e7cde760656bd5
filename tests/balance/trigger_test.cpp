// SPDX-License-Identifier: Apache-2.0
// When a plan is asked for, window by window, and when it is not.
#include "viaduct/balance/trigger.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

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

TEST_F(TriggerTest, TakesAFleetForEvenWhereOnlyAHomeThatHasTooMuchBearsLittle) {
  for (std::size_t i = 0; i < 5; ++i) homes_[i].slow_start = 0;
  for (std::size_t i = 0; i < homes_.size(); ++i) homes_[i].load = i < 5 ? 50 : 150;
  EXPECT_EQ(see_loads().hold, Hold::even) << "nobody can be given to those that bear less";
  for (Home& h : homes_) h.slow_start = 1;
  EXPECT_EQ(see_loads().reason, Reason::hot);
}

TEST_F(TriggerTest, AsksAtOnceWhenAHomeIsHot) { EXPECT_EQ(see(1.3).reason, Reason::hot); }

// --- how certain a load is

class FewRequests : public TriggerTest {
 protected:
  /// A window in which the loads are counts of that many requests on average, each with its error.
  Decision count(double requests, std::mt19937& chance, double first = 1) {
    for (std::size_t i = 0; i < homes_.size(); ++i) {
      std::poisson_distribution<int> count(requests * (i == 0 ? first : 1));
      homes_[i].load = count(chance) / window_s;
      homes_[i].load_error = std::sqrt(homes_[i].load * window_s) / window_s;
    }
    return see_loads();
  }
  /// Of so many windows in which the fleet is as even as can be, how many ask for a plan.
  int alarms(double requests, int windows, std::uint32_t seed) {
    std::mt19937 chance(seed);
    int out = 0;
    for (int i = 0; i < windows; ++i) out += count(requests, chance).reason.has_value();
    return out;
  }
};

TEST_F(FewRequests, ByChanceAloneAskForNothing) {
  for (const double requests : {3.0, 10.0, 30.0, 100.0, 300.0, 1000.0}) EXPECT_LE(alarms(requests, 2000, 5), 4) << requests << " a home and window";
}

TEST_F(FewRequests, ThatAreUnevenForLongAreFoundOut) {
  std::mt19937 chance(7);
  int windows = 1;
  while (!count(100, chance, 1.25).reason && windows < 1000) ++windows;
  EXPECT_GE(windows, 3) << "one window says nothing: its error is a tenth, and there are ten homes";
  EXPECT_LE(windows, 40);
}

TEST_F(FewRequests, OfWhichOneHomeHasManyTimesItsShareAskAtOnce) {
  std::mt19937 chance(7);
  EXPECT_EQ(count(100, chance, 2).reason, Reason::hot);
}

TEST_F(FewRequests, AreManyEnoughWhenTheyAreThousands) {
  std::mt19937 chance(7);
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(count(10'000, chance, 1.12).reason);
  EXPECT_EQ(count(10'000, chance, 1.12).reason, Reason::uneven);
}

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

TEST_F(TriggerTest, DoubtsWhatItSeesWhileItsOwnNetworkIsInDoubt) {
  window_.is_doubtful = true;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(see(1.5).hold, Hold::homes_missing);
  homes_[3].state = HomeState::draining;
  EXPECT_EQ(see(1.0).reason, Reason::drain) << "who leaves does not depend on loads";
  homes_[3].state = HomeState::up;
  window_.is_doubtful = false;
  EXPECT_FALSE(see(1.12).reason) << "such windows do not count";
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

TEST_F(TriggerTest, AHomeThatIsLeftMovesNobodyElseUnlessTheyAskForIt) {
  homes_[3].state = HomeState::draining;
  homes_[3].load = 10;  // a client who is pinned there, say
  const auto ratio = [&](double load) {
    homes_[0].load = load;
    const Decision d = see_loads();
    EXPECT_EQ(d.reason, Reason::drain);
    return d.moves_ratio_max;
  };
  for (Home& h : homes_) h.load = h.state == HomeState::draining ? 10 : 100;
  EXPECT_EQ(ratio(105), 0);
  EXPECT_EQ(ratio(115), 0);
  EXPECT_EQ(ratio(115), 0);
  EXPECT_GT(ratio(115), 0) << "uneven for long enough";
  EXPECT_EQ(ratio(115), 0) << "that plan needs time to show";
  EXPECT_GT(ratio(140), 0) << "hot";
  window_.events_per_client = 0.1;
  EXPECT_EQ(ratio(140), 0) << "what they bear is guessed";
}

TEST_F(TriggerTest, OtherThresholdsLeaveWhatWasSpentSpent) {
  EXPECT_EQ(see(1.3).reason, Reason::hot);
  spend(1000);
  trigger_.set({.hot = 1.2}, {});
  EXPECT_EQ(see(1.3).hold, Hold::none) << "a twelfth of an hour's budget has come back";
  spend(1000);
  trigger_.set({}, {});
  window_.now_s -= window_s;
  EXPECT_EQ(see(1.3).hold, Hold::budget_spent);
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
