// SPDX-License-Identifier: Apache-2.0
// A shard made of records: who stands aside, and what a full shard refuses.
#include "build.h"

#include <gtest/gtest.h>

#include "fleet.h"

namespace viaduct::assign::test {
namespace {

constexpr unsigned bits = 4;
constexpr std::uint64_t places_of_two_lines = 2 * entries_per_line;

/// Clients of shard 0 with tags 2, 3, ... whose home line is the first.
std::vector<store::Record> records_of_first_line(std::uint64_t count) {
  std::vector<store::Record> records;
  for (std::uint64_t i = 0; i < count; ++i) records.push_back({.client = {.low = (i + 2) << 24, .high = 0}, .epoch = 1, .home = static_cast<HomeIndex>(i)});
  return records;
}

std::unique_ptr<Shard> built(std::span<const store::Record> records, std::uint32_t lines) { return Build(records, std::make_unique<Shard>(lines, bits)).run(); }

TEST(Build, ServesMoreClientsThanThereArePlaces) {
  const auto records = records_of_first_line(20);
  const auto shard = built(records, 2);
  for (const store::Record& r : records) EXPECT_EQ(shard->find(r.client).home, r.home);
  EXPECT_EQ(shard->clients(), 20u);
  EXPECT_TRUE(shard->is_full());
}

TEST(Build, LetsNobodyLoseHisHomeLineToOneWhoFoundHisFull) {
  auto records = records_of_first_line(entries_per_line + 2);
  for (std::uint64_t i = 20; i < 20 + entries_per_line; ++i)
    records.push_back({.client = {.low = i << 24, .high = 1ULL << 59}, .epoch = 1, .home = static_cast<HomeIndex>(i)});
  const auto shard = built(records, 2);
  for (const store::Record& r : records) EXPECT_EQ(shard->find(r.client).home, r.home);
  for (const store::Record& r : std::span(records).last(entries_per_line)) EXPECT_EQ(read(shard->head().lines()[1], tag_of(r.client)).found.home, r.home);
}

TEST(Build, LeavesNoMarkOfClientsWhoAreGone) {
  const auto keys = colliding_keys(3, 1);
  std::vector<store::Record> records;
  for (const ClientKey& key : keys) records.push_back({.client = store::identity(key), .epoch = 1, .home = 1});
  const auto collided = built(records, 8);
  EXPECT_TRUE(collided->insert({.low = keys[0].low, .high = keys[0].high ^ 0x8000000}, {.home = 2}).is_refused);
  const auto alone = built(std::span(records).first(1), 8);
  EXPECT_EQ(alone->find(keys[0]).home, 1);
  EXPECT_EQ(alone->change(keys[0], {.home = 2}).old_side, nullptr) << "in the lines again, not aside";
}

TEST(Shard, RefusesWhoHasNoPlaceWhenItIsFull) {
  const auto shard = built(records_of_first_line(places_of_two_lines), 2);
  EXPECT_TRUE(shard->insert({.low = 99 << 24, .high = 0}, {.home = 5}).is_refused);
  EXPECT_EQ(shard->find({.low = 99 << 24, .high = 0}).home, no_home);
  EXPECT_EQ(shard->clients(), places_of_two_lines);
}

TEST(Shard, RefusesWhoHasTheTagOfOneWhoStandsAsideForWantOfAPlace) {
  const auto records = records_of_first_line(places_of_two_lines + 1);
  const auto shard = built(records, 2);
  const auto freed = shard->erase(records[0].client).freed;
  ASSERT_TRUE(freed);
  shard->release(*freed);
  const ClientKey twin{.low = records.back().client.low, .high = std::uint64_t{1} << 20};
  EXPECT_TRUE(shard->insert(twin, {.home = 50}).is_refused) << "he would be found in place of the one aside";
  EXPECT_EQ(shard->find(records.back().client).home, records.back().home);
}

}  // namespace
}  // namespace viaduct::assign::test
