// SPDX-License-Identifier: Apache-2.0
#include "congestion.h"

#include <gtest/gtest.h>

namespace viaduct::migration {
namespace {

class CongestionTest : public testing::Test {
 protected:
  CongestionTest() {
    sums.responses[4] = 1000;   // long ago
    congestion.note(sums, 1);
  }
  /// A second in which the home answers so.
  double second(std::uint64_t good, std::uint64_t refusals) {
    sums.responses[0] += 100;   // provisional ones say nothing
    sums.responses[1] += good;
    sums.responses[4] += refusals;
    congestion.note(sums, 1);
    return congestion.pace_ratio();
  }
  site::HomeSums sums;
  Congestion congestion;
};

TEST_F(CongestionTest, HalvesThePaceEachSecondAndRecoversInAMinute) {
  EXPECT_DOUBLE_EQ(second(50, 50), 0.5);
  EXPECT_DOUBLE_EQ(second(50, 50), 0.25);
  for (int i = 0; i < 20; ++i) second(0, 50);
  EXPECT_DOUBLE_EQ(congestion.pace_ratio(), 1.0 / 64) << "some still go, or nobody would see that it is over";
  EXPECT_GT(second(50, 0), 1.0 / 64);
  for (int i = 0; i < 58; ++i) EXPECT_LT(second(50, 0), 1);
  second(50, 0);
  EXPECT_DOUBLE_EQ(second(50, 0), 1);
}

TEST_F(CongestionTest, IsNoneForAFewRefusalsNorForWhatWasBefore) {
  EXPECT_DOUBLE_EQ(second(1000, 90), 1);
  EXPECT_DOUBLE_EQ(second(0, 2), 1);
  EXPECT_DOUBLE_EQ(second(0, 0), 1);
  EXPECT_LT(second(0, 3), 1);
}

TEST_F(CongestionTest, LooksOnceASecondHoweverOftenItIsTold) {
  sums.responses[4] += 50;
  for (int i = 0; i < 9; ++i) {
    congestion.note(sums, 0.1);
    EXPECT_DOUBLE_EQ(congestion.pace_ratio(), 1);
  }
  congestion.note(sums, 0.2);
  EXPECT_DOUBLE_EQ(congestion.pace_ratio(), 0.5);
}

}  // namespace
}  // namespace viaduct::migration
