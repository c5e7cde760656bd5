// SPDX-License-Identifier: Apache-2.0
// Clients that are tracked: decay, who makes way, slots, and the hash table against a map that is easy to read.
#include "tracked.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <list>
#include <map>
#include <random>

namespace viaduct::control {
namespace {

constexpr double half_life_s = 100;

sip::ClientKey key(std::uint64_t n) { return {.low = n, .high = n << 40}; }

TEST(TrackedClients, HalveWhatIsAHalfLifeOld) {
  TrackedClients clients(1024, half_life_s);
  clients.count(key(1), {8}, true, 0);
  const Tracked& client = clients.count(key(1), {1}, true, 100);
  EXPECT_FLOAT_EQ(client.weight, 5);
  EXPECT_FLOAT_EQ(client.events, 1.5);
  EXPECT_FLOAT_EQ(client.weight * clients.decay(client.at_ds, 300), 1.25);
}

TEST(TrackedClients, TellWhatRequestsWeighApartFromHowManyASampleStandsFor) {
  TrackedClients clients(1024, half_life_s);
  const Tracked& client = clients.count(key(1), {.weight = 5, .stands_for = 8}, true, 0);
  EXPECT_FLOAT_EQ(client.weight, 40);
  EXPECT_FLOAT_EQ(client.own_weight, 5);
}

TEST(TrackedClients, TellASteadyRateFromTheBeginningOn) {
  TrackedClients clients(1024, half_life_s);
  double now_s = 0;
  for (const double until_s : {5.0, 50.0, 1000.0}) {
    for (; now_s < until_s; now_s += 0.1) clients.count(key(1), {2}, true, now_s);
    EXPECT_NEAR(clients.find(key(1))->weight / clients.remembered_s(now_s), 20, 0.6) << until_s;
  }
}

TEST(TrackedClients, LetTheOneWhoWasIdleForLongestMakeWay) {
  TrackedClients clients(4, half_life_s);
  for (std::uint64_t n = 1; n <= 4; ++n) clients.count(key(n), {1}, true, static_cast<double>(n));
  clients.count(key(1), {1}, true, 5);
  clients.count(key(5), {1}, true, 6);
  EXPECT_EQ(clients.find(key(2)), nullptr);
  for (const std::uint64_t n : {1, 3, 4, 5}) EXPECT_NE(clients.find(key(n)), nullptr) << n;
  EXPECT_EQ(clients.size(), 4U);
  EXPECT_EQ(clients.evicted(), 1U);
  EXPECT_EQ(clients.find(key(5))->aor, nullptr);   // nor is he called by the name of who was there
}

TEST(TrackedClients, KeepNames) {
  TrackedClients clients(4, half_life_s);
  clients.count(key(1), {1}, true, 0).set_name("alice@example.com");
  EXPECT_EQ(clients.find(key(1))->name(), "alice@example.com");
}

TEST(TrackedClients, CountInTheirSlotWhileTheyLiveByIt) {
  TrackedClients clients(1024, half_life_s);
  const sip::ClientKey alice{.low = 1, .high = std::uint64_t{7} << 47}, bob{.low = 2, .high = std::uint64_t{7} << 47};
  clients.count(alice, {3}, true, 0);
  clients.count(alice, {1}, true, 0);
  clients.count(bob, {2}, true, 0);
  EXPECT_EQ(clients.slot(7).clients, 2U);
  EXPECT_FLOAT_EQ(clients.slot(7).weight, 6);
  clients.count(bob, {9}, false, 100);   // he has got an entry of his own
  EXPECT_EQ(clients.slot(7).clients, 1U);
  EXPECT_FLOAT_EQ(clients.slot(7).weight, 2);
  clients.count(bob, {1}, true, 100);    // and has lost it again
  EXPECT_EQ(clients.slot(7).clients, 2U);
  EXPECT_FLOAT_EQ(clients.slot(7).weight, 2 + 1 + 9 + 1);
}

TEST(TrackedClients, LeaveTheirSlotItsWeightWhenTheyMakeWay) {
  TrackedClients clients(1, half_life_s);
  const sip::ClientKey alice{.low = 1, .high = std::uint64_t{7} << 47}, bob{.low = 2, .high = std::uint64_t{8} << 47};
  clients.count(alice, {3}, true, 0);
  clients.count(bob, {1}, true, 0);
  EXPECT_EQ(clients.slot(7).clients, 0U);
  EXPECT_FLOAT_EQ(clients.slot(7).weight, 3);
  EXPECT_EQ(clients.slot(8).clients, 1U);
}

/// Keys that fall into few buckets, so that searches run into each other and round the end, in a table that is always full.
TEST(TrackedClients, AgreeWithAMapAndAListOnARandomStream) {
  constexpr std::size_t room = 64;
  TrackedClients clients(room, 1e9);
  std::map<std::uint64_t, float> weights;
  std::list<std::uint64_t> order;   // the idlest first
  std::mt19937_64 random(1);
  for (int i = 0; i < 100'000; ++i) {
    const std::uint64_t n = (random() % 30) * 128 + 120 + random() % 10;
    if (!weights.contains(n) && weights.size() == room) {
      weights.erase(order.front());
      order.pop_front();
    }
    order.remove(n);
    order.push_back(n);
    weights[n] += 1;
    clients.count(key(n), {1}, false, 0);
    if (i % 997 != 0) continue;
    for (std::uint64_t m = 120; m < 30 * 128 + 130; ++m) {
      const Tracked* found = clients.find(key(m));
      ASSERT_EQ(found != nullptr, weights.contains(m)) << i << ' ' << m;
      ASSERT_FLOAT_EQ(found != nullptr ? found->weight : 0, weights.contains(m) ? weights[m] : 0);
    }
  }
  EXPECT_EQ(clients.size(), room);
}

}  // namespace
}  // namespace viaduct::control
