// SPDX-License-Identifier: Apache-2.0
// Counters sum up, and their two equations hold or are seen to fail.
#include "viaduct/share/counters.h"

#include <gtest/gtest.h>

#include <thread>

namespace viaduct::share {
namespace {

using base::Drop;
using base::Verdict;

CounterSums sums(const Counters& c) {
  CounterSums s;
  s.add(c);
  return s;
}

TEST(Counters, OfTwoWorkersAreSummed) {
  Counters a, b;
  a.rx_pkts.add(3);
  a.handed_over.add(1);
  a.tx_pkts.add(2);
  a.tx_full.add(4);
  a.bursts.add(5);
  a.sleeps.add(6);
  a.reassembled.add(7);
  a.fragments_expired.add(8);
  a.fragments_spoilt.add(9);
  a.fragments_sent.add(10);
  a.registrations_put_off.add(11);
  a.sightings_lost.add(12);
  a.requests_shed.add(13);
  a.requests_shed_asked.add(14);
  a.overload_reports.add(15);
  a.overload_outdated.add(16);
  a.overload_nonsense.add(17);
  a.count(Verdict::redirected);
  a.count(Drop::frame_type);
  b.rx_pkts.add(1);
  b.count(Verdict::redirected);
  CounterSums s = sums(a);
  s.add(b);
  EXPECT_EQ(s.rx_pkts, 4u);
  EXPECT_EQ(s.handed_over, 1u);
  EXPECT_EQ(s.tx_pkts, 2u);
  EXPECT_EQ(s.tx_full, 4u);
  EXPECT_EQ(s.bursts, 5u);
  EXPECT_EQ(s.sleeps, 6u);
  EXPECT_EQ(s.reassembled, 7u);
  EXPECT_EQ(s.fragments_expired, 8u);
  EXPECT_EQ(s.fragments_spoilt, 9u);
  EXPECT_EQ(s.fragments_sent, 10u);
  EXPECT_EQ(s.registrations_put_off, 11u);
  EXPECT_EQ(s.sightings_lost, 12u);
  EXPECT_EQ(s.requests_shed, 13u);
  EXPECT_EQ(s.requests_shed_asked, 14u);
  EXPECT_EQ(s.overload_reports, 15u);
  EXPECT_EQ(s.overload_outdated, 16u);
  EXPECT_EQ(s.overload_nonsense, 17u);
  EXPECT_EQ(s.verdicts[std::to_underlying(Verdict::redirected)], 2u);
  EXPECT_EQ(s.verdicts[std::to_underlying(Verdict::dropped)], 1u);
  EXPECT_EQ(s.drops[std::to_underlying(Drop::frame_type)], 1u);
  EXPECT_TRUE(s.balanced());
}

TEST(Counters, BalanceWhenEveryPacketHasOneVerdict) {
  Counters c;
  EXPECT_TRUE(sums(c).balanced());
  c.rx_pkts.add(1);
  EXPECT_FALSE(sums(c).balanced()) << "a packet without a verdict";
  c.handed_over.add(1);
  EXPECT_TRUE(sums(c).balanced());
  c.count(Verdict::proxied);
  EXPECT_FALSE(sums(c).balanced()) << "a verdict without a packet";
  c.second_homes.add(1);
  EXPECT_TRUE(sums(c).balanced());
}

TEST(Counters, BalanceWhenEveryDropHasOneReason) {
  Counters c;
  c.rx_pkts.add(1);
  c.count(Verdict::dropped);
  EXPECT_FALSE(sums(c).balanced()) << "a drop without a reason";
  c.drops[std::to_underlying(Drop::udp_length)].add(1);
  EXPECT_TRUE(sums(c).balanced());
}

TEST(Counters, OfNeighboursShareNoLine) {
  EXPECT_EQ(sizeof(Counters) % 64, 0u);
  EXPECT_EQ(alignof(Counters), 64u);
}

TEST(Counters, CanBeReadWhileTheyAreWritten) {
  Counters c;
  std::jthread worker{[&c] {
    for (int i = 0; i < 20'000; ++i) c.rx_pkts.add(1);
  }};
  for (std::uint64_t last = 0; last < 20'000;) {
    const std::uint64_t now = sums(c).rx_pkts;
    ASSERT_GE(now, last);
    last = now;
    std::this_thread::yield();
  }
}

}  // namespace
}  // namespace viaduct::share
