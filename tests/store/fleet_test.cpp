// SPDX-License-Identifier: Apache-2.0
// A store of a fleet: records as another store has them, batches under the fleet's numbers, and which log it follows.
#include <set>

#include "earlier.h"
#include "folder.h"
#include "viaduct/base/limits.h"

namespace viaduct::store::test {
namespace {

constexpr base::Hash128 mark{.low = 0x1122334455667788, .high = 0x99aabbccddeeff00};
const Client alice = client(1), bob = client(2);

Record record(const Client& c, std::uint32_t epoch, std::uint16_t home, bool pin = false) { return {identity(c.key), epoch, home, pin}; }

class FleetTest : public testing::Test {
 protected:
  Folder folder;
  std::unique_ptr<Store> store = open(folder);
  void reopen() {
    store.reset();
    store = open(folder);
  }
  [[nodiscard]] std::unique_ptr<Writer> begin() const { return *store->begin({"test", "to see"}); }
  [[nodiscard]] std::optional<Record> found(const Client& c) const { return *look(*store)->find(c.key); }
  std::uint32_t place(const Client& c, std::optional<std::uint16_t> home) const { return commit(*store, std::vector{Move{c.key, c.aor, home, false}}); }
  /// Everything that is told of a store but its history.
  [[nodiscard]] std::string all() const {
    const auto now = look(*store);
    std::string out = std::to_string(now->epoch()) + ' ' + std::to_string(now->clients()) + ' ' + std::to_string(now->slots()->size()) + '\n';
    const auto homes = now->homes();
    for (const std::string& home : homes.value()) out += home + '\n';
    std::set<std::string> clients;
    const auto read = now->clients(0, blocks_end, [&](const Record& r, std::string_view aor) {
      clients.insert(std::string(aor) + ' ' + std::to_string(r.home) + (r.pin ? "p " : " ") + std::to_string(r.epoch) + '\n');
      return true;
    });
    EXPECT_TRUE(read) << read.error().text;
    for (const std::string& line : clients) out += line;
    return out;
  }
  /// A client at a home that has changed, so that there is history; homes and slots.
  void fill() const {
    auto writer = begin();
    ASSERT_TRUE(writer->set_home(0, "north"));
    ASSERT_TRUE(writer->set_slots(std::vector<std::uint16_t>(base::slots_count)));
    ASSERT_TRUE(writer->put({alice.key, alice.aor, 3, false}));
    ASSERT_TRUE(writer->commit());
    writer.reset();
    EXPECT_EQ(place(alice, 4), 2U);
  }
};

TEST_F(FleetTest, KeepsRecordsWithTheirEpochs) {
  auto writer = begin();
  ASSERT_TRUE(writer->keep(record(bob, 900, 2, true), bob.aor));
  ASSERT_TRUE(writer->keep(record(alice, 17, 1), alice.aor));
  ASSERT_TRUE(writer->commit_as(40));
  writer.reset();
  reopen();
  EXPECT_EQ(found(alice), record(alice, 17, 1));
  EXPECT_EQ(found(bob), record(bob, 900, 2, true)) << "newer than the batch";
  EXPECT_EQ(look(*store)->clients(), 2U);
  EXPECT_EQ(place(alice, 1), 40U) << "it stands so";
  EXPECT_EQ(place(alice, 5), 41U);
  EXPECT_EQ(found(alice), record(alice, 41, 5));
}

TEST_F(FleetTest, KeepsARecordInPlaceOfAnother) {
  place(alice, 3);
  auto writer = begin();
  ASSERT_TRUE(writer->keep(record(alice, 9, 4, true), alice.aor));
  ASSERT_TRUE(writer->commit_as(9));
  writer.reset();
  EXPECT_EQ(found(alice), record(alice, 9, 4, true));
  EXPECT_EQ(look(*store)->clients(), 1U);
  writer = begin();
  const auto kept = writer->keep(record(alice, 10, 4), "mallory@example.com");
  ASSERT_FALSE(kept);
  EXPECT_EQ(kept.error().fault, Fault::twin);
}

TEST_F(FleetTest, ForgetsAllAndKeepsWhatComesInstead) {
  fill();
  auto writer = begin();
  ASSERT_TRUE(writer->clear());
  EXPECT_EQ(*writer->put({alice.key, alice.aor, std::nullopt, false}), std::nullopt) << "he is gone within the batch already";
  ASSERT_TRUE(writer->keep(record(bob, 7, 2), bob.aor));
  ASSERT_TRUE(writer->keep(record(alice, 1, 8), alice.aor));
  ASSERT_TRUE(writer->set_home(1, "south"));
  ASSERT_TRUE(writer->commit_as(30));
  writer.reset();
  const std::string wanted = "30 2 0\n\nsouth\nuser1@example.com 8 1\nuser2@example.com 2 7\n";
  EXPECT_EQ(all(), wanted);
  reopen();
  EXPECT_EQ(all(), wanted);
}

TEST_F(FleetTest, ForgetsAllAndCountsOnFromALowerNumber) {
  fill();
  for (std::uint16_t home = 5; home < 50; ++home) place(alice, home);
  auto writer = begin();
  ASSERT_TRUE(writer->clear());
  ASSERT_TRUE(writer->keep(record(alice, 3, 8), alice.aor));
  ASSERT_TRUE(writer->commit_as(4));
  writer.reset();
  EXPECT_EQ(all(), "4 1 0\nuser1@example.com 8 3\n");
  EXPECT_EQ(place(alice, 9), 5U);
  EXPECT_EQ(found(alice), record(alice, 5, 9));
}

TEST_F(FleetTest, ForgetsNothingWithoutACommit) {
  fill();
  const std::string before = all();
  const auto history = look(*store)->history(alice.key)->size();
  {
    auto writer = begin();
    ASSERT_TRUE(writer->clear());
    ASSERT_TRUE(writer->keep(record(bob, 7, 2), bob.aor));
    ASSERT_TRUE(writer->set_fleet(mark));
  }
  EXPECT_EQ(all(), before);
  EXPECT_EQ(look(*store)->history(alice.key)->size(), history);
  EXPECT_EQ(*look(*store)->fleet(), std::nullopt);
  reopen();
  EXPECT_EQ(all(), before);
}

TEST_F(FleetTest, HasNoHistoryOfWhatItForgot) {
  fill();
  EXPECT_EQ(look(*store)->history(alice.key)->size(), 2U);
  auto writer = begin();
  ASSERT_TRUE(writer->put({alice.key, alice.aor, 6, false}));
  ASSERT_TRUE(writer->clear());
  ASSERT_TRUE(writer->commit_as(9));
  writer.reset();
  EXPECT_TRUE(look(*store)->history(alice.key)->empty());
  writer = begin();
  ASSERT_TRUE(writer->keep(record(alice, 3, 8), alice.aor));
  ASSERT_TRUE(writer->commit_as(10));
  writer.reset();
  place(alice, 9);
  const auto events = *look(*store)->history(alice.key);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].epoch, 11U);
  EXPECT_EQ(events[0].author.who, "test");
  EXPECT_EQ(events[0].before, 8);
  EXPECT_EQ(events[1].epoch, 3U);
  EXPECT_EQ(events[1].after, 8);
  EXPECT_EQ(events[1].at_s, 0U) << "who did it is known where it came from";
}

TEST_F(FleetTest, TakesTheNumberThatItIsGiven) {
  fill();
  auto writer = begin();
  ASSERT_TRUE(writer->commit_as(3)) << "that changes nothing";
  writer.reset();
  EXPECT_EQ(look(*store)->epoch(), 3U);
  writer = begin();
  ASSERT_TRUE(writer->put({alice.key, alice.aor, 6, false}));
  ASSERT_TRUE(writer->commit_as(4));
  writer.reset();
  EXPECT_EQ(found(alice), record(alice, 4, 6));
  writer = begin();
  ASSERT_TRUE(writer->set_home(2, "east"));
  ASSERT_TRUE(writer->commit_as(1'000));
  writer.reset();
  reopen();
  EXPECT_EQ(look(*store)->epoch(), 1'000U);
  EXPECT_EQ(place(alice, 7), 1'001U) << "and an ordinary commit goes on from there";
  EXPECT_EQ(look(*store)->history(alice.key)->front().epoch, 1'001U);
}

TEST_F(FleetTest, TakesNoNumberThatIsNotAbove) {
  fill();
  const std::string before = all();
  for (const std::uint32_t epoch : {1U, 2U}) {
    auto writer = begin();
    ASSERT_TRUE(writer->set_home(2, "east"));
    EXPECT_FALSE(writer->commit_as(epoch));
    writer.reset();
    EXPECT_EQ(all(), before);
  }
}

TEST_F(FleetTest, RecordsThatArePutBearTheirBatchesNumber) {
  auto writer = begin();
  ASSERT_TRUE(writer->put({alice.key, alice.aor, 6, false}));
  EXPECT_DEATH(static_cast<void>(writer->commit_as(5)), "bears");
}

TEST_F(FleetTest, KnowsWhichLogItFollows) {
  EXPECT_EQ(*look(*store)->fleet(), std::nullopt) << "as a store of an earlier build";
  auto writer = begin();
  ASSERT_TRUE(writer->set_fleet(mark));
  ASSERT_TRUE(writer->commit_as(1));
  writer.reset();
  const auto own = *look(*store)->mark();
  reopen();
  EXPECT_EQ(*look(*store)->fleet(), mark);
  EXPECT_EQ(*look(*store)->mark(), own) << "it is the same store";
  writer = begin();
  ASSERT_TRUE(writer->clear());
  ASSERT_TRUE(writer->set_fleet({1, 2}));
  ASSERT_TRUE(writer->commit_as(1));
  writer.reset();
  LmdbOptions options = folder.options();
  store.reset();
  options.access = Access::read;
  EXPECT_EQ(*look(*open(options))->fleet(), (base::Hash128{1, 2}));
}

TEST_F(FleetTest, SaysSoWhenItsLogCannotBeRead) {
  store.reset();
  for (const char* row : {"", "short", "0123456789abcdef+sum"}) {
    write_row(folder.options(), folder.file(), "meta", "fleet", row);
    const auto fleet = look(*open(folder))->fleet();
    ASSERT_FALSE(fleet) << row;
    EXPECT_EQ(fleet.error().fault, Fault::corrupt);
  }
}

}  // namespace
}  // namespace viaduct::store::test
