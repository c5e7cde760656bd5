// SPDX-License-Identifier: Apache-2.0
// The timing wheel against an ordered list: whoever is due comes out once, nobody before its time.
#include "viaduct/base/wheel.h"

#include <gtest/gtest.h>

#include <random>

namespace viaduct::base::test {
namespace {

TEST(Wheel, GivesEachTimerOnceAndNotBeforeItIsDue) {
  Wheel wheel;
  std::mt19937_64 random(1);
  std::vector<Timer> timers(5000);
  std::uint64_t now = 1'000'000;
  for (Timer& t : timers) wheel.set(t, now + random() % 30'000);  // some beyond the wheel's reach
  std::size_t taken = 0;
  while (taken < timers.size() && now < 1'040'000) {
    now += random() % 20;
    while (Timer* t = wheel.take_due(now)) {
      ASSERT_LE(t->due, now);
      ASSERT_EQ(t->next, nullptr);
      ++taken;
    }
    for (const Timer& t : timers) ASSERT_TRUE(t.next == nullptr || t.due > now);
  }
  EXPECT_EQ(taken, timers.size());
}

TEST(Wheel, ForgetsWhatIsCancelled) {
  Wheel wheel;
  Timer a, b;
  wheel.set(a, 10);
  wheel.set(b, 10);
  Wheel::cancel(a);
  Wheel::cancel(a);
  EXPECT_EQ(wheel.take_due(10), &b);
  EXPECT_EQ(wheel.take_due(10), nullptr);
}

TEST(Wheel, MovesWhatIsSetAnew) {
  Wheel wheel;
  Timer t;
  wheel.set(t, 10);
  wheel.set(t, 20);
  EXPECT_EQ(wheel.take_due(19), nullptr);
  wheel.set(t, 5);  // already past
  EXPECT_EQ(wheel.take_due(20), &t);
}

TEST(Wheel, SurvivesAJumpLongerThanATurn) {
  Wheel wheel;
  Timer near, far;
  EXPECT_EQ(wheel.take_due(1000), nullptr);
  wheel.set(near, 1001);
  wheel.set(far, 1'000'000);
  EXPECT_EQ(wheel.take_due(500'000), &near);
  EXPECT_EQ(wheel.take_due(999'999), nullptr);
  EXPECT_EQ(wheel.take_due(1'000'000), &far);
}

}  // namespace
}  // namespace viaduct::base::test
