// SPDX-License-Identifier: Apache-2.0
// The sizes of shards: few octets a client however many clients there are, room in each new shard, and growth of one at a time.
#include "ladder.h"

#include <gtest/gtest.h>

namespace viaduct::assign::test {
namespace {

double lines_bytes_per_client(std::size_t clients, std::uint32_t shards) {
  std::size_t lines = 0;
  for (std::uint32_t i = 0; i < shards; ++i) lines += lines_for(clients / shards, i, shards);
  return static_cast<double>(lines * sizeof(Line)) / static_cast<double>(clients);
}

TEST(Ladder, GivesLessThan24OctetsAClientWhateverTheNumber) {
  for (std::size_t clients = 80'000'000; clients <= 160'000'000; clients += 1'000'000) EXPECT_LT(lines_bytes_per_client(clients, 128), 23.5) << clients;
}

TEST(Ladder, KeepsSmallTablesSmall) {
  EXPECT_LE(lines_bytes_per_client(1'000'000, 16), 34) << "whole huge pages: a shard of 62,500 clients is less than one";
  EXPECT_LE(lines_bytes_per_client(200'000, 16), 25);
  EXPECT_LE(lines_bytes_per_client(1024, 16), 128) << "one or two small pages a shard";
}

TEST(Ladder, LeavesRoomInANewShard) {
  for (std::size_t clients = 0; clients < 2'000'000; clients = clients * 9 / 8 + 1)
    for (const std::uint32_t i : {0U, 5U, 15U}) {
      const std::size_t places = std::size_t{lines_for(clients, i, 16)} * entries_per_line;
      EXPECT_LT((clients + 1) * 1000, places * load_full_per_mille);
      EXPECT_GE(clients * 1000 + 512'000 * 512, places * load_new_per_mille / 2) << clients << " in " << places;
    }
}

TEST(Ladder, LetsShardsGrowOneAfterTheOther) {
  constexpr std::uint32_t shards = 128;
  std::size_t most_at_once = 0;
  for (std::size_t clients = 700'000; clients < 1'100'000; clients += 1'000) {
    std::size_t grown = 0;
    for (std::uint32_t i = 0; i < shards; ++i) grown += lines_for(clients, i, shards) != lines_for(clients + 1'000, i, shards);
    most_at_once = std::max(most_at_once, grown);
  }
  EXPECT_LE(most_at_once, 2U);
}

}  // namespace
}  // namespace viaduct::assign::test
