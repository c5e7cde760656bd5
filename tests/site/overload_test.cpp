// SPDX-License-Identifier: Apache-2.0
// What homes ask for: for how long, in which order, by several workers at once; and what a registrar asks for.
#include "viaduct/site/overload.h"

#include <gtest/gtest.h>

#include <array>
#include <thread>
#include <vector>

namespace viaduct::site {
namespace {

using enum sip::OverloadAlgorithm;

constexpr std::uint64_t now_ms = 1'000'000;

class Asked : public ::testing::Test {
 protected:
  Asked() { overloads.cover(300); }
  /// `loss 20`, or `-`.
  std::string of(assign::HomeIndex home, std::uint64_t at_ms = now_ms) const {
    const auto wish = overloads.of(home, at_ms);
    return wish ? std::string(sip::name(wish->algorithm)) + ' ' + std::to_string(wish->value) : "-";
  }
  Overloads overloads;
};

TEST_F(Asked, HoldsForItsTimeAndNoOtherHome) {
  EXPECT_FALSE(overloads.is_any(now_ms));
  ASSERT_TRUE(overloads.take(299, {.algorithm = loss, .value = 20, .validity_ms = 500}, now_ms));
  EXPECT_EQ(of(299), "loss 20");
  EXPECT_EQ(of(299, now_ms + 499), "loss 20");
  EXPECT_EQ(of(299, now_ms + 500), "-");
  EXPECT_EQ(of(298), "-");
  EXPECT_TRUE(overloads.is_any(now_ms + 499));
  EXPECT_FALSE(overloads.is_any(now_ms + 500));
}

TEST_F(Asked, EndsAtOnceWhenTheHomeSaysSo) {
  ASSERT_TRUE(overloads.take(1, {.algorithm = rate, .value = base::overload_rate_max, .validity_ms = base::overload_validity_ms_max}, now_ms));
  EXPECT_EQ(of(1), "rate 10000000");
  ASSERT_TRUE(overloads.take(1, {.algorithm = rate, .value = 10, .validity_ms = 0}, now_ms));
  EXPECT_EQ(of(1), "-");
}

TEST_F(Asked, StaysWithTheLatestReport) {
  ASSERT_TRUE(overloads.take(1, {.algorithm = loss, .value = 20, .validity_ms = 500, .sequence = 70}, now_ms));
  EXPECT_FALSE(overloads.take(1, {.algorithm = loss, .value = 90, .validity_ms = 500, .sequence = 69}, now_ms)) << "it was overtaken";
  EXPECT_EQ(of(1), "loss 20");
  EXPECT_TRUE(overloads.take(1, {.algorithm = loss, .value = 20, .validity_ms = 500, .sequence = 70}, now_ms + 400)) << "the same again";
  EXPECT_EQ(of(1, now_ms + 600), "loss 20");
  EXPECT_TRUE(overloads.take(1, {.algorithm = rate, .value = 5, .validity_ms = 0, .sequence = 71}, now_ms + 700));
  EXPECT_FALSE(overloads.take(1, {.algorithm = loss, .value = 20, .validity_ms = 500, .sequence = 70}, now_ms + 700)) << "it would begin again";
  EXPECT_EQ(of(1, now_ms + 700), "-");
}

TEST_F(Asked, ForgetsTheOrderOfWhoWasSilentForLong) {
  ASSERT_TRUE(overloads.take(1, {.algorithm = loss, .value = 20, .validity_ms = 500, .sequence = 70}, now_ms));
  EXPECT_FALSE(overloads.take(1, {.algorithm = loss, .value = 30, .validity_ms = 500, .sequence = 3}, now_ms + base::overload_ordered_ms - 1));
  EXPECT_TRUE(overloads.take(1, {.algorithm = loss, .value = 30, .validity_ms = 500, .sequence = 3}, now_ms + base::overload_ordered_ms));
}

TEST_F(Asked, TakesReportsWithoutOrderAsTheyCome) {
  ASSERT_TRUE(overloads.take(1, {.algorithm = loss, .value = 20, .validity_ms = 500, .sequence = 70}, now_ms));
  ASSERT_TRUE(overloads.take(1, {.algorithm = loss, .value = 30, .validity_ms = 500}, now_ms));
  EXPECT_EQ(of(1), "loss 30");
}

TEST_F(Asked, OfReportsThatComeAtOnceTheLatestStays) {
  for (std::uint32_t round = 1; round <= 200; ++round) {
    std::vector<std::thread> workers;
    for (std::uint32_t w = 0; w < 4; ++w)
      workers.emplace_back([&, w] {
        for (std::uint32_t i = 0; i < 20; ++i) {
          const std::uint32_t number = i * 4 + w;
          overloads.take(7, {.algorithm = rate, .value = number, .validity_ms = 500, .sequence = std::uint64_t{round} * 1000 + number}, now_ms);
        }
      });
    for (auto& w : workers) w.join();
    ASSERT_EQ(of(7), "rate 79") << round;
  }
}

TEST(RegistrarLoss, GrowsFromNothingAtHalfARingToAllAtAFullOne) {
  std::vector<std::unique_ptr<share::Ring>> rings;
  for (int i = 0; i < 2; ++i) rings.push_back(std::make_unique<share::Ring>("loss", 8, share::Producers::many));
  std::array<int, 1> item{};
  const auto push = [&](std::size_t ring, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      void* mail = item.data();
      ASSERT_EQ(rings[ring]->push({&mail, 1}), 1U);
    }
  };
  push(0, 4);
  EXPECT_EQ(registrar_loss_percent(rings), 0U);
  push(0, 2);
  EXPECT_EQ(registrar_loss_percent(rings), 25U) << "half of one, nothing of the other";
  push(0, 2);
  push(1, 8);
  EXPECT_EQ(registrar_loss_percent(rings), 100U);
}

}  // namespace
}  // namespace viaduct::site
