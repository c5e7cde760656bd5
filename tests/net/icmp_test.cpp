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

// A message that quotes the begin of a packet.
Octets error_about(const Octets& frame, std::uint8_t type, std::uint8_t code, std::size_t quoted_bytes) {
  Octets m = {type, code, 0, 0, 0, 0, 0, 0};
  test::append(m, std::span{frame}.subspan(14, quoted_bytes));
  return m;
}

TEST(IcmpError, SaysWhichDatagramDidNotArrive) {
  const auto v4 = parse_icmp_error(test::Guarded{error_about(test::known_udp, 3, 3, 28)}.octets(), true);
  ASSERT_TRUE(v4);
  EXPECT_FALSE(v4->is_too_big);
  EXPECT_EQ(v4->source, (base::Endpoint{base::Address::v4({198, 18, 0, 1}), 5062}));
  EXPECT_EQ(v4->destination, (base::Endpoint{base::Address::v4({198, 18, 0, 2}), 5060}));
  EXPECT_TRUE(parse_icmp_error(error_about(test::known_udp, 3, 4, 28), true)->is_too_big);
  const auto v6 = parse_icmp_error(test::Guarded{error_about(test::known_udp6, 2, 0, 48)}.octets(), false);
  ASSERT_TRUE(v6);
  EXPECT_TRUE(v6->is_too_big);
  EXPECT_EQ(v6->source, (base::Endpoint{test::client6, 5062}));
  const Octets part = test::Ipv6Frame{.extensions = {17, 0, 0, 1, 0, 0, 0, 9}, .first = 44, .data = test::udp6()}.build();
  EXPECT_EQ(parse_icmp_error(error_about(part, 1, 4, 56), false)->destination, (base::Endpoint{test::edge6, 5060})) << "a first fragment";
}

TEST(IcmpError, SaysNothingWithoutAUdpHeader) {
  for (std::size_t bytes = 0; bytes < 24; ++bytes)
    EXPECT_FALSE(parse_icmp_error(test::Guarded{error_about(test::known_udp, 3, 3, bytes)}.octets(), true)) << bytes;
  for (std::size_t bytes = 0; bytes < 44; ++bytes)
    EXPECT_FALSE(parse_icmp_error(test::Guarded{error_about(test::known_udp6, 1, 4, bytes)}.octets(), false)) << bytes;
  EXPECT_FALSE(parse_icmp_error(error_about(test::known_echo_request, 3, 3, 28), true));
  Octets behind = test::known_udp;
  behind[21] = 1;
  EXPECT_FALSE(parse_icmp_error(error_about(behind, 3, 3, 28), true)) << "not the first fragment";
  EXPECT_FALSE(parse_icmp_error(error_about(test::known_udp6, 3, 3, 48), true)) << "of the other IP version";
  const Octets later = test::Ipv6Frame{.extensions = {17, 0, 0, 8, 0, 0, 0, 9}, .first = 44, .data = test::udp6()}.build();
  EXPECT_FALSE(parse_icmp_error(error_about(later, 1, 4, 56), false));
}

}  // namespace
}  // namespace viaduct::net
