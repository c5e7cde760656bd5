// SPDX-License-Identifier: Apache-2.0
// Blocks: what is packed comes back; what was touched is found out.
#include "block.h"

#include <gtest/gtest.h>

#include <random>

namespace viaduct::store {
namespace {

// The check value of CRC-32C in RFC 3720 B.4: 32 zeros, 32 ones.
TEST(Crc32c, GivesTheValuesOfRfc3720) {
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
}

TEST(Crc32c, GoesOnWhereItStopped) { EXPECT_EQ(crc32c("456789", crc32c("123")), crc32c("123456789")); }

std::vector<Record> some_records(std::uint32_t block) {
  std::mt19937_64 random(block);
  std::vector<Record> records;
  for (std::uint64_t inner = 0; inner < 90; ++inner)
    records.push_back({.client = identity({.low = random(), .high = std::uint64_t{block} << 44 | (inner * 100 + random() % 100) << 20}),
                       .epoch = static_cast<std::uint32_t>(random()),
                       .home = static_cast<std::uint16_t>(random()),
                       .pin = random() % 2 == 0});
  return records;
}

TEST(Block, GivesBackWhatWasPacked) {
  for (const std::uint32_t block : {0u, 1u, 77'777u, (1u << block_bits) - 1}) {
    const auto records = some_records(block);
    std::string octets;
    pack(block, records, octets);
    EXPECT_EQ(octets.size(), records.size() * 16 + 4);
    std::vector<Record> back;
    ASSERT_TRUE(unpack(block, octets, back));
    EXPECT_EQ(back, records);
  }
}

TEST(Block, FindsEveryFlippedBit) {
  std::string octets;
  pack(5, some_records(5), octets);
  for (std::size_t bit = 0; bit < octets.size() * 8; ++bit) {
    std::string flipped = octets;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    std::vector<Record> out;
    ASSERT_FALSE(unpack(5, flipped, out)) << bit;
  }
}

TEST(Block, IsNotTakenForAnother) {
  std::string octets;
  pack(5, some_records(5), octets);
  std::vector<Record> out;
  EXPECT_FALSE(unpack(6, octets, out));
}

TEST(Block, RefusesRecordsOutOfOrder) {
  auto records = some_records(5);
  std::swap(records[3], records[4]);
  std::string octets;
  pack(5, records, octets);
  std::vector<Record> out;
  EXPECT_FALSE(unpack(5, octets, out));
}

TEST(Block, RefusesWhatIsNoBlock) {
  std::vector<Record> out;
  EXPECT_FALSE(unpack(5, "", out));
  EXPECT_FALSE(unpack(5, "abc", out));
  std::string odd = "seventeen octets.";
  seal(5, odd);
  EXPECT_FALSE(unpack(5, odd, out));
}

}  // namespace
}  // namespace viaduct::store
