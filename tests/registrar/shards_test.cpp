// SPDX-License-Identifier: Apache-2.0
// Shards on cores of their own: all of a storm is done, by the shard of each client; the operator has his turn in the middle of it; what is kept comes back to
// another number of shards.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include "../notifier/watch.h"
#include "load/registers.h"
#include "load/stand.h"
#include "viaduct/registrar/keeper.h"

namespace viaduct::registrar::test {
namespace {

constexpr base::Endpoint telephone{.address = base::Address::v4({198, 18, 0, 9}), .port = 5060};
constexpr unsigned shards = 3;
constexpr std::uint32_t clients = 500;

/// A store in memory.
class Kept final : public store::Rows {
 public:
  store::Result<void> write(std::span<const store::Row> rows) override {
    const std::lock_guard lock(mutex_);
    std::this_thread::sleep_for(a_write.load());
    for (const store::Row& row : rows) rows_[{row.key.high, row.key.low}] = row.octets;
    return {};
  }
  store::Result<std::vector<bool>> stand(std::span<const store::Row> rows) const override { return std::vector<bool>(rows.size(), true); }
  store::Result<std::uint64_t> each(const std::function<void(const base::Hash128&, std::string_view)>& f) const override {
    for (const auto& [key, octets] : rows_) f({.low = key.second, .high = key.first}, octets);
    return 0;
  }
  [[nodiscard]] std::size_t size() const { return rows_.size(); }
  std::atomic<std::chrono::milliseconds> a_write{};
  /// Rows of subscriptions that end, told or not.
  [[nodiscard]] std::size_t ended() const {
    constexpr std::size_t ending_at = 1 + 3 * 8 + 2 * 18;
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::ranges::count_if(rows_, [](const auto& row) { return row.second.size() > ending_at && row.second[ending_at] != 0; }));
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::string> rows_;
};

class Shards : public testing::Test {
 protected:
  static bench::Stand& stand() {
    // CPUs may stand several times: a shard that sleeps leaves its own to others.
    static bench::Stand one({.shards = shards, .core_cpus = {0, 0, 0}, .ring_slots = 256, .bindings = clients});
    return one;
  }
  Shards() {
    for (std::uint32_t i = 0; i < clients; ++i) {
      keys_.push_back(stand().key_of(bench::user(i) + "@example.com"));
      messages_.push_back(bench::Registers(i).mixed(i));
    }
  }
  void TearDown() override {
    std::array<void*, 256> sent;
    while (const std::size_t count = stand().commons.to_wire.pop(sent))
      for (std::size_t i = 0; i < count; ++i) nic::free(nic::Packet(static_cast<rte_mbuf*>(sent[i])));
  }
  share::Ring& ring_of(std::uint32_t client) { return *stand().commons.to_registrar[assign::shard_of(keys_[client], shards)]; }
  bool push(std::uint32_t client) {
    const nic::Packet p = stand().registration(messages_[client], telephone, keys_[client]);
    void* mail = p.raw();
    if (!p) return false;
    if (ring_of(client).push({&mail, 1}) == 1) return true;
    nic::free(p);
    return false;
  }
  std::size_t bindings_of(Registrar& registrar) {
    std::size_t all = 0;
    registrar.call_each([&](const Shard& shard) { all += shard.bindings().bindings(); });
    return all;
  }

  void watch_all(Registrar& registrar, const std::string& from_tag) {
    for (const sip::ClientKey& key : keys_) {
      registrar.call(key, [&](Shard& shard) {
        const notifier::test::Indexed m(notifier::test::Asking{.call_id = std::to_string(key.low), .from_tag = from_tag}.text());
        const auto out = shard.watchers().process({.message = m.message, .aor = "alice@example.com", .client = key, .flow = telephone, .next = telephone},
                                                  stand().commons.site.read(), 1);
        EXPECT_EQ(out.status, 200);
      });
    }
  }

  std::vector<sip::ClientKey> keys_;
  std::vector<std::string> messages_;
};

TEST_F(Shards, DoWhatCameBeforeTheyStopAndLeaveTheOperatorHisTurn) {
  auto kept = std::make_unique<Kept>();
  const Kept& rows = *kept;
  Registrar registrar(stand().commons, {}, [](const std::function<void()>&) { FAIL() << "nothing is the control core's"; });
  ASSERT_TRUE(registrar.keep({std::move(kept), std::make_unique<Kept>(), std::make_unique<Kept>()}, 0));
  registrar.start(0);
  std::atomic<std::uint64_t> pushed{};
  std::atomic<bool> is_over{};
  std::thread worker([&] {
    for (std::uint32_t i = 0; !is_over.load() || i < clients; ++i) pushed += push(i % clients) ? 1 : 0;
  });
  for (int i = 0; i < 20; ++i) registrar.call(keys_[static_cast<std::size_t>(i)], [&](const Shard& shard) { EXPECT_LE(shard.bindings().clients(), clients); });
  is_over = true;
  worker.join();
  registrar.stop();
  EXPECT_EQ(registrar.poll(1, 0), 0U) << "several shards leave the control core alone";
  const ShardSums sums = registrar.sums();
  EXPECT_EQ(sums.received, pushed.load());
  EXPECT_EQ(sums.answered, sums.received);
  EXPECT_EQ(rows.size(), bindings_of(registrar));
  registrar.call_each([&](const Shard& shard) { EXPECT_GT(shard.bindings().clients(), clients / shards / 2); });
}

TEST_F(Shards, TellWatchersOfClientsThatMoveWhenThatIsDurable) {
  auto kept = std::make_unique<Kept>();
  const Kept& rows = *kept;
  Registrar registrar(stand().commons, {}, [](const std::function<void()>&) {});
  EXPECT_FALSE(registrar.moved(keys_, {})) << "what is not kept is not promised";
  ASSERT_TRUE(registrar.keep({std::make_unique<Kept>(), std::move(kept), std::make_unique<Kept>()}, 0));
  registrar.start(0);
  watch_all(registrar, "first");
  const auto told = registrar.moved(keys_, {.notice = notifier::Notice::deactivated});
  ASSERT_TRUE(told) << told.error();
  EXPECT_EQ(*told, clients);
  EXPECT_EQ(rows.ended(), clients) << "in the store, before the call has returned";
  EXPECT_EQ(registrar.moved(keys_, {.notice = notifier::Notice::deactivated}), clients) << "until it is answered";
  const auto standings = registrar.standings(keys_);
  ASSERT_EQ(standings.size(), clients);
  for (const ClientStanding& standing : standings) EXPECT_EQ(standing.subscriptions, 1U);
  registrar.stop();
}

TEST_F(Shards, SendNobodyAwayAgainWhoHasComeBackWhileTheStoreIsSlow) {
  auto kept = std::make_unique<Kept>();
  Kept& rows = *kept;
  Registrar registrar(stand().commons, {}, [](const std::function<void()>&) {});
  ASSERT_TRUE(registrar.keep({std::make_unique<Kept>(), std::move(kept), std::make_unique<Kept>()}, 0));
  registrar.start(0);
  watch_all(registrar, "first");
  rows.a_write = std::chrono::milliseconds(2'500);
  const notifier::Move move{.notice = notifier::Notice::deactivated};
  const auto began = std::chrono::steady_clock::now();
  EXPECT_FALSE(registrar.moved(keys_, move));
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::milliseconds(7'000)) << "five seconds for all shards together";
  rows.a_write = std::chrono::milliseconds(0);
  watch_all(registrar, "second");
  EXPECT_EQ(registrar.moved(keys_, move), 0U);
  std::size_t stay = 0;
  registrar.call_each([&](const Shard& shard) {
    for (const auto& s : shard.watchers().list(2 * clients, 1)) stay += s.ending == notifier::Ending::none ? 1 : 0;
  });
  EXPECT_EQ(stay, clients);
  EXPECT_EQ(registrar.moved(keys_, move), 2 * clients) << "another move";
  registrar.stop();
}

TEST_F(Shards, BindWhatTheOperatorWantsWhereItCanBeReached) {
  Registrar registrar(stand().commons, {.rules = {.bindings_per_aor_max = 1}}, [](const std::function<void()>&) {});
  registrar.start(0);
  const sip::ClientKey bound = stand().key_of("bound@example.com");
  const auto bind = [&](std::string_view uri, std::optional<std::uint32_t> expires_s = std::nullopt) {
    std::string out;
    registrar.call(bound, [&](Shard& shard) {
      const auto created = shard.create_binding(bound, "bound@example.com", uri, expires_s, 1000);
      out = created ? "bound" : created.error();
    });
    return out;
  };
  for (const char* uri : {"sip:a@host.example.com", "sips:a@192.0.2.9", "tel:+4930", "sip:a@192.0.2.9;transport=tcp", "sip:a@198.18.0.2:5060", "sip:a@0.0.0.0",
                          "sip:a@192.0.2.9>", "sip:a@192.0.2.9\r\nX: y", "sip:a b@192.0.2.9", "sip:a@192.0.2.9;p=\"", "", "a", "sip:a@[2001:db8::9]"})
    EXPECT_NE(bind(uri), "bound") << uri;
  EXPECT_EQ(bind("sip:a@192.0.2.9", 5), "expires: at least 60 s");
  EXPECT_EQ(bind("sip:a@192.0.2.9;transport=UDP"), "bound");
  EXPECT_EQ(bind("sip:b@192.0.2.9"), "it has 1 bindings, as many as are allowed");
  registrar.call(bound, [&](const Shard& shard) {
    const assign::Binding& b = shard.bindings().location(bound)->binding(0);
    EXPECT_EQ(b.next.text(), "192.0.2.9:5060");
    EXPECT_EQ(b.listener, 0U);
  });
  registrar.stop();
}

TEST_F(Shards, TakeBackEachItsOwnClients) {
  const auto now_s = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now().time_since_epoch()).count());
  assign::LocationMap all{clients};
  location::Bindings bindings{{}, all, base::Key128{7}};
  sip::Message message;
  for (std::uint32_t i = 0; i < clients; ++i) {
    ASSERT_EQ(sip::index(messages_[i], message), sip::Bad::none);
    const std::string aor = bench::user(i) + "@example.com";
    ASSERT_EQ(bindings.process({.message = message, .aor = aor, .key = keys_[i], .flow = telephone, .next = telephone}, now_s).status, 200);
  }
  const auto kept = std::make_shared<Kept>();
  Keeper("registrations", things_of(bindings), kept, {}).finish(std::chrono::steady_clock::now() + std::chrono::seconds(30));
  ASSERT_EQ(kept->size(), clients);

  std::vector<std::unique_ptr<assign::LocationMap>> maps;
  std::vector<std::unique_ptr<location::Bindings>> parts;
  std::vector<location::Bindings*> places;
  for (unsigned i = 0; i < shards; ++i) {
    maps.push_back(std::make_unique<assign::LocationMap>(clients));
    parts.push_back(std::make_unique<location::Bindings>(location::Rules{}, *maps[i], base::Key128{7}));
    places.push_back(parts.back().get());
  }
  const auto changed = restore(*kept, places, now_s, {.offset_s = clock_offset_s()}, "bindings.mdb");
  ASSERT_TRUE(changed) << changed.error();
  EXPECT_TRUE(changed->empty());
  for (const sip::ClientKey& key : keys_) EXPECT_EQ(places[assign::shard_of(key, shards)]->of(key, now_s).size(), 1U);
}

}  // namespace
}  // namespace viaduct::registrar::test
