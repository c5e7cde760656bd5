// SPDX-License-Identifier: Apache-2.0
// What answers and silence make of a home.
#include "viaduct/control/pulse.h"

#include <gtest/gtest.h>

namespace viaduct::control {
namespace {

constexpr config::Health rules{.down_after = 3, .up_after = 5};

/// Probes in a row, one every 100 ms: `+` answered, `-` not.
class Probed {
 public:
  explicit Probed(bool is_down = false) : pulse_(is_down, 0) {}
  Seen after(std::string_view outcomes) {
    for (const char outcome : outcomes) {
      now_ms_ += 100;
      outcome == '+' ? pulse_.beat(rules, 1'000, now_ms_) : pulse_.miss(rules, now_ms_);
    }
    return pulse_.seen();
  }
  Seen after_doubt() {
    pulse_.doubt(now_ms_ += 100);
    return pulse_.seen();
  }
  const Pulse& operator*() const { return pulse_; }

 private:
  Pulse pulse_;
  std::uint64_t now_ms_{};
};

TEST(Pulse, TellsNothingFromTheSilenceOfWhoNeverAnswered) {
  Probed home;
  EXPECT_EQ(home.after("----------"), Seen::unknown);
  EXPECT_FALSE((*home).looks_dead());
  EXPECT_EQ(home.after_doubt(), Seen::unknown);
  EXPECT_EQ(home.after("+"), Seen::up) << "the first answer is believed";
}

TEST(Pulse, IsDownAfterThreeMissesInARow) {
  Probed home;
  EXPECT_EQ(home.after("+"), Seen::up);
  EXPECT_EQ(home.after("-"), Seen::suspect);
  EXPECT_TRUE((*home).looks_dead());
  EXPECT_EQ(home.after("-"), Seen::suspect);
  EXPECT_EQ(home.after("+"), Seen::up);
  EXPECT_EQ(home.after("--"), Seen::suspect) << "the count begins anew";
  EXPECT_EQ(home.after("-"), Seen::down);
  EXPECT_EQ((*home).in_a_row(), 3U);
}

TEST(Pulse, IsUpAgainAfterFiveAnswersInARow) {
  Probed home;
  EXPECT_EQ(home.after("+---"), Seen::down);
  EXPECT_EQ(home.after("++++-"), Seen::down);
  EXPECT_EQ(home.after("++++"), Seen::down);
  EXPECT_EQ(home.after("+"), Seen::up);
  EXPECT_EQ((*home).changed_ms(), 1'400U);
}

TEST(Pulse, OfAHomeKnownToBeDownMustShowThatItLasts) {
  Probed home(true);
  EXPECT_TRUE((*home).looks_dead());
  EXPECT_EQ(home.after("++++"), Seen::down);
  EXPECT_EQ(home.after("+"), Seen::up);
}

TEST(Pulse, IsSuspectByHearsayAndNoMore) {
  Probed home;
  EXPECT_EQ(home.after("+"), Seen::up);
  EXPECT_EQ(home.after_doubt(), Seen::suspect);
  EXPECT_FALSE((*home).looks_dead()) << "anybody may send an ICMP error";
  for (int i = 0; i < 10; ++i) EXPECT_EQ(home.after_doubt(), Seen::suspect);
  EXPECT_EQ(home.after("+"), Seen::up);
}

TEST(Pulse, SaysSinceWhenAndHowFast) {
  Probed home;
  EXPECT_EQ((*home).round_trip_us(), 0U);
  EXPECT_EQ(home.after("+++"), Seen::up);
  EXPECT_EQ((*home).changed_ms(), 100U);
  EXPECT_EQ((*home).round_trip_us(), 1'000U);
}

}  // namespace
}  // namespace viaduct::control
