// SPDX-License-Identifier: Apache-2.0
// Placements, homes and slots: what was committed is there, also for who opens the store anew; what was not, is not.
#include <map>
#include <random>

#include "earlier.h"
#include "folder.h"
#include "viaduct/base/limits.h"

namespace viaduct::store::test {
namespace {

class StoreTest : public testing::Test {
 protected:
  Folder folder;
  std::unique_ptr<Store> store = open(folder);
  void reopen() {
    store.reset();
    store = open(folder);
  }
  [[nodiscard]] std::optional<Record> found(const Client& c) const { return *look(*store)->find(c.key); }
};

TEST_F(StoreTest, KeepsAPlacementOverAReopening) {
  const Client alice = client(1);
  EXPECT_EQ(commit(*store, std::vector{Move{alice.key, alice.aor, 7, true}}), 1u);
  reopen();
  EXPECT_EQ(found(alice), (Record{identity(alice.key), 1, 7, true}));
  EXPECT_EQ(look(*store)->epoch(), 1u);
  EXPECT_EQ(look(*store)->clients(), 1u);
}

TEST_F(StoreTest, HasAMarkThatNoOtherHas) {
  const auto mark = *look(*store)->mark();
  ASSERT_TRUE(mark);
  commit(*store, std::vector{Move{client(1).key, client(1).aor, 7, false}});
  reopen();
  EXPECT_EQ(*look(*store)->mark(), mark);
  const Folder another;
  EXPECT_NE(*look(*open(another))->mark(), mark);
}

TEST_F(StoreTest, OfAnEarlierBuildGetsAMark) {
  store.reset();
  take_away(folder.options(), folder.file(), "meta", "mark");
  {
    LmdbOptions options = folder.options();
    options.access = Access::read;
    EXPECT_FALSE(*look(*open(options))->mark());
  }
  reopen();
  const auto mark = *look(*store)->mark();
  ASSERT_TRUE(mark);
  reopen();
  EXPECT_EQ(*look(*store)->mark(), mark);
}

TEST_F(StoreTest, TellsWhatStoodBefore) {
  const Client alice = client(1);
  commit(*store, std::vector{Move{alice.key, alice.aor, 7, false}});
  auto writer = *store->begin({"test", ""});
  EXPECT_EQ(*writer->put({client(2).key, client(2).aor, 3, false}), std::nullopt);
  EXPECT_EQ(*writer->put({alice.key, alice.aor, std::nullopt, false}), (Record{identity(alice.key), 1, 7, false}));
  EXPECT_EQ(*writer->put({alice.key, alice.aor, std::nullopt, false}), std::nullopt);
}

TEST_F(StoreTest, ForgetsABatchThatWasNotCommitted) {
  const Client alice = client(1);
  {
    static_cast<void>((*store->begin({"test", ""}))->put({alice.key, alice.aor, 7, true}));
  }
  EXPECT_EQ(found(alice), std::nullopt);
  EXPECT_EQ(look(*store)->epoch(), 0u);
}

TEST_F(StoreTest, RaisesTheEpochOnlyForAChange) {
  const Client alice = client(1);
  const std::vector moves{Move{alice.key, alice.aor, 7, false}};
  EXPECT_EQ(commit(*store, moves), 1u);
  EXPECT_EQ(commit(*store, moves), 1u);
  EXPECT_EQ(commit(*store, std::vector{Move{client(2).key, client(2).aor, std::nullopt, false}}), 1u);
  EXPECT_EQ(commit(*store, std::vector{Move{alice.key, alice.aor, 7, true}}), 2u);
  EXPECT_EQ(found(alice)->epoch, 2u);
}

TEST_F(StoreTest, ShowsASnapshotAsItWas) {
  const Client alice = client(1);
  commit(*store, std::vector{Move{alice.key, alice.aor, 7, false}});
  const auto then = look(*store);
  commit(*store, std::vector{Move{alice.key, alice.aor, 8, false}});
  EXPECT_EQ((*then->find(alice.key))->home, 7);
  EXPECT_EQ(found(alice)->home, 8);
}

TEST_F(StoreTest, RefusesATwin) {
  const Client alice = client(1);
  commit(*store, std::vector{Move{alice.key, alice.aor, 7, false}});
  auto writer = *store->begin({"test", ""});
  auto key = alice.key;
  key.low ^= 1;  // behind the kept bits
  const auto put = writer->put({key, "mallory@example.com", 3, false});
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().fault, Fault::twin);
  EXPECT_NE(put.error().text.find("user1@example.com"), std::string::npos);
}

TEST_F(StoreTest, KeepsHomesAndSlots) {
  std::vector<std::uint16_t> slots(base::slots_count);
  for (std::size_t i = 0; i < slots.size(); ++i) slots[i] = static_cast<std::uint16_t>(i * 7 % 3);
  {
    auto writer = *store->begin({"test", ""});
    ASSERT_TRUE(writer->set_home(2, "two"));
    ASSERT_TRUE(writer->set_home(0, "zero"));
    ASSERT_TRUE(writer->set_slots(slots));
    EXPECT_EQ(*writer->commit(), 1u);
  }
  reopen();
  EXPECT_EQ(*look(*store)->homes(), (std::vector<std::string>{"zero", "", "two"}));
  EXPECT_EQ(*look(*store)->slots(), slots);
  auto writer = *store->begin({"test", ""});
  ASSERT_TRUE(writer->set_slots(slots));
  EXPECT_EQ(*writer->commit(), 1u) << "nothing has changed";
}

TEST_F(StoreTest, HasNoSlotsBeforeTheyAreSet) { EXPECT_TRUE(look(*store)->slots()->empty()); }

TEST_F(StoreTest, GivesBlocksInOrderWithTheirClients) {
  std::vector<Client> clients;
  for (unsigned i = 0; i < 5'000; ++i) clients.push_back(client(i));
  std::vector<Move> moves;
  for (const Client& c : clients) moves.push_back({c.key, c.aor, 1, false});
  commit(*store, moves);
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::string> wanted;
  for (const Client& c : clients)
    if (block_of(c.key) >= 1'000 && block_of(c.key) < 900'000) wanted[{identity(c.key).high, identity(c.key).low}] = c.aor;
  auto at = wanted.begin();
  const auto done = look(*store)->clients(1'000, 900'000, [&](const Record& r, std::string_view aor) {
    EXPECT_EQ(at->first, (std::pair{r.client.high, r.client.low}));
    EXPECT_EQ(at->second, aor);
    ++at;
    return true;
  });
  EXPECT_TRUE(done) << done.error().text;
  EXPECT_EQ(at, wanted.end());
}

TEST_F(StoreTest, StopsWhenAskedTo) {
  for (unsigned i = 0; i < 3; ++i) commit(*store, std::vector{Move{client(i).key, client(i).aor, 1, false}});
  unsigned seen = 0;
  ASSERT_TRUE(look(*store)->clients(0, blocks_end, [&](const Record&, std::string_view) { return ++seen < 2; }));
  EXPECT_EQ(seen, 2u);
}

using Model = std::map<std::string, Record>;

std::vector<Move> random_moves(std::mt19937_64& random, const std::vector<Client>& clients) {
  std::vector<Move> moves;
  for (auto n = random() % 300; n > 0; --n) {
    const Client& c = clients[random() % clients.size()];
    const auto home = random() % 4 == 0 ? std::nullopt : std::optional(static_cast<std::uint16_t>(random() % 5));
    moves.push_back({c.key, c.aor, home, random() % 2 == 0});
  }
  return moves;
}

void put_to(Model& model, const Move& m, std::uint32_t epoch) {
  if (!m.home) {
    model.erase(std::string(m.aor));
    return;
  }
  const auto [at, is_new] = model.try_emplace(std::string(m.aor), Record{identity(m.key), epoch, *m.home, m.pin});
  if (!is_new && (at->second.home != *m.home || at->second.pin != m.pin)) at->second = {identity(m.key), epoch, *m.home, m.pin};
}

void expect_like(const Store& store, const Model& model) {
  Model stored;
  const auto read = look(store)->clients(0, blocks_end, [&](const Record& r, std::string_view aor) { return stored.emplace(aor, r), true; });
  ASSERT_TRUE(read) << read.error().text;
  ASSERT_EQ(stored, model);
  ASSERT_EQ(look(store)->clients(), model.size());
}

TEST_F(StoreTest, AgreesWithAMapAfterRandomBatches) {
  std::mt19937_64 random(4);
  std::vector<Client> clients;
  for (unsigned i = 0; i < 400; ++i) clients.push_back(client(i));
  Model model;
  for (unsigned round = 0; round < 150; ++round) {
    const auto moves = random_moves(random, clients);
    const std::uint32_t next = look(*store)->epoch() + 1;
    auto writer = *store->begin({"test", ""});
    Model changed = model;
    for (const Move& m : moves) {
      ASSERT_TRUE(writer->put(m));
      put_to(changed, m, next);
    }
    if (random() % 5 != 0) {
      ASSERT_TRUE(writer->commit());
      model = std::move(changed);
    }
    writer.reset();
    if (random() % 10 == 0) reopen();
    ASSERT_NO_FATAL_FAILURE(expect_like(*store, model));
  }
}

}  // namespace
}  // namespace viaduct::store::test
