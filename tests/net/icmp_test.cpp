// SPDX-License-Identifier: Apache-2.0
// Echo requests turned: known ones, and incremental checksums against full ones.
#include "viaduct/net/icmp.h"

#include <gtest/gtest.h>

#include <random>

#include "frames.h"
#include "frames6.h"

namespace viaduct::net {
namespace {

using test::Octets;

TEST(Echo, TurnsAKnownRequestIntoTheKnownReply) {
  test::Guarded frame{test::known_echo_request};
  turn_echo(frame.octets());
  EXPECT_EQ(Octets(frame.octets().begin(), frame.octets().end()), test::known_echo_reply);
}

TEST(Echo, LeavesPaddingAlone) {
  Octets frame = test::known_echo_request;
  frame.resize(60, 0x5a);
  turn_echo(frame);
  EXPECT_EQ(Octets(frame.begin(), frame.begin() + 49), test::known_echo_reply);
  EXPECT_EQ(Octets(frame.begin() + 49, frame.end()), Octets(11, 0x5a));
}

/// A request with random identification, TTL, addresses, identifier and data, and right checksums.
Octets random_echo(std::mt19937_64& random) {
  Octets f = test::known_echo_request;
  for (const std::size_t at : {18u, 19u, 22u, 26u, 27u, 28u, 29u, 30u, 31u, 32u, 33u, 38u, 39u, 40u, 41u, 42u, 43u, 44u, 45u, 46u, 47u, 48u})
    f[at] = static_cast<std::uint8_t>(random());
  for (const auto& [from, bytes, at] : {std::array<std::size_t, 3>{14, 20, 24}, {34, 15, 36}}) {
    f[at] = f[at + 1] = 0;
    const int sum = ~test::sum_by_division(std::span{f}.subspan(from, bytes));
    f[at] = static_cast<std::uint8_t>(sum >> 8 & 0xff);
    f[at + 1] = static_cast<std::uint8_t>(sum & 0xff);
  }
  return f;
}

TEST(Echo, KeepsBothChecksumsRightForAnyRequest) {
  std::mt19937_64 random{4};
  for (int round = 0; round < 100'000; ++round) {
    Octets f = random_echo(random);
    turn_echo(f);
    ASSERT_EQ(test::sum_by_division(std::span{f}.subspan(14, 20)), 0xffff);
    ASSERT_EQ(test::sum_by_division(std::span{f}.subspan(34, 15)), 0xffff);
  }
}

TEST(Echo, KeepsADamagedRequestDamaged) {
  Octets f = test::known_echo_request;
  f[48] ^= 1;
  turn_echo(f);
  EXPECT_NE(test::sum_by_division(std::span{f}.subspan(34, 15)), 0xffff);
}

TEST(Echo, TurnsAnIpv6RequestAndKeepsItsChecksum) {
  Octets f = test::Ipv6Frame{.next = 58, .hop_limit = 9, .data = {128, 0, 0, 0, 0x12, 0x34, 0, 1, 'a', 'b', 'c'}, .checksum_at = 2}.build();
  turn_echo(f);
  EXPECT_EQ(f, (test::Ipv6Frame{.source_mac = 2,
                                .source = test::edge6,
                                .destination = test::client6,
                                .next = 58,
                                .data = {129, 0, 0, 0, 0x12, 0x34, 0, 1, 'a', 'b', 'c'},
                                .checksum_at = 2}
                    .build()));
}

}  // namespace
}  // namespace viaduct::net
