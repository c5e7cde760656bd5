// SPDX-License-Identifier: Apache-2.0
// The vector sum against the scalar one and against division, at every short length, at any alignment, and at the edge of readable memory.
#include "viaduct/net/checksum.h"

#include <gtest/gtest.h>

#include <random>

#include "frames.h"

namespace viaduct::net {
namespace {

using test::Octets;

Octets random_octets(std::size_t count, std::mt19937_64& random) {
  Octets o(count);
  for (auto& b : o) b = static_cast<std::uint8_t>(random());
  return o;
}

TEST(Checksum, SumsTheExampleOfRfc1071) {
  const Octets o = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(sum16(o), 0xddf2);
  EXPECT_EQ(sum16_scalar(o), 0xddf2);
}

TEST(Checksum, TakesAnOddLastOctetAsTheHighHalf) {
  const Octets o = {0x12, 0x34, 0x56};
  EXPECT_EQ(sum16(o), 0x1234 + 0x5600);
  EXPECT_EQ(sum16_scalar(o), 0x1234 + 0x5600);
}

TEST(Checksum, GivesZeroOnlyForZeros) {
  EXPECT_EQ(sum16({}), 0);
  EXPECT_EQ(sum16(Octets(300, 0)), 0);
  EXPECT_EQ(sum16(Octets(300, 0xff)), 0xffff);
}

TEST(Checksum, AgreesWithDivisionAtEveryLengthAndAlignment) {
  std::mt19937_64 random{1};
  for (std::size_t bytes = 0; bytes <= 300; ++bytes) {
    const Octets o = random_octets(bytes + 32, random);
    for (std::size_t at : {0u, 1u, 2u, 3u, 7u, 31u}) {
      const std::span part{o.data() + at, bytes};
      ASSERT_EQ(sum16(part), test::sum_by_division(part)) << bytes << " at " << at;
      ASSERT_EQ(sum16_scalar(part), test::sum_by_division(part)) << bytes << " at " << at;
    }
  }
}

TEST(Checksum, DoesNotOverflowAtTheLargestLength) {
  for (const std::size_t bytes : {65'534u, 65'535u}) {
    const Octets ones(bytes, 0xff);
    EXPECT_EQ(sum16(ones), test::sum_by_division(ones));
    EXPECT_EQ(sum16_scalar(ones), test::sum_by_division(ones));
  }
}

TEST(Checksum, ReadsNothingOutsideItsOctets) {
  std::mt19937_64 random{2};
  for (std::size_t bytes = 0; bytes <= 200; ++bytes) {
    const Octets o = random_octets(bytes, random);
    EXPECT_EQ(sum16(test::Guarded{o}.octets()), test::sum_by_division(o));
    EXPECT_EQ(sum16(test::Guarded{o, true}.octets()), test::sum_by_division(o));
  }
}

TEST(Checksum, SumsThePseudoHeaderOfBothFamilies) {
  std::mt19937_64 random{3};
  for (int round = 0; round < 1000; ++round) {
    const Octets o = random_octets(34, random);
    const auto bytes = static_cast<std::uint16_t>(o[32] << 8 | o[33]);
    Octets v4(o.begin(), o.begin() + 8);
    v4.insert(v4.end(), {0, 17, o[32], o[33]});
    EXPECT_EQ(pseudo_sum(base::Address::v4({o[0], o[1], o[2], o[3]}), base::Address::v4({o[4], o[5], o[6], o[7]}), bytes), test::sum_by_division(v4));
    Octets v6(o.begin(), o.begin() + 32);
    v6.insert(v6.end(), {0, 0, o[32], o[33], 0, 0, 0, 17});
    std::array<std::uint8_t, 16> a, b;
    std::copy_n(o.begin(), 16, a.begin());
    std::copy_n(o.begin() + 16, 16, b.begin());
    EXPECT_EQ(pseudo_sum(base::Address::v6(a), base::Address::v6(b), bytes), test::sum_by_division(v6));
  }
}

}  // namespace
}  // namespace viaduct::net
