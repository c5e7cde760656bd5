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

}  // namespace
}  // namespace viaduct::migration
