// SPDX-License-Identifier: Apache-2.0
// A copy that was made while its original changed, and the log's changes over it again: the same records, each with the same epoch.
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "../store/folder.h"

namespace viaduct::control::test {
namespace {

using store::Record;
using store::test::blocks_end;
using store::test::Folder;

/// A change of the fleet's log.
using Batch = std::vector<std::pair<unsigned, std::optional<Record>>>;   // client; home and pin, or none

std::optional<Record> at(std::uint16_t home, bool pin = false) { return Record{.client = {}, .epoch = 0, .home = home, .pin = pin}; }

using Records = std::map<std::string, std::tuple<std::uint16_t, bool, std::uint32_t>>;

Records records_of(const store::Store& store) {
  Records out;
  const auto now = store::test::look(store);
  const auto read =
      now->clients(0, blocks_end, [&](const Record& r, std::string_view aor) { return out.emplace(aor, std::tuple{r.home, r.pin, r.epoch}).second; });
  EXPECT_TRUE(read) << read.error().text;
  EXPECT_EQ(now->clients(), out.size());
  return out;
}

/// The original, its copy, and the log.
class Copies : public testing::Test {
 protected:
  void make(Batch batch) {
    log.push_back(std::move(batch));
    apply(*original, log.size());
  }
  /// Into the copy's batch, which is begun by the first.
  void copy(std::uint32_t first, std::uint32_t end) {
    if (!writer) begin();
    const auto now = store::test::look(*original);
    const auto read = now->clients(first, end, [&](const Record& r, std::string_view aor) { return writer->keep(r, aor).has_value(); });
    ASSERT_TRUE(read) << read.error().text;
  }
  void begin() {
    copied_at = store::test::look(*original)->epoch();
    writer = *copied->begin({"test", ""});
    ASSERT_TRUE(writer->clear());
  }
  /// The log's changes since.
  void finish() {
    ASSERT_TRUE(writer->commit_as(copied_at));
    writer.reset();
    for (std::size_t number = copied_at + 1; number <= log.size(); ++number) apply(*copied, number);
    EXPECT_EQ(store::test::look(*copied)->epoch(), store::test::look(*original)->epoch());
    ASSERT_EQ(records_of(*copied), records_of(*original));
  }
  void apply(store::Store& store, std::size_t number) const {
    auto writer_now = *store.begin({"log", ""});
    for (const auto& [i, to] : log[number - 1]) {
      const store::test::Client c = store::test::client(i);
      ASSERT_TRUE(writer_now->put({.key = c.key, .aor = c.aor, .home = to ? std::optional(to->home) : std::nullopt, .pin = to && to->pin}));
    }
    const auto made = writer_now->commit_as(static_cast<std::uint32_t>(number));
    ASSERT_TRUE(made) << made.error().text;
  }
  static std::uint32_t block(unsigned i) { return store::block_of(store::test::client(i).key); }

  const Folder folder, copied_folder;
  std::unique_ptr<store::Store> original = store::test::open(folder), copied = store::test::open(copied_folder);
  std::vector<Batch> log;
  std::uint32_t copied_at{};
  std::unique_ptr<store::Writer> writer;
};

/// What becomes of one client who stands at home 1 when the copy is begun, unless he `is_new`, before and behind the moment when he is copied.
struct Life {
  const char* name;
  bool is_new;
  std::vector<std::optional<Record>> before, behind;
};
std::ostream& operator<<(std::ostream& out, const Life& life) { return out << life.name; }

class Lives : public Copies, public testing::WithParamInterface<Life> {};

TEST_P(Lives, AreTheSame) {
  make({{2, at(9)}});
  if (!GetParam().is_new) make({{1, at(1)}});
  begin();
  for (const auto& to : GetParam().before) make({{1, to}});
  copy(0, blocks_end);
  for (const auto& to : GetParam().behind) make({{1, to}});
  finish();
}

INSTANTIATE_TEST_SUITE_P(
    Clients, Lives,
    testing::Values(Life{"stays", false, {}, {}}, Life{"moves_before", false, {at(2)}, {}}, Life{"moves_behind", false, {}, {at(2)}},
                    Life{"moves_and_comes_back", false, {at(2), at(1)}, {}}, Life{"comes_back_behind", false, {at(2)}, {at(1)}},
                    Life{"moves_to_the_same_again", false, {at(2), at(3), at(2)}, {}}, Life{"is_named_where_he_stands", false, {at(1)}, {}},
                    Life{"is_named_and_moves", false, {at(1), at(2)}, {}}, Life{"moves_and_is_named", false, {at(2), at(2)}, {at(2)}},
                    Life{"is_named_then_moves_then_is_named", false, {at(1), at(2), at(2), at(1), at(1)}, {at(1)}},
                    Life{"is_pinned", false, {at(1, true), at(1), at(1, true)}, {at(1, true)}}, Life{"is_removed_before", false, {std::nullopt}, {}},
                    Life{"is_removed_behind", false, {at(2)}, {std::nullopt}}, Life{"is_removed_and_comes_again", false, {std::nullopt, at(1)}, {}},
                    Life{"moves_goes_and_comes_again_there", false, {at(2), std::nullopt, at(2)}, {}},
                    Life{"comes_again_behind", false, {std::nullopt}, {at(1)}}, Life{"is_removed_twice", false, {std::nullopt, std::nullopt}, {std::nullopt}},
                    Life{"comes_before", true, {at(1)}, {}}, Life{"comes_and_goes_before", true, {at(1), std::nullopt}, {}},
                    Life{"comes_before_and_goes_behind", true, {at(1)}, {std::nullopt}},
                    Life{"comes_goes_and_comes_again", true, {at(1), std::nullopt, at(1)}, {}},
                    Life{"comes_goes_and_comes_again_behind", true, {at(1), std::nullopt}, {at(1), at(1)}}),
    [](const testing::TestParamInfo<Life>& life) { return life.param.name; });

/// Twice in one batch, too; clients are few, so that much happens to each.
Batch random_batch(std::mt19937_64& random, unsigned clients) {
  Batch out;
  for (auto n = random() % 60; n > 0; --n)
    out.emplace_back(static_cast<unsigned>(random() % clients),
                     random() % 4 == 0 ? std::nullopt : at(static_cast<std::uint16_t>(random() % 3), random() % 3 == 0));
  return out;
}

TEST_F(Copies, AreTheSameAfterRandomBatches) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 15; ++round) {
    const auto clients = static_cast<unsigned>(20 + random() % 300);
    for (int i = 0; i < 5; ++i) make(random_batch(random, clients));
    for (std::uint32_t first = 0; first < blocks_end;) {
      const std::uint32_t end = std::min<std::uint32_t>(blocks_end, first + 1 + static_cast<std::uint32_t>(random() % (blocks_end / 4)));
      ASSERT_NO_FATAL_FAILURE(copy(first, end));
      first = end;
      for (auto n = random() % 3; n > 0; --n) make(random_batch(random, clients));
    }
    for (auto n = random() % 3; n > 0; --n) make(random_batch(random, clients));
    ASSERT_NO_FATAL_FAILURE(finish()) << "round " << round;
  }
}

/// A copy of a copy that is not yet where its original is.
TEST_F(Copies, AreTheSameFromAnUnfinishedCopy) {
  std::mt19937_64 random(8);
  for (int round = 0; round < 6; ++round) {
    for (int i = 0; i < 3; ++i) make(random_batch(random, 100));
    begin();
    for (int i = 0; i < 6; ++i) {
      copy(blocks_end / 6 * i, i == 5 ? blocks_end : blocks_end / 6 * (i + 1));
      make(random_batch(random, 100));
    }
    ASSERT_TRUE(writer->commit_as(copied_at));
    writer.reset();
    const Folder third_folder;
    const auto third = store::test::open(third_folder);
    auto third_writer = *third->begin({"test", ""});
    std::size_t number = copied_at + 1;
    apply(*copied, number++);
    const std::uint32_t third_at = store::test::look(*copied)->epoch();
    for (std::uint32_t i = 0; i < 4; ++i) {
      const auto now = store::test::look(*copied);
      ASSERT_TRUE(now->clients(blocks_end / 4 * i, blocks_end / 4 * (i + 1),
                               [&](const Record& r, std::string_view aor) { return third_writer->keep(r, aor).has_value(); }));
      if (number < log.size()) apply(*copied, number++);
    }
    ASSERT_TRUE(third_writer->commit_as(third_at));
    third_writer.reset();
    while (number <= log.size()) apply(*copied, number++);
    for (std::size_t n = third_at + 1; n <= log.size(); ++n) apply(*third, n);
    ASSERT_EQ(records_of(*copied), records_of(*original));
    ASSERT_EQ(records_of(*third), records_of(*original)) << "round " << round;
  }
}

}  // namespace
}  // namespace viaduct::control::test
