// SPDX-License-Identifier: Apache-2.0
#include "viaduct/migration/plan.h"

#include <gtest/gtest.h>

namespace viaduct::migration {
namespace {

constexpr std::uint64_t now_s = 1'800'000'000;
Step step(bool is_confirmed) { return {.key = {}, .aor = "a@b", .is_confirmed = is_confirmed, .set_out_s = now_s - 100}; }

TEST(IsSticky, WhoHasRegisteredSinceHeSetOut) {
  EXPECT_TRUE(is_sticky(step(false), 0, now_s));
  EXPECT_TRUE(is_sticky(step(false), 98, now_s));
}

TEST(IsSticky, NotWhoHadRegisteredBefore) {
  EXPECT_FALSE(is_sticky(step(false), 100, now_s));
  EXPECT_FALSE(is_sticky(step(false), 99, now_s)) << "both are whole seconds";
  EXPECT_FALSE(is_sticky(step(false), std::nullopt, now_s));
}

TEST(IsSticky, NotWhoHasComeToo) { EXPECT_FALSE(is_sticky(step(true), 0, now_s)) << "another of his devices stays"; }

TEST(IsSticky, NotByAHomeThatSaysWhatCannotBe) { EXPECT_FALSE(is_sticky(step(false), UINT32_MAX, 1000)); }

Step kept() { return {.key = {}, .aor = {}, .set_out_s = now_s - 100, .deadline_s = now_s + 500, .both_until_s = 0, .rests_until_s = now_s + 900}; }

TEST(SetClock, KeepsTheTimeThatIsLeft) {
  for (const std::int64_t ahead_s : {0, 7200, -7200}) {
    Step step = kept();
    for (std::uint64_t* time : {&step.set_out_s, &step.deadline_s, &step.rests_until_s}) *time += static_cast<std::uint64_t>(ahead_s);
    set_clock(step, ahead_s, now_s);
    EXPECT_EQ(step.set_out_s, now_s - 100) << ahead_s;
    EXPECT_EQ(step.deadline_s, now_s + 500) << ahead_s;
    EXPECT_EQ(step.rests_until_s, now_s + 900) << ahead_s;
    EXPECT_EQ(step.both_until_s, 0u) << "none stays none";
  }
}

TEST(SetClock, WhoSetOutInTheFutureSetsOutNow) {
  constexpr std::uint64_t year_s = 365 * 86'400;
  Step step = kept();
  set_clock(step, 0, now_s - year_s);
  EXPECT_EQ(step.set_out_s, now_s - year_s);
  EXPECT_EQ(step.deadline_s, now_s - year_s + 600);
  EXPECT_EQ(step.rests_until_s, now_s - year_s + 1000);
}

TEST(SetClock, NothingGoesBelowOne) {
  Step step = kept();
  set_clock(step, static_cast<std::int64_t>(now_s) * 2, now_s);
  EXPECT_EQ(step.deadline_s, 1u) << "0 is none";
}

}  // namespace
}  // namespace viaduct::migration
