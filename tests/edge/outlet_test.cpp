// SPDX-License-Identifier: Apache-2.0
// The ways to other cores: how many packets wait for a flush, and when a registrar shard is crowded.
#include "outlet.h"

#include <gtest/gtest.h>

namespace viaduct::edge {
namespace {

TEST(RingOutlet, LetsGoByItselfWhatIsMoreThanABurst) {
  share::Ring ring("many", 256, share::Producers::many);
  share::Counters counters;
  RingOutlet outlet(ring, counters, base::Drop::control_ring_full);
  std::array<rte_mbuf, 2 * base::burst_pkts_max + 1> buffers{};
  for (rte_mbuf& buffer : buffers) outlet.stage(nic::Packet(&buffer), base::Verdict::controlled);
  EXPECT_EQ(ring.count(), 2 * base::burst_pkts_max);
  outlet.flush();
  std::array<void*, buffers.size()> taken;
  ASSERT_EQ(ring.pop(taken), taken.size());
  for (std::size_t i = 0; i < taken.size(); ++i) EXPECT_EQ(taken[i], &buffers[i]) << i;
  EXPECT_EQ(counters.verdicts[std::to_underlying(base::Verdict::controlled)].get(), taken.size());
}

// Crowded from half a ring on, and no longer when the shard has caught up, also if nobody sends meanwhile.
TEST(ShardOutlet, IsCrowdedWhileMoreThanHalfOfItsRingIsTaken) {
  share::Ring ring("shard", 8, share::Producers::many);
  share::Counters counters;
  ShardOutlet outlet(ring, counters);
  std::array<rte_mbuf, 5> buffers{};
  const auto send = [&](std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i) outlet.stage(nic::Packet(&buffers[i]), base::Verdict::registered);
    outlet.flush();
  };
  send(0, 4);
  EXPECT_FALSE(outlet.is_crowded());
  send(4, 5);
  EXPECT_TRUE(outlet.is_crowded());
  std::array<void*, 1> taken;
  ASSERT_EQ(ring.pop(taken), 1U);
  outlet.flush();
  EXPECT_FALSE(outlet.is_crowded());
  EXPECT_EQ(counters.verdicts[std::to_underlying(base::Verdict::registered)].get(), 5U);
}

}  // namespace
}  // namespace viaduct::edge
