// SPDX-License-Identifier: Apache-2.0
// The layers, the batches, collisions and growth, as one thread sees them. Readers beside the writer: model_test.cpp.
#include <gtest/gtest.h>

#include "fleet.h"
#include "ledger.h"
#include "viaduct/assign/fill.h"
#include "viaduct/base/limits.h"

namespace viaduct::assign::test {
namespace {

class AssignmentTest : public testing::Test {
 protected:
  share::Epoch epoch{2};
  Assignment assignment{Policy::slots, 1000};
  Ledger ledger;
  ClientKey key{0x1234567890abcdef, 0xfedcba0987654321};

  AssignmentTest() { assignment.set_slots(deal(fleet(3), seed), 1); }
  std::uint32_t apply(std::vector<Change> changes) { return ledger.apply(std::move(changes), assignment, epoch); }
};

TEST_F(AssignmentTest, AnswersEveryClientBySlotAtFirst) {
  const Placement p = assignment.find(key);
  EXPECT_EQ(p.layer, Layer::slot);
  EXPECT_EQ(p.home, assignment.slot_home(key));
  EXPECT_LT(p.home, 3);
  EXPECT_EQ(p.epoch, assignment.epoch());
}

TEST_F(AssignmentTest, PrefersAnOverrideToTheSlot) {
  apply({{key, 77, false}});
  EXPECT_EQ(assignment.find(key).home, 77);
  EXPECT_EQ(assignment.find(key).layer, Layer::override_);
  EXPECT_NE(assignment.slot_home(key), 77);
}

TEST_F(AssignmentTest, PrefersAPinToAnOverride) {
  apply({{key, 77, false}});
  apply({{key, 78, true}});
  EXPECT_EQ(assignment.find(key).home, 78);
  EXPECT_EQ(assignment.find(key).layer, Layer::pin);
}

TEST_F(AssignmentTest, FallsBackToTheSlotWhenAnEntryIsRemoved) {
  const HomeIndex slot = assignment.find(key).home;
  apply({{key, 77, true}});
  apply({{key, no_home, false}});
  EXPECT_EQ(assignment.find(key).home, slot);
  EXPECT_EQ(assignment.find(key).layer, Layer::slot);
}

TEST_F(AssignmentTest, NamesNobodyUnderPolicyExplicit) {
  Assignment explicit_only(Policy::explicit_, 10);
  explicit_only.set_slots(deal(fleet(3), seed), 1);
  fill(explicit_only, {{.client = store::identity(key), .epoch = 1, .home = 2}}, 1, epoch);
  EXPECT_EQ(explicit_only.find({7, 7}).home, no_home);
  EXPECT_EQ(explicit_only.find({7, 7}).layer, Layer::none);
  EXPECT_EQ(explicit_only.find(key).home, 2);
}

TEST_F(AssignmentTest, DoesNotCallAClientUnknownBeforeAllAreLoaded) {
  Assignment explicit_only(Policy::explicit_, 10);
  EXPECT_EQ(explicit_only.find(key).layer, Layer::loading);
  EXPECT_EQ(explicit_only.find(key).home, no_home);
  explicit_only.set_loaded();
  EXPECT_EQ(explicit_only.find(key).layer, Layer::none);
  EXPECT_EQ(name(Layer::loading), "loading");
}

TEST_F(AssignmentTest, RaisesTheEpochOnceABatch) {
  const std::uint32_t before = assignment.epoch();
  const auto keys = random_keys(100, 1);
  std::vector<Change> changes;
  for (const ClientKey& k : keys) changes.push_back({k, 5, false});
  EXPECT_EQ(apply(changes), before + 1);
  for (const ClientKey& k : keys) EXPECT_EQ(assignment.find(k).epoch, before + 1);
}

TEST_F(AssignmentTest, KeepsTheEpochWhenNothingChanges) {
  const std::uint32_t set = apply({{key, 5, true}});
  EXPECT_EQ(apply({{key, 5, true}}), set);
  EXPECT_EQ(apply({}), set);
  EXPECT_EQ(apply({{{7, 7}, no_home, false}}), set);
  apply({{{8, 8}, 5, false}});
  EXPECT_EQ(assignment.find(key).epoch, set);
}

TEST_F(AssignmentTest, SignsASlotWithTheEpochOfARemovalInIt) {
  apply({{key, 5, false}});
  const std::uint32_t removed = apply({{key, no_home, false}});
  EXPECT_EQ(assignment.find(key).epoch, removed);
  const ClientKey elsewhere{key.low, ~key.high};
  EXPECT_LT(assignment.find(elsewhere).epoch, removed);
}

TEST_F(AssignmentTest, AppliesABatchInOrder) {
  apply({{key, 5, false}, {key, 6, true}, {key, no_home, false}, {key, 7, false}});
  EXPECT_EQ(assignment.find(key).home, 7);
  EXPECT_EQ(assignment.find(key).layer, Layer::override_);
  EXPECT_EQ(assignment.statistics().overrides, 1u);
  EXPECT_EQ(assignment.statistics().pins, 0u);
}

TEST_F(AssignmentTest, CountsPinsAndOverrides) {
  const auto keys = random_keys(3, 8);
  apply({{keys[0], 0, true}, {keys[1], 1, false}, {keys[2], 1, false}});
  const auto s = assignment.statistics();
  EXPECT_EQ(s.pins, 1u);
  EXPECT_EQ(s.overrides, 2u);
  EXPECT_GE(s.capacity, 1000u);
  EXPECT_LE(s.bytes_reserved, s.bytes);
}

TEST_F(AssignmentTest, ServesATagOfZero) {
  apply({{{5, 9}, 1, false}});
  EXPECT_EQ(assignment.find({5, 9}).home, 1);
  EXPECT_EQ(assignment.find({5, ~std::uint64_t{9}}).layer, Layer::slot);
  apply({{{std::uint64_t{1} << 24, 9}, 2, false}});  // tag 1, as which tag 0 is stored
  EXPECT_EQ(assignment.find({5, 9}).home, 1);
  EXPECT_EQ(assignment.find({std::uint64_t{1} << 24, 9}).home, 2);
}

TEST_F(AssignmentTest, KnowsAClientByHisIdentity) {
  apply({{key, 77, true}});
  EXPECT_EQ(assignment.find(store::identity(key)).home, 77);
  EXPECT_EQ(assignment.find({key.low ^ 0xffffff, key.high ^ 0xfffff}).home, 77);
  apply({{store::identity(key), no_home}});
  EXPECT_EQ(assignment.find(key).layer, Layer::slot);
}

TEST_F(AssignmentTest, GrowsFromNothingToTwoHundredThousand) {
  Assignment small(Policy::slots, 0);
  const auto keys = random_keys(200'000, 2);
  std::vector<Change> changes;
  for (std::size_t i = 0; i < keys.size(); ++i) changes.push_back({keys[i], static_cast<HomeIndex>(i % 60'000), false});
  ledger.apply(changes, small, epoch);
  for (std::size_t i = 0; i < keys.size(); ++i) ASSERT_EQ(small.find(keys[i]).home, i % 60'000);
  EXPECT_EQ(small.statistics().overrides, keys.size());
  EXPECT_LT(small.statistics().capacity, keys.size() * 2);
  EXPECT_EQ(small.reclaim(epoch), 0u);  // no reader is registered: everything retired is gone
}

TEST_F(AssignmentTest, KeepsItsSizeWhenClientsComeAndGo) {
  const auto keys = random_keys(50'000, 3);
  const std::size_t capacity = assignment.statistics().capacity;
  for (std::size_t i = 0; i < keys.size(); i += 100) {
    std::vector<Change> come, go;
    for (std::size_t k = i; k < i + 100; ++k) {
      come.push_back({keys[k], 1, false});
      go.push_back({keys[k], no_home, false});
    }
    apply(come);
    apply(go);
  }
  EXPECT_EQ(assignment.statistics().overrides, 0u);
  EXPECT_EQ(assignment.statistics().capacity, capacity);
}

TEST_F(AssignmentTest, DoesNotReuseAFreedEntryBeforeItsGracePeriod) {
  epoch.enter(0);
  apply({{key, 1, false}});
  apply({{key, no_home, false}});
  EXPECT_EQ(assignment.reclaim(epoch), 1u);
  epoch.quiescent(0);
  EXPECT_EQ(assignment.reclaim(epoch), 0u);
  epoch.leave(0);
}

TEST_F(AssignmentTest, ServesCollidingClientsExactly) {
  const auto keys = colliding_keys(3, 4);
  apply({{keys[0], 10, false}, {keys[1], 11, true}});
  EXPECT_EQ(assignment.find(keys[0]).home, 10);
  EXPECT_EQ(assignment.find(keys[1]).home, 11);
  EXPECT_EQ(assignment.find(keys[1]).layer, Layer::pin);
  EXPECT_EQ(assignment.find(keys[2]).layer, Layer::slot);
  const std::uint32_t changed = apply({{keys[0], 12, false}});
  EXPECT_EQ(assignment.find(keys[0]).home, 12);
  EXPECT_EQ(assignment.find(keys[0]).epoch, changed);
  EXPECT_EQ(assignment.find(keys[1]).home, 11);
  apply({{keys[0], no_home, false}});
  EXPECT_EQ(assignment.find(keys[0]).layer, Layer::slot);
  EXPECT_EQ(assignment.find(keys[1]).home, 11);
}

TEST_F(AssignmentTest, ServesMoreCollidingClientsThanAWalkHasPlaces) {
  const auto keys = colliding_keys(200, 5);
  for (std::size_t i = 0; i < keys.size(); ++i) apply({{keys[i], static_cast<HomeIndex>(i), false}});
  for (std::size_t i = 0; i < keys.size(); ++i) ASSERT_EQ(assignment.find(keys[i]).home, i);
  EXPECT_EQ(assignment.statistics().overrides, keys.size());
}

TEST_F(AssignmentTest, ServesManyClientsOfOneLine) {
  std::vector<Change> changes;
  for (std::uint64_t i = 0; i < 100; ++i) changes.push_back({{i << 24, key.high}, static_cast<HomeIndex>(i), false});
  apply(changes);
  for (const Change& c : changes) ASSERT_EQ(assignment.find(c.key).home, c.home);
}

TEST_F(AssignmentTest, AsksForADraftWhereANewClientCouldBeMistaken) {
  auto keys = colliding_keys(2, 9);
  std::vector<Change> first{{keys[0], 10, false}}, second{{keys[1], 11, true}, {keys[0], 12, false}};
  ledger.commit(first, 2);
  EXPECT_TRUE(assignment.apply(first, 2, epoch).empty());
  ledger.commit(second, 3);
  const auto stale = assignment.apply(second, 3, epoch);
  ASSERT_EQ(stale, std::vector{assignment.shard_of(keys[0])});
  EXPECT_EQ(assignment.find(keys[0]).home, 10) << "as before, until it is made anew";
  EXPECT_EQ(assignment.epoch(), 2u);
  ledger.redraft(stale[0], 3, assignment, epoch);
  EXPECT_EQ(assignment.find(keys[0]).home, 12);
  EXPECT_EQ(assignment.find(keys[1]).home, 11);
  EXPECT_EQ(assignment.epoch(), 3u);
}

TEST_F(AssignmentTest, LetsAClientGoWhenItsClosedShardIsMadeAnew) {
  auto keys = colliding_keys(2, 9);
  std::vector<Change> first{{keys[0], 10, false}}, second{{keys[1], 11, true}, {keys[0], no_home, false}};
  ledger.commit(first, 2);
  EXPECT_TRUE(assignment.apply(first, 2, epoch).empty());
  ledger.commit(second, 3);
  const auto stale = assignment.apply(second, 3, epoch);
  EXPECT_EQ(assignment.find(keys[0]).home, 10);
  const ClientKey neighbour{.low = ~keys[0].low, .high = keys[0].high};
  EXPECT_EQ(assignment.find(neighbour).epoch, 1u);
  ledger.redraft(stale.at(0), 3, assignment, epoch);
  EXPECT_EQ(assignment.find(neighbour).epoch, 3u) << "the slot signs with the batch in which a client of it has left";
  EXPECT_EQ(assignment.find(keys[0]).home, 11) << "a client without an entry is told from one with an entry by tag and walk alone";
  ledger.apply({{keys[1], no_home, false}}, assignment, epoch);
  EXPECT_EQ(assignment.find(keys[0]).layer, Layer::slot);
  EXPECT_GE(assignment.find(keys[0]).epoch, 3u);
}

TEST_F(AssignmentTest, TakesAChangeOfAClientThatIsNotLoadedYet) {
  std::vector<Change> changes{{key, 5, false, false}};
  EXPECT_TRUE(assignment.apply(changes, 2, epoch).empty());
  EXPECT_EQ(assignment.find(key).home, 5);
}

TEST_F(AssignmentTest, IsMadeOfWholeBlocksOfTheStore) {
  std::uint32_t next = 0;
  for (std::uint32_t shard = 0; shard < assignment.shards_count(); ++shard) {
    const auto blocks = assignment.blocks_of(shard);
    EXPECT_EQ(blocks.first, next);
    next = blocks.end;
    for (const std::uint32_t block : {blocks.first, blocks.end - 1})
      EXPECT_EQ(assignment.shard_of({.low = 1, .high = std::uint64_t{block} << (64 - store::block_bits)}), shard);
  }
  EXPECT_EQ(next, std::uint32_t{1} << store::block_bits);
}

TEST_F(AssignmentTest, FillsFromRecordsInAnyOrder) {
  std::vector<store::Record> records;
  for (const ClientKey& k : random_keys(1000, 11)) records.push_back({.client = store::identity(k), .epoch = 4, .home = 1});
  records[17] = {.client = records[17].client, .epoch = 5, .home = 2, .pin = true};
  fill(assignment, records, 5, epoch);
  EXPECT_EQ(assignment.find(records[17].client).home, 2);
  EXPECT_EQ(assignment.find(records[16].client).epoch, 4u);
  EXPECT_EQ(assignment.statistics().overrides, 999u);
  EXPECT_EQ(assignment.statistics().pins, 1u);
  EXPECT_EQ(assignment.epoch(), 5u);
}

TEST_F(AssignmentTest, FindsABurstAsItFindsEachClient) {
  std::vector<Change> changes;
  auto keys = colliding_keys(20, 12);
  for (std::uint64_t i = 0; i < 28; ++i) keys.push_back({i << 24, key.high});  // more than two lines hold
  for (const ClientKey& k : keys) changes.push_back({k, 9, false});
  for (const ClientKey& k : random_keys(base::burst_pkts_max - keys.size(), 13)) keys.push_back(k);
  apply(changes);
  Assignment explicit_only(Policy::explicit_, 10);
  for (const Change& c : changes) ledger.apply({c}, explicit_only, epoch);
  for (const Assignment* a : {&assignment, &explicit_only}) {
    std::vector<Placement> found(keys.size());
    a->find(keys, found);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      EXPECT_EQ(found[i].home, a->find(keys[i]).home);
      EXPECT_EQ(found[i].layer, a->find(keys[i]).layer);
      EXPECT_EQ(found[i].epoch, a->find(keys[i]).epoch);
    }
  }
}

using AssignmentDeathTest = AssignmentTest;

TEST_F(AssignmentDeathTest, FindsNoMoreThanABurst) {
  const auto keys = random_keys(base::burst_pkts_max + 1, 1);
  std::vector<Placement> found(keys.size());
  EXPECT_DEATH(assignment.find(keys, found), "more keys than a burst");
}

TEST_F(AssignmentDeathTest, RefusesADraftOfAShardThatHasChangedSince) {
  const std::uint32_t shard = assignment.shard_of(key);
  auto draft = assignment.draft(shard, {}, 1);
  std::vector<Change> changes{{key, 5, false, true}};
  ASSERT_TRUE(assignment.apply(changes, 2, epoch).empty());
  EXPECT_DEATH(assignment.publish(std::move(draft), epoch), "changed between its draft and its publication");
}

TEST_F(AssignmentDeathTest, RefusesTheSecondOfTwoDrafts) {
  auto first = assignment.draft(3, {}, 1);
  auto second = assignment.draft(3, {}, 1);
  assignment.publish(std::move(first), epoch);
  EXPECT_DEATH(assignment.publish(std::move(second), epoch), "changed between its draft and its publication");
}

TEST_F(AssignmentDeathTest, RefusesRecordsThatAreNotItsShards) {
  const store::Record one{.client = store::identity(key), .home = 1};
  const std::uint32_t shard = assignment.shard_of(key);
  EXPECT_DEATH(static_cast<void>(assignment.draft(shard ^ 1, {&one, 1}, 1)), "a record of another shard");
  EXPECT_DEATH(static_cast<void>(assignment.draft(shard, std::vector{one, one}, 1)), "do not ascend");
  const store::Record whole{.client = key, .home = 1};
  EXPECT_DEATH(static_cast<void>(assignment.draft(shard, {&whole, 1}, 1)), "a record that is none");
}

TEST_F(AssignmentTest, KeepsCollidingClientsExactWhileItGrows) {
  const auto colliding = colliding_keys(5, 6);
  for (std::size_t i = 0; i < colliding.size(); ++i) apply({{colliding[i], static_cast<HomeIndex>(i), false}});
  std::vector<Change> changes;
  for (const ClientKey& k : random_keys(50'000, 7)) changes.push_back({k, 99, false});
  apply(changes);
  for (std::size_t i = 0; i < colliding.size(); ++i) EXPECT_EQ(assignment.find(colliding[i]).home, i);
  EXPECT_EQ(assignment.statistics().overrides, 50'005u);
}

}  // namespace
}  // namespace viaduct::assign::test
