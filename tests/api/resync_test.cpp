// SPDX-License-Identifier: Apache-2.0
// A node gets the whole assignment from another one over real HTTP: what a node that has it answers, while it changes too, and what is taken from one that is at fault.
#include "viaduct/control/resync.h"

#include <fmt/format.h>

#include <map>
#include <random>

#include "../store/folder.h"
#include "answers.h"
#include "nodes.h"
#include "viaduct/base/limits.h"
#include "viaduct/control/homes.h"

namespace viaduct::api {
namespace {

using store::Move;
using store::Record;

constexpr base::Hash128 mark{.low = 0xfedcba9876543210, .high = 0x0f};
constexpr std::uint32_t blocks_end = store::test::blocks_end;

class Resync : public Nodes {
 protected:
  static constexpr std::uint32_t first_epoch = 40;

  void SetUp() override {
    Nodes::SetUp();
    options_.fleet_seed = seed();
    other_options_.fleet_seed = seed();
    theirs = store::test::open(options_);
    ours = store::test::open(other_options_);
    answer = [this](const json& request) { return told(request); };
  }
  NodeAnswer told(const json& request) {
    if (meanwhile) meanwhile();
    return request.contains("first") ? placements_call(*theirs, request) : assignment_call(*theirs, request);
  }
  [[nodiscard]] static base::Key128 seed() { return stand().commons.site.read().fleet_seed; }
  [[nodiscard]] static std::string aor(std::size_t i) { return "user" + std::to_string(i) + "@example.com"; }
  [[nodiscard]] static Move move(const std::string& aor, std::optional<std::uint16_t> home, bool pin = false) {
    return {.key = sip::client_key(aor, seed()), .aor = aor, .home = home, .pin = pin};
  }
  [[nodiscard]] static std::string described(const std::string& name) {
    assign::Home home;
    home.name = name;
    home.address = {base::Address::v4({198, 18, 1, 9}), 5060};
    return control::describe(home);
  }
  /// Homes, slots, and so many clients of several epochs.
  void fill(std::size_t clients, std::uint16_t homes = 3) {
    auto writer = *theirs->begin({"test", ""});
    ASSERT_TRUE(writer->set_home(0, described("home0"))) << "and none under 1";
    for (std::uint16_t i = 2; i < homes; ++i) ASSERT_TRUE(writer->set_home(i, described("home" + std::to_string(i))));
    std::vector<std::uint16_t> slots(base::slots_count, 2);
    slots[7] = assign::no_home;
    ASSERT_TRUE(writer->set_slots(slots));
    std::map<std::pair<std::uint64_t, std::uint64_t>, std::string> sorted;
    for (std::size_t i = 0; i < clients; ++i) {
      const base::Hash128 client = store::identity(sip::client_key(aor(i), seed()));
      sorted.emplace(std::pair{client.high, client.low}, aor(i));
    }
    for (const auto& [client, name] : sorted) {
      const auto n = static_cast<std::uint32_t>(name.size() + client.second % 7);
      ASSERT_TRUE(writer->keep(
          {.client = {.low = client.second, .high = client.first}, .epoch = n, .home = static_cast<std::uint16_t>(n % 2 * 2), .pin = n % 5 == 0}, name));
    }
    ASSERT_TRUE(writer->set_fleet(mark));
    ASSERT_TRUE(writer->commit_as(first_epoch));
  }
  [[nodiscard]] control::Expected<std::uint32_t> fetch(std::vector<base::Endpoint> from = {}, std::uint32_t at_least = 0) {
    if (from.empty()) from = {here};
    return control::fetch_assignment(peers, *ours, from, mark, at_least, [&](std::uint64_t clients) { told_clients = clients; });
  }
  /// Why it was not taken.
  [[nodiscard]] std::string refusal(std::vector<base::Endpoint> from = {}, std::uint32_t at_least = 0) {
    const auto epoch = fetch(std::move(from), at_least);
    return epoch ? "taken" : epoch.error();
  }
  /// Everything that a store says.
  [[nodiscard]] static std::string all(const store::Store& store) {
    const auto now = store::test::look(store);
    const auto fleet = *now->fleet();
    std::string out = fmt::format("{} {} {} {}\n", now->epoch(), now->clients(), fleet ? fleet->low : 0, fleet ? fleet->high : 0);
    const auto homes = now->homes();
    for (const std::string& home : homes.value()) out += home + '\n';
    const auto slots = now->slots();
    for (const std::uint16_t slot : slots.value()) out += std::to_string(slot) + ' ';
    const auto read = now->clients(0, blocks_end, [&](const Record& r, std::string_view name) {
      out += fmt::format("\n{:x} {:x} {} {} {} {}", r.client.high, r.client.low, r.epoch, r.home, r.pin, name);
      return true;
    });
    EXPECT_TRUE(read) << read.error().text;
    return out;
  }
  static void make(store::Store& store, const std::function<void(store::Writer&)>& item, std::uint32_t epoch) {
    auto writer = *store.begin({"log", ""});
    item(*writer);
    const auto made = writer->commit_as(epoch);
    ASSERT_TRUE(made) << made.error().text;
  }

  const store::test::Folder folder_, other_folder_;
  store::LmdbOptions options_ = folder_.options(), other_options_ = other_folder_.options();
  std::unique_ptr<store::Store> theirs, ours;
  std::function<void()> meanwhile;
  std::uint64_t told_clients{};
};

TEST_F(Resync, GetsTheWholeAssignment) {
  fill(40'000);
  store::test::commit(*ours, std::vector{move("old@example.com", 7)});
  const auto epoch = fetch();
  ASSERT_TRUE(epoch) << epoch.error();
  EXPECT_EQ(*epoch, first_epoch);
  EXPECT_EQ(told_clients, 40'000U);
  EXPECT_TRUE(all(*ours) == all(*theirs));
  EXPECT_GT(calls.size(), 3U) << "in several answers";
  EXPECT_EQ(calls.front(), (std::pair{std::string("/v1/assignment"), json{{"first_home", 0}}}));
  EXPECT_EQ(calls[1], (std::pair{std::string("/v1/placements"), json{{"first", 0}, {"end", blocks_end}}}));
  const auto again = fetch();
  ASSERT_TRUE(again) << again.error() << ": as good once as several times";
  EXPECT_TRUE(all(*ours) == all(*theirs));
}

TEST_F(Resync, GetsVeryManyHomes) {
  fill(0, 20'000);
  const auto epoch = fetch();
  ASSERT_TRUE(epoch) << epoch.error();
  EXPECT_TRUE(all(*ours) == all(*theirs));
}

TEST_F(Resync, GetsAnAssignmentThatHasNothingYet) {
  make(*theirs, [](store::Writer& writer) { ASSERT_TRUE(writer.set_fleet(mark)); }, 1);
  ASSERT_TRUE(fetch());
  EXPECT_TRUE(all(*ours) == all(*theirs));
}

/// What one change of the log has: a home that comes, and clients who are moved, pinned, taken away, or come.
struct Batch {
  struct Change {
    std::string aor;
    std::optional<std::uint16_t> home;
    bool pin;
  };
  std::uint16_t new_home{};
  std::vector<Change> changes;
};

Batch random_batch(std::mt19937_64& random, std::uint16_t new_home) {
  Batch out{.new_home = new_home, .changes = {}};
  for (int i = 0; i < 3'000; ++i) {
    const auto home = random() % 3 == 0 ? std::nullopt : std::optional(static_cast<std::uint16_t>(new_home - random() % 3));
    out.changes.push_back({"user" + std::to_string(random() % 50'000) + "@example.com", home, random() % 2 == 0});
  }
  return out;
}

TEST_F(Resync, ComesToTheSameWhereTheOtherChangesMeanwhile) {
  fill(40'000);
  std::mt19937_64 random(5);
  std::vector<Batch> log;
  const auto make_one = [&](store::Store& store, std::size_t i) {
    const Batch& b = log[i];
    make(
        store,
        [&](store::Writer& writer) {
          ASSERT_TRUE(writer.set_home(b.new_home, described("home" + std::to_string(b.new_home))));
          ASSERT_TRUE(writer.set_slots(std::vector<std::uint16_t>(base::slots_count, b.new_home)));
          for (const auto& [name, home, pin] : b.changes) ASSERT_TRUE(writer.put(move(name, home, pin)));
        },
        first_epoch + 1 + static_cast<std::uint32_t>(i));
  };
  const auto change = [&] {
    log.push_back(random_batch(random, static_cast<std::uint16_t>(3 + log.size())));
    make_one(*theirs, log.size() - 1);
  };
  meanwhile = change;
  const auto epoch = fetch();
  ASSERT_TRUE(epoch) << epoch.error();
  EXPECT_EQ(*epoch, first_epoch + 1) << "of the first answer";
  EXPECT_GT(log.size(), 3U);
  const auto now = store::test::look(*ours);
  const std::size_t homes = now->homes()->size();
  std::vector<Record> records;
  ASSERT_TRUE(now->records(0, blocks_end, records));
  EXPECT_TRUE(std::ranges::all_of(records, [&](const Record& r) { return r.home < homes; })) << "a table can be made of it";
  for (int i = 0; i < 3; ++i) change();
  for (std::size_t i = *epoch - first_epoch; i < log.size(); ++i) make_one(*ours, i);
  EXPECT_TRUE(all(*ours) == all(*theirs));
}

TEST_F(Resync, TakesNothingFromWhoHasAnotherLogOrIsBehind) {
  fill(10);
  const std::string before = all(*ours);
  EXPECT_NE(refusal({}, first_epoch + 1).find("is at 40 itself; wanted: 41 at least"), std::string::npos);
  EXPECT_TRUE(fetch({}, first_epoch));
  make(*theirs, [](store::Writer& writer) { ASSERT_TRUE(writer.set_fleet({.low = 1, .high = 1})); }, first_epoch + 1);
  const std::string had = all(*ours);
  EXPECT_NE(refusal().find("follows another log"), std::string::npos);
  theirs.reset();
  const store::test::Folder fresh;
  store::LmdbOptions options = fresh.options();
  options.fleet_seed = seed();
  theirs = store::test::open(options);
  EXPECT_NE(refusal().find("follows no log"), std::string::npos);
  EXPECT_EQ(all(*ours), had);
  EXPECT_NE(before, had);
}

TEST_F(Resync, AsksTheNextOne) {
  fill(100);
  ASSERT_TRUE(fetch({nowhere, here}));
  EXPECT_TRUE(all(*ours) == all(*theirs));
  const std::string why = refusal({nowhere, nowhere});
  EXPECT_NE(why.find("127.0.0.1:1: "), why.rfind("127.0.0.1:1: ")) << why;
  EXPECT_EQ(control::fetch_assignment(peers, *ours, {}, mark, 0, {}).error(), "no other node is known");
}

TEST_F(Resync, LeavesTheStoreAsItWasWhereTheOtherFailsOnTheWay) {
  fill(40'000);
  store::test::commit(*ours, std::vector{move("old@example.com", 7)});
  const std::string before = all(*ours);
  std::size_t left = 2;
  answer = [&](const json& request) { return left-- > 0 ? told(request) : NodeAnswer{.status = 503, .body = {{"ok", false}, {"error", "the disk is gone"}}}; };
  EXPECT_NE(refusal().find("the disk is gone"), std::string::npos);
  EXPECT_GT(told_clients, 0U) << "some were here already";
  EXPECT_EQ(all(*ours), before);
  left = 4;
  answer = [&](const json& request) { return left-- == 2 ? NodeAnswer{.status = 503, .body = {{"ok", false}, {"error", "not now"}}} : told(request); };
  ASSERT_TRUE(fetch({here, here})) << "at the second attempt";
  EXPECT_TRUE(all(*ours) == all(*theirs));
}

TEST_F(Resync, TakesNoNonsense) {
  fill(10);
  const std::string before = all(*ours);
  const auto why = [&](const std::function<void(json&, bool is_placements)>& spoil) {
    answer = [&](const json& request) {
      NodeAnswer out = told(request);
      spoil(out.body, request.contains("first"));
      return out;
    };
    const std::string said = refusal();
    EXPECT_TRUE(all(*ours) == before);
    return said;
  };
  const auto has = [](const std::string& text, std::string_view part) { return text.find(part) != std::string::npos ? "" : text; };
  const auto assignment = [&](const char* name, json value) {
    return why([&](json& body, bool is_placements) {
      if (!is_placements) body[name] = value;
    });
  };
  const auto row = [&](std::size_t column, json value) {
    return why([&](json& body, bool is_placements) {
      if (is_placements) body["clients"][3][column] = value;
    });
  };
  EXPECT_EQ(has(assignment("epoch", -1), "no number for its place"), "");
  EXPECT_EQ(has(assignment("epoch", std::uint64_t{1} << 32), "no number for its place"), "");
  EXPECT_EQ(has(assignment("fleet", "0f"), "mark"), "");
  EXPECT_EQ(has(assignment("fleet", std::string(32, 'x')), "mark"), "");
  EXPECT_EQ(has(assignment("fleet", std::string(31, '0') + 'x'), "mark"), "");
  EXPECT_EQ(has(assignment("clients", 11), "counts 11 clients and has 10"), "");
  EXPECT_EQ(has(assignment("homes_count", 4), "homes: there are more or fewer"), "");
  EXPECT_EQ(has(assignment("homes_count", 2), "home is none"), "") << "slots are at it";
  EXPECT_EQ(has(assignment("homes_count", 65'536), "no number for its place"), "");
  EXPECT_EQ(has(assignment("homes", json::array()), "homes: there are more or fewer"), "");
  EXPECT_EQ(has(assignment("homes", {"x", "", "y"}), "a home's description"), "");
  EXPECT_EQ(has(assignment("slots", {1, 2}), "slots"), "");
  EXPECT_EQ(has(assignment("slots", json(base::slots_count, 3)), "a slot's home is none"), "");
  EXPECT_EQ(has(row(0, "alice"), "no client"), "");
  EXPECT_EQ(has(row(0, "Alice@EXAMPLE.com"), "no client"), "") << "not canonical";
  EXPECT_EQ(has(row(0, std::string(1'000, 'a') + "@example.com"), "no client"), "");
  EXPECT_EQ(has(why([](json& body, bool is_placements) {
                  if (is_placements) body["clients"][3][0] = body["clients"][7][0];
                }),
                "in a wrong place"),
            "");
  EXPECT_EQ(has(row(1, 3), "a client's home is none"), "");
  EXPECT_EQ(has(row(1, assign::no_home), "a client's home is none"), "");
  EXPECT_EQ(has(row(1, -1), "no number for its place"), "");
  EXPECT_EQ(has(row(2, "p"), "type"), "");
  EXPECT_EQ(has(row(3, 1.5), "no number for its place"), "");
  EXPECT_EQ(has(why([](json& body, bool is_placements) {
                  if (is_placements) body["next"] = 0;
                }),
                "next: "),
            "");
  EXPECT_EQ(has(why([](json& body, bool is_placements) {
                  if (is_placements) body["next"] = blocks_end + 1;
                }),
                "next: "),
            "");
  EXPECT_EQ(has(why([](json& body, bool is_placements) {
                  if (is_placements) body["clients"][4] = body["clients"][3];
                }),
                "in a wrong place"),
            "");
  EXPECT_EQ(has(why([](json& body, bool is_placements) {
                  if (is_placements) body["epoch"] = first_epoch - 1;
                }),
                "is at 39 itself"),
            "");
  EXPECT_EQ(has(why([](json& body, bool is_placements) {
                  if (is_placements) body["fleet"] = nullptr;
                }),
                "follows no log"),
            "");
}

TEST_F(Resync, FindsWhoHashesUnderAnotherSeed) {
  const store::test::Folder folder;
  theirs = store::test::open(folder);
  make(
      *theirs,
      [](store::Writer& writer) {
        ASSERT_TRUE(writer.set_fleet(mark));
        ASSERT_TRUE(writer.set_home(0, described("north")));
        for (std::size_t i = 0; i < 10; ++i)
          ASSERT_TRUE(writer.put({.key = sip::client_key(aor(i), store::test::seed), .aor = aor(i), .home = 0, .pin = false}));
      },
      1);
  const std::string before = all(*ours);
  const std::string why = refusal();
  EXPECT_NE(why.find("is fleet.seed the same there?"), std::string::npos) << why;
  EXPECT_EQ(all(*ours), before);
}

TEST_F(Resync, TellsWhyItsOwnStoreCannotTakeIt) {
  fill(40'000);
  ours.reset();
  other_options_.bytes_max = std::uint64_t{2} << 20;
  ours = store::test::open(other_options_);
  const std::string before = all(*ours);
  const std::string why = refusal({here, here});
  EXPECT_NE(why.find("store.size_max"), std::string::npos) << why;
  EXPECT_EQ(std::ranges::count(calls, json{{"first", 0}, {"end", blocks_end}}, &std::pair<std::string, json>::second), 1) << "the next one would not help";
  EXPECT_EQ(all(*ours), before);
}

/// A node's answers about blocks.
class Blocks : public testing::Test {
 protected:
  void keep(std::uint32_t block, unsigned clients, std::size_t aor_bytes) {
    for (unsigned i = 0; i < clients; ++i) {
      const Record r{.client = {.low = 0, .high = std::uint64_t{block} << (64 - store::block_bits) | std::uint64_t{i} << (64 - store::high_bits)},
                     .epoch = 1,
                     .home = 65'000,
                     .pin = true};
      ASSERT_TRUE(writer->keep(r, std::string(aor_bytes, 'a')));
    }
  }
  void commit() {
    ASSERT_TRUE(writer->commit_as(4'000'000'000));
    writer.reset();
  }
  [[nodiscard]] json blocks(std::uint32_t first, std::uint32_t end) const {
    const NodeAnswer out = placements_call(*store, {{"first", first}, {"end", end}});
    EXPECT_EQ(out.status, 200);
    EXPECT_LE(out.body.dump().size(), base::node_call_bytes_max);
    return out.body;
  }
  const store::test::Folder folder;
  std::unique_ptr<store::Store> store = store::test::open(folder);
  std::unique_ptr<store::Writer> writer = *store->begin({"test", ""});
};

TEST_F(Blocks, AreNeverSplit) {
  keep(5, 1'500, base::aor_bytes_max);
  keep(6, 4'096, base::aor_bytes_max);
  keep(7, 1, 10);
  commit();
  const json first = blocks(0, blocks_end);
  EXPECT_EQ(first["clients"].size(), 1'500U + 4'096U) << "the first alone is not enough yet, and the second has begun";
  EXPECT_EQ(first["next"], 7);
  EXPECT_EQ(first["epoch"], 4'000'000'000);
  EXPECT_EQ(first["fleet"], json());
  const json second = blocks(7, blocks_end);
  EXPECT_EQ(second["clients"], json::array({json::array({std::string(10, 'a'), 65'000, true, 1})}));
  EXPECT_EQ(second["next"], blocks_end);
}

TEST_F(Blocks, AreThoseThatAreAskedFor) {
  for (const std::uint32_t block : {0U, 3U, 4U, blocks_end - 1}) keep(block, block + 1 == blocks_end ? 4 : block + 1, 20);
  commit();
  const auto count = [&](std::uint32_t first, std::uint32_t end) {
    const json out = blocks(first, end);
    EXPECT_EQ(out["next"], end);
    return out["clients"].size();
  };
  EXPECT_EQ(count(0, 1), 1U);
  EXPECT_EQ(count(1, 3), 0U);
  EXPECT_EQ(count(3, 4), 4U);
  EXPECT_EQ(count(3, 5), 9U);
  EXPECT_EQ(count(5, blocks_end), 4U);
  EXPECT_EQ(count(0, blocks_end), 14U);
}

TEST_F(Blocks, AreRefusedWhereTheyAreNone) {
  commit();
  for (const char* request : {"{}", R"({"first":0})", R"({"end":1})", R"({"first":3,"end":3})", R"({"first":4,"end":3})"})
    EXPECT_EQ(placements_call(*store, json::parse(request)).status, 400) << request;
  for (const char* request : {R"({"first":0,"end":1048577})", R"({"first":-1,"end":4})", R"({"first":"0","end":4})", R"({"first":0.5,"end":4})"})
    EXPECT_THROW(static_cast<void>(placements_call(*store, json::parse(request))), std::invalid_argument) << request;
  EXPECT_THROW(static_cast<void>(assignment_call(*store, {{"first_home", 65'536U}})), std::invalid_argument);
}

}  // namespace
}  // namespace viaduct::api
