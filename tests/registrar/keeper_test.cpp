// SPDX-License-Identifier: Apache-2.0
// Writing behind: what the store refuses is kept until it is taken, and nobody waits for it.
#include "viaduct/registrar/keeper.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

#include "../location/register.h"

namespace viaduct::registrar::test {
namespace {

using location::test::Register;

std::chrono::steady_clock::time_point after(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }
std::chrono::steady_clock::time_point soon() { return after(std::chrono::seconds(30)); }

/// A disk that is full for so many writes.
class FullFor final : public store::Rows {
 public:
  FullFor(int refusals, std::atomic<int>& written) : refusals_(refusals), written_(written) {}
  store::Result<void> write(std::span<const store::Row> rows) override {
    if (refusals_-- > 0) return std::unexpected(store::Error{store::Fault::disk_full, "no room"});
    written_ += static_cast<int>(rows.size());
    return {};
  }
  store::Result<std::vector<bool>> stand(std::span<const store::Row> rows) const override { return std::vector<bool>(rows.size()); }
  store::Result<std::uint64_t> each(const std::function<void(const base::Hash128&, std::string_view)>&) const override { return 0; }

 private:
  int refusals_;
  std::atomic<int>& written_;
};

/// The rows that stand in the store.
class Standing final : public store::Rows {
 public:
  store::Result<void> write(std::span<const store::Row> rows) override {
    const std::lock_guard lock(mutex_);
    const auto stands = [this](const store::Row& row) { return stands_.contains(row.key.low); };
    const bool is_larger = std::ranges::any_of(rows, [&](const store::Row& row) { return !row.octets.empty() && !stands(row); });
    if (is_full_ && (is_larger || rows.size() > 10)) return std::unexpected(store::Error{store::Fault::map_full, "full"});
    for (const store::Row& row : rows)
      if (row.octets.empty())
        stands_.erase(row.key.low);
      else
        stands_[row.key.low] = row.octets;
    return {};
  }
  store::Result<std::vector<bool>> stand(std::span<const store::Row> rows) const override {
    const std::lock_guard lock(mutex_);
    std::vector<bool> out;
    for (const store::Row& row : rows) out.push_back(stands_.contains(row.key.low));
    return out;
  }
  store::Result<std::uint64_t> each(const std::function<void(const base::Hash128&, std::string_view)>&) const override { return 0; }
  /// From now on nothing finds room but what goes, or stands in the place of another, ten rows at once.
  void be_full() {
    const std::lock_guard lock(mutex_);
    is_full_ = true;
  }
  [[nodiscard]] std::map<std::uint64_t, std::string> all() const {
    const std::lock_guard lock(mutex_);
    return stands_;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::uint64_t, std::string> stands_;
  bool is_full_{};
};

location::Outcome enrol(location::Bindings& bindings, unsigned client, unsigned cseq = 1, const char* contact = "<sip:a@h>") {
  Register request;
  request.cseq(cseq).branch("z9hG4bK" + std::to_string(cseq)).contact(contact);
  const base::Endpoint flow{base::Address::v4({192, 0, 2, 9}), 5060};
  return bindings.process({.message = request.indexed(), .aor = "alice@example.com", .key = {client, 2}, .flow = flow, .next = flow}, 1000);
}

/// A disk that is full for good.
class Full final : public store::Rows {
 public:
  store::Result<void> write(std::span<const store::Row>) override {
    ++tries;
    return std::unexpected(store::Error{store::Fault::disk_full, "no room"});
  }
  store::Result<std::vector<bool>> stand(std::span<const store::Row> rows) const override { return std::vector<bool>(rows.size()); }
  store::Result<std::uint64_t> each(const std::function<void(const base::Hash128&, std::string_view)>&) const override { return 0; }
  std::atomic<int> tries{};
};

/// One client's bindings, and a keeper of them whose store is full for so many writes.
struct Kept {
  explicit Kept(int refusals) : keeper("registrations", things_of(bindings), std::make_unique<FullFor>(refusals, written), {}) {}
  void enrol(unsigned client) { EXPECT_EQ(test::enrol(bindings, client).status, 200); }
  assign::LocationMap locations{16};
  location::Bindings bindings{{}, locations, base::Key128{7}};
  std::atomic<int> written{};
  Keeper keeper;
};

TEST(Keeper, SaysWhenWhatHadChangedIsWritten) {
  Kept kept(1);
  kept.enrol(1);
  const std::uint64_t mark = kept.keeper.mark();
  EXPECT_FALSE(kept.keeper.wait(mark, after(std::chrono::milliseconds(10)))) << "nobody has handed it over";
  kept.keeper.tick();
  EXPECT_TRUE(kept.keeper.wait(mark, soon())) << "at the second try";
  EXPECT_EQ(kept.written, 1);
}

TEST(Keeper, WaitsForNoPeriodWhenItIsMarked) {
  Kept kept(0);
  kept.enrol(1);
  kept.keeper.tick();
  ASSERT_TRUE(kept.keeper.wait(0, soon()));
  const std::uint64_t first = kept.keeper.mark();
  for (int i = 0; i < 1'000 && !kept.keeper.wait(first, after(std::chrono::milliseconds(1))); ++i) kept.keeper.tick();
  EXPECT_EQ(kept.written, 1) << "a mark with nothing to write is written at once";
  kept.enrol(2);
  const std::uint64_t second = kept.keeper.mark();
  kept.keeper.tick();
  EXPECT_TRUE(kept.keeper.wait(second, after(std::chrono::milliseconds(500))));
  EXPECT_EQ(kept.written, 2);
}

TEST(Keeper, LeavesTheLastRowOfThoseWhoChangeWhileABatchIsMade) {
  constexpr unsigned clients = 1'000, gone = 100;
  assign::LocationMap locations{clients};
  location::Bindings bindings{{}, locations, base::Key128{7}};
  const auto rows = std::make_shared<Standing>();
  {
    Keeper keeper("registrations", things_of(bindings), rows, {});
    for (unsigned i = 0; i < clients; ++i) ASSERT_EQ(enrol(bindings, i).status, 200);
    keeper.tick();
    for (unsigned i = 0; i < gone; ++i) ASSERT_EQ(enrol(bindings, i, 2, "<sip:a@h>;expires=0").status, 200);
    keeper.finish(soon());
  }
  EXPECT_EQ(rows->all().size(), clients - gone);
}

/// Clients that are kept, whose store is full from some moment on.
struct Filling {
  explicit Filling(unsigned clients) : locations(2 * clients), bindings({}, locations, base::Key128{7}) {}
  void enrol(unsigned first, unsigned end, unsigned cseq, const char* contact = "<sip:a@h>") {
    for (unsigned i = first; i < end; ++i) EXPECT_EQ(test::enrol(bindings, i, cseq, contact).status, 200);
  }
  [[nodiscard]] bool write(Keeper& keeper) const {
    const std::uint64_t mark = keeper.mark();
    keeper.tick();
    return keeper.wait(mark, after(std::chrono::seconds(3)));
  }
  assign::LocationMap locations;
  location::Bindings bindings;
  std::shared_ptr<Standing> rows = std::make_shared<Standing>();
};

TEST(Keeper, TakesAwayAndReplacesWhatTheStoreHasNoRoomToAddTo) {
  constexpr unsigned kept = 100, gone = 50;
  Filling filling(200);
  Keeper keeper("registrations", things_of(filling.bindings), filling.rows, {});
  filling.enrol(0, kept, 1);
  ASSERT_TRUE(filling.write(keeper));
  filling.rows->be_full();
  const auto before = filling.rows->all();
  filling.enrol(kept, 2 * kept, 1);                            // for whom there is no room
  EXPECT_FALSE(filling.write(keeper));
  filling.enrol(0, gone, 2, "<sip:a@h>;expires=0");            // while that is tried again
  filling.enrol(gone, kept, 2, "<sip:b@h>");
  EXPECT_FALSE(filling.write(keeper));
  const auto now = filling.rows->all();
  ASSERT_EQ(now.size(), kept - gone);
  for (const auto& [key, octets] : now) EXPECT_NE(octets, before.at(key)) << key;
  filling.enrol(kept, 2 * kept, 2, "<sip:a@h>;expires=0");     // and those have gone, too
  EXPECT_TRUE(filling.write(keeper)) << "of whom there is nothing to be written";
  EXPECT_EQ(filling.rows->all(), now);
}

TEST(Keeper, TakesAwayWhatHasGoneWhenItFinishesThoughTheStoreHasNoRoom) {
  constexpr unsigned kept = 100, gone = 50;
  Filling filling(200);
  {
    Keeper keeper("registrations", things_of(filling.bindings), filling.rows, {});
    filling.enrol(0, kept, 1);
    ASSERT_TRUE(filling.write(keeper));
    filling.rows->be_full();
    filling.enrol(kept, 2 * kept, 1);
    EXPECT_FALSE(filling.write(keeper));
    filling.enrol(0, gone, 2, "<sip:a@h>;expires=0");
    keeper.finish(soon());
  }
  EXPECT_EQ(filling.rows->all().size(), kept - gone);
}

/// The latest row of each client.
class Latest final : public store::Rows {
 public:
  store::Result<void> write(std::span<const store::Row> rows) override {
    for (const store::Row& row : rows) rows_[row.key.low] = row;
    return {};
  }
  store::Result<std::vector<bool>> stand(std::span<const store::Row> rows) const override { return std::vector<bool>(rows.size()); }
  store::Result<std::uint64_t> each(const std::function<void(const base::Hash128&, std::string_view)>& f) const override {
    for (const auto& [low, row] : rows_) f(row.key, row.octets);
    return 0;
  }

 private:
  std::map<std::uint64_t, store::Row> rows_;
};

TEST(Keeper, WritesAllAgainWhenTheClockIsSet) {
  constexpr unsigned clients = 500;
  constexpr std::uint64_t now_s = 1000, granted_s = 3600;
  for (const location::ClockOffset step_s : {7200, -7200, 900'000'000}) {
    assign::LocationMap locations{clients}, after{clients};
    location::Bindings bindings{{}, locations, base::Key128{7}}, restored{{}, after, base::Key128{7}};
    const auto rows = std::make_shared<Latest>();
    location::ClockOffset offset_s = 1'700'000'000;
    {
      Keeper keeper("registrations", things_of(bindings), rows, {}, [&offset_s] { return offset_s; });
      for (unsigned i = 0; i < clients; ++i) ASSERT_EQ(enrol(bindings, i).status, 200);
      keeper.finish(soon());
      offset_s += step_s;
      keeper.finish(soon());
    }
    location::Bindings* const shard = &restored;
    const auto changed = restore(*rows, {&shard, 1}, now_s, {.offset_s = offset_s}, "bindings.mdb");
    ASSERT_TRUE(changed) << changed.error();
    EXPECT_TRUE(changed->empty());
    for (unsigned i = 0; i < clients; ++i) {
      const auto all = restored.of({i, 2}, now_s);
      ASSERT_EQ(all.size(), 1U) << "by the clock as it is now none has expired";
      EXPECT_EQ(all.front().expires_in_s, granted_s);
    }
  }
}

TEST(Keeper, KeepsWhatTheStoreRefusesUntilItIsTaken) {
  Kept kept(1);
  kept.enrol(1);
  kept.keeper.tick();
  kept.keeper.finish(soon());
  EXPECT_EQ(kept.written, 1);
}

TEST(Keeper, FinishesByOneTimeWithOthersWhenTheStoreRefuses) {
  constexpr int keepers_count = 3;
  assign::LocationMap locations{16};
  std::vector<std::unique_ptr<location::Bindings>> shards;
  std::vector<std::unique_ptr<Keeper>> keepers;
  const auto rows = std::make_shared<Full>();
  for (unsigned i = 0; i < keepers_count; ++i) {
    shards.push_back(std::make_unique<location::Bindings>(location::Rules{}, locations, base::Key128{7}));
    ASSERT_EQ(enrol(*shards.back(), i).status, 200);
    keepers.push_back(std::make_unique<Keeper>("registrations", things_of(*shards.back()), rows, std::vector<base::Endpoint>{}));
  }
  const auto begin = std::chrono::steady_clock::now();
  for (const auto& keeper : keepers) keeper->finish(begin + std::chrono::seconds(2));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(6)) << "one after the other they take longer";
  EXPECT_GE(rows->tries, keepers_count) << "each has tried";
}

TEST(Keeper, TriesOnceMoreWhenItFinishesAndTheStoreRefused) {
  assign::LocationMap locations{16};
  location::Bindings bindings{{}, locations, base::Key128{7}};
  ASSERT_EQ(enrol(bindings, 1).status, 200);
  const auto rows = std::make_shared<Full>();
  Keeper keeper("registrations", things_of(bindings), rows, {});
  keeper.tick();
  while (rows->tries < 2) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  const auto begin = std::chrono::steady_clock::now();
  keeper.finish(begin + std::chrono::minutes(2));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::minutes(1));
}

}  // namespace
}  // namespace viaduct::registrar::test
