// SPDX-License-Identifier: Apache-2.0
// Who moved a client, when and why; and the log's bounds.
#include "folder.h"
#include "log.h"

namespace viaduct::store::test {
namespace {

const Client alice = client(1);

std::vector<Move> to(std::optional<std::uint16_t> home, bool pin = false) { return {Move{alice.key, alice.aor, home, pin}}; }

std::string told(const std::vector<Event>& events) {
  std::string out;
  for (const Event& e : events)
    out += std::to_string(e.epoch) + ' ' + e.author.who + ' ' + (e.before ? std::to_string(*e.before) : "-") + (e.pin_before ? "p" : "") + '>' +
           (e.after ? std::to_string(*e.after) : "-") + (e.pin_after ? "p" : "") + '\n';
  return out;
}

TEST(History, TellsEveryChangeNewestFirst) {
  const Folder folder;
  const auto store = open(folder);
  commit(*store, to(0), {"ann", "first"});
  commit(*store, to(1, true), {"bob", "second"});
  commit(*store, std::vector{Move{client(2).key, client(2).aor, 4, false}}, {"eve", "another client"});
  commit(*store, to(std::nullopt), {"cat", ""});
  commit(*store, to(2), {"dan", ""});
  commit(*store, to(3), {"eve", ""});
  const auto events = *look(*store)->history(alice.key);
  EXPECT_EQ(told(events), "6 eve 2>3\n5 dan ->2\n4 cat 1p>-\n2 bob 0>1p\n1 ann ->0\n");
  EXPECT_EQ(events.back().author.why, "first");
  EXPECT_GT(events.back().at_s, 1'700'000'000u);
}

TEST(History, IsEmptyForAClientThatNeverWas) {
  const Folder folder;
  EXPECT_TRUE(look(*open(folder))->history(alice.key)->empty());
}

TEST(History, EndsWithTheRemoval) {
  const Folder folder;
  const auto store = open(folder);
  commit(*store, to(0), {"ann", ""});
  commit(*store, to(std::nullopt), {"bob", ""});
  EXPECT_EQ(told(*look(*store)->history(alice.key)), "2 bob 0>-\n1 ann ->0\n");
}

/// The log over an environment of its own, with small bounds.
class LogTest : public testing::Test {
 protected:
  LogTest() {
    MDB_env* raw = nullptr;
    mdb_env_create(&raw);
    env.reset(raw);
    mdb_env_set_maxdbs(raw, 4);
    mdb_env_set_mapsize(raw, 64 << 20);
    EXPECT_EQ(mdb_env_open(raw, folder.file().c_str(), MDB_NOSUBDIR, 0600), MDB_SUCCESS);
    Transaction txn = begin_transaction(raw, 0);
    mdb_dbi_open(txn.get(), "log", MDB_CREATE | MDB_INTEGERKEY, &tables.log);
    mdb_dbi_open(txn.get(), "batches", MDB_CREATE | MDB_INTEGERKEY, &tables.batches);
    mdb_txn_commit(txn.release());
  }
  std::uint64_t append(std::uint32_t epoch, unsigned entries, std::uint64_t before) {
    Transaction txn = begin_transaction(env.get(), 0);
    LogWriter log(txn.get(), tables, epoch, {.entries_max = 1'000, .batches_max = 8});
    for (unsigned i = 0; i < entries; ++i) log.add({.client = identity(client(i).key), .epoch_before = epoch - 1, .before = 1, .after = 2});
    const std::uint64_t now = log.finish({"ann", ""}, 1, before);
    mdb_txn_commit(txn.release());
    return now;
  }
  [[nodiscard]] std::size_t rows(MDB_dbi dbi) const {
    const Transaction txn = begin_transaction(env.get(), MDB_RDONLY);
    MDB_stat stat;
    mdb_stat(txn.get(), dbi, &stat);
    return stat.ms_entries;
  }
  Folder folder;
  Environment env;
  Tables tables;
};

TEST_F(LogTest, StaysWithinItsBounds) {
  std::uint64_t entries = 0;
  for (std::uint32_t epoch = 1; epoch <= 40; ++epoch) entries = append(epoch, 150, entries);
  EXPECT_LE(entries, 1'000u);
  EXPECT_GT(entries, 800u);
  EXPECT_EQ(rows(tables.batches), 8u);
  EXPECT_LE(rows(tables.log), 20u);
}

TEST_F(LogTest, ForgetsTheOldestFirst) {
  std::uint64_t entries = 0;
  for (std::uint32_t epoch = 1; epoch <= 40; ++epoch) entries = append(epoch, 150, entries);
  const Transaction txn = begin_transaction(env.get(), MDB_RDONLY);
  const auto events = history_of(txn.get(), tables, identity(client(3).key), std::nullopt);
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events.front().epoch, 40u);
  EXPECT_GT(events.back().epoch, 30u);
}

}  // namespace
}  // namespace viaduct::store::test
