// SPDX-License-Identifier: Apache-2.0
// What is known of plans and moves after a restart.
#include "ledger.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "../store/folder.h"
#include "viaduct/store/lmdb.h"

namespace viaduct::migration {
namespace {

class LedgerTest : public testing::Test {
 protected:
  [[nodiscard]] store::LmdbOptions options() const { return {.folder = folder.path(), .bytes_max = std::uint64_t{1} << 20, .access = store::Access::write}; }
  void reopen() {
    ledger.reset();
    ledger.emplace(*store::open_rows(options(), "moves"));
  }
  [[nodiscard]] Ledger::Contents read() { return *ledger->read(); }

  LedgerTest() { reopen(); }

  const Step alice{.key = {.low = 1, .high = 2},
                   .aor = "alice@example.com",
                   .from = 3,
                   .to = 4,
                   .state = StepState::committed,
                   .is_confirmed = true,
                   .plan = 7,
                   .set_out_s = 1'799'999'000,
                   .deadline_s = 1'800'000'000,
                   .both_until_s = 1'800'000'180,
                   .rests_until_s = 1'800'007'200};
  const Step slot{.key = {.low = 0, .high = std::uint64_t{77} << 47}, .aor = {}, .clients = 12, .from = 0, .to = 1, .is_slot = true, .plan = 7};
  const Plan plan{.id = 7,
                  .state = PlanState::paused,
                  .mode = MoveMode::paced,
                  .author = "somebody",
                  .reason = "drain, north draining",
                  .trouble = "no room on the disk",
                  .created_s = 1'700'000'000,
                  .clients_per_s = 12.5,
                  .homes = {{.home = "north", .before = 2, .after = 0.25, .clients_out = 13}},
                  .imbalance_before = 1.5,
                  .imbalance_after = 1.05,
                  .clients = 13,
                  .slots = 1,
                  .moved = 1,
                  .unconfirmed = 1,
                  .sticky = 1};
  store::test::Folder folder;
  std::optional<Ledger> ledger;
};

void expect_same(const Step& a, const Step& b) {
  EXPECT_EQ(a.key, b.key);
  EXPECT_EQ(a.aor, b.aor);
  EXPECT_EQ(a.clients, b.clients);
  EXPECT_EQ(std::pair(a.from, a.to), std::pair(b.from, b.to));
  EXPECT_EQ(a.state, b.state);
  EXPECT_EQ(a.is_slot, b.is_slot);
  EXPECT_EQ(a.plan, b.plan);
  EXPECT_EQ(a.is_confirmed, b.is_confirmed);
  EXPECT_EQ(a.set_out_s, b.set_out_s);
  EXPECT_EQ(a.deadline_s, b.deadline_s);
  EXPECT_EQ(a.both_until_s, b.both_until_s);
  EXPECT_EQ(a.rests_until_s, b.rests_until_s);
}

TEST_F(LedgerTest, KeepsPlansAndSteps) {
  const std::array steps = {&alice, &slot};
  ASSERT_TRUE(ledger->write({&plan, 1}, steps, {}));
  reopen();
  const auto known = read();
  ASSERT_EQ(known.plans.size(), 1u);
  EXPECT_EQ(known.plans[0], plan);
  ASSERT_EQ(known.steps.size(), 2u);
  const bool slot_is_first = known.steps[0].is_slot;
  expect_same(known.steps[slot_is_first ? 0 : 1], slot);
  expect_same(known.steps[slot_is_first ? 1 : 0], alice);
  EXPECT_EQ(known.unread, 0u);
}

TEST_F(LedgerTest, ChangesAndForgets) {
  const std::array steps = {&alice, &slot};
  ASSERT_TRUE(ledger->write({&plan, 1}, steps, {}));
  Plan next = plan;
  next.state = PlanState::done;
  Step later = alice;
  later.state = StepState::resting;
  const std::array changed = {static_cast<const Step*>(&later)};
  const std::array over = {&slot};
  ASSERT_TRUE(ledger->write({&next, 1}, changed, over));
  const auto known = read();
  EXPECT_EQ(known.plans.at(0).state, PlanState::done);
  ASSERT_EQ(known.steps.size(), 1u);
  EXPECT_EQ(known.steps[0].state, StepState::resting);
  ASSERT_TRUE(ledger->forget(std::array<std::uint32_t, 1>{7}));
  EXPECT_TRUE(read().plans.empty());
}

TEST_F(LedgerTest, KeepsWhoRestsAndWhichHomesJoin) {
  Step resting = alice;
  resting.state = StepState::resting;
  const std::array changed = {static_cast<const Step*>(&resting)};
  ASSERT_TRUE(ledger->write({}, changed, {}));
  ASSERT_TRUE(ledger->write_joining({"north", "south"}));
  reopen();
  EXPECT_EQ(read().joining, (std::set<std::string>{"north", "south"}));
  ASSERT_EQ(read().steps.size(), 1u);
  expect_same(read().steps[0], resting);
  ASSERT_TRUE(ledger->write_joining({}));
  EXPECT_TRUE(read().joining.empty());
  EXPECT_EQ(read().unread, 0u);
}

TEST_F(LedgerTest, KeepsWhoIsOwedBesideHisNextMove) {
  Step first = alice, second = alice;
  first.state = second.state = StepState::settled;
  first.owed = 5, second.owed = std::uint64_t{1} << 40, second.from = 9;
  const std::array changed = {&alice, static_cast<const Step*>(&first), static_cast<const Step*>(&second)};
  ASSERT_TRUE(ledger->write({}, changed, {}));
  reopen();
  auto known = read();
  ASSERT_EQ(known.steps.size(), 3u);
  std::ranges::sort(known.steps, {}, &Step::owed);
  expect_same(known.steps[0], alice);
  expect_same(known.steps[1], first);
  expect_same(known.steps[2], second);
  EXPECT_EQ(std::pair(known.steps[1].owed, known.steps[2].owed), std::pair(first.owed, second.owed));
  const std::array over = {static_cast<const Step*>(&first)};
  ASSERT_TRUE(ledger->write({}, {}, over));
  EXPECT_EQ(read().steps.size(), 2u);
}

TEST_F(LedgerTest, KeepsHowFarItsTimesAreAhead) {
  EXPECT_EQ(read().ahead_s, 0);
  ASSERT_TRUE(ledger->write_clock(-7200, {}));
  reopen();
  EXPECT_EQ(read().ahead_s, -7200);
  Step later = alice;
  later.deadline_s += 7200;
  const std::array changed = {static_cast<const Step*>(&later)};
  ASSERT_TRUE(ledger->write_clock(0, changed));
  EXPECT_EQ(read().ahead_s, 0);
  expect_same(read().steps.at(0), later);
}

TEST_F(LedgerTest, KnowsWhoseMovesTheseAre) {
  const base::Hash128 mark{.low = 11, .high = 12};
  EXPECT_FALSE(read().store);
  ASSERT_TRUE(ledger->write_store(mark));
  const std::array steps = {&alice, &slot};
  ASSERT_TRUE(ledger->write({&plan, 1}, steps, {}));
  ASSERT_TRUE(ledger->write_joining({"north"}));
  reopen();
  EXPECT_EQ(read().store, mark);
  ASSERT_TRUE(ledger->forget_all());
  const auto known = read();
  EXPECT_TRUE(known.plans.empty() && known.steps.empty() && known.joining.empty());
  EXPECT_EQ(known.store, mark) << "until another says that they are his";
  EXPECT_EQ(known.unread, 0u);
}

TEST_F(LedgerTest, CountsWhatItCannotRead) {
  ledger.reset();
  auto rows = *store::open_rows(options(), "moves");
  ASSERT_TRUE(rows->write(std::vector{store::Row{{.low = 1, .high = ~std::uint64_t{0}}, "no json"},
                                      store::Row{{.low = 2, .high = ~std::uint64_t{0}}, R"({"state":9})"}, store::Row{{.low = 3, .high = 3}, "short"},
                                      store::Row{{.low = 4, .high = 4}, std::string(40, '\0')}, store::Row{{.low = 0, .high = ~std::uint64_t{2}}, "[7]"}}));
  rows.reset();
  reopen();
  const auto known = read();
  EXPECT_EQ(known.unread, 5u);
  EXPECT_TRUE(known.plans.empty() && known.steps.empty());
}

}  // namespace
}  // namespace viaduct::migration
