// SPDX-License-Identifier: Apache-2.0
// Moves in any order come out in order, the last of each client; in memory and through files.
#include "sorter.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace viaduct::control {
namespace {

struct Row {
  std::string aor;
  std::optional<assign::HomeIndex> home;
  bool pin;
};
using Order = std::map<std::pair<std::uint64_t, std::uint64_t>, Row>;

void expect_sorted(std::size_t rows, unsigned clients) {
  const base::Key128 seed{5, 6};
  std::mt19937_64 random(rows);
  Sorter sorter(std::filesystem::temp_directory_path());
  Order wanted;
  for (std::size_t i = 0; i < rows; ++i) {
    const std::string aor = "client" + std::to_string(random() % clients) + std::string(random() % 40, 'x') + "@example.com";
    const auto key = base::siphash128(seed, aor);
    const auto home = random() % 5 == 0 ? std::nullopt : std::optional(static_cast<assign::HomeIndex>(random() % 9));
    const bool pin = random() % 2 == 0;
    ASSERT_TRUE(sorter.add(key, aor, home, pin));
    wanted[{store::identity(key).high, store::identity(key).low}] = {aor, home, pin};
  }
  store::Move move;
  for (const auto& [identity, row] : wanted) {
    ASSERT_EQ(sorter.next(move), true);
    ASSERT_EQ(move.aor, row.aor);
    ASSERT_EQ(move.home, row.home);
    ASSERT_EQ(move.pin, row.pin);
    ASSERT_EQ(store::identity(move.key), (base::Hash128{.low = identity.second, .high = identity.first}));
  }
  EXPECT_EQ(sorter.next(move), false);
  EXPECT_EQ(sorter.repeated(), rows - wanted.size());
}

TEST(Sorter, GivesNothingOfNothing) { expect_sorted(0, 1); }
TEST(Sorter, SortsFewInMemory) { expect_sorted(1'000, 300); }
TEST(Sorter, SortsManyThroughFiles) { expect_sorted(700'000, 200'000); }

TEST(Sorter, KeepsTwinsApart) {
  Sorter sorter(std::filesystem::temp_directory_path());
  ASSERT_TRUE(sorter.add({.low = 1, .high = 1}, "a@b", 1, false));
  ASSERT_TRUE(sorter.add({.low = 2, .high = 1}, "c@d", 2, false));
  store::Move move;
  ASSERT_EQ(sorter.next(move), true);
  EXPECT_EQ(move.aor, "a@b");
  ASSERT_EQ(sorter.next(move), true);
  EXPECT_EQ(move.aor, "c@d");
}

TEST(Sorter, SaysWhenTheFolderIsNone) {
  Sorter sorter("/nowhere/at/all");
  Expected<void> added;
  for (std::uint64_t i = 0; added && i < 100'000; ++i) added = sorter.add({.low = i, .high = 1}, "a@example.com", 1, false);
  ASSERT_FALSE(added);
  EXPECT_NE(added.error().find("/nowhere/at/all"), std::string::npos);
}

}  // namespace
}  // namespace viaduct::control
