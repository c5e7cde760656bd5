// SPDX-License-Identifier: Apache-2.0
// ARP against known frames, every kind of malformed one, and the echo's incremental checksums against full ones.
#include "viaduct/net/arp.h"

#include <gtest/gtest.h>

#include <random>

#include "frames.h"

namespace viaduct::net {
namespace {

using test::Octets;

const Mac client_mac = {2, 0, 0, 0, 0, 1};
const Mac edge_mac = {2, 0, 0, 0, 0, 2};
const auto client = base::Address::v4({198, 18, 0, 1});
const auto edge = base::Address::v4({198, 18, 0, 2});

TEST(Arp, ReadsAKnownRequest) {
  const auto arp = parse_arp(test::known_arp_request);
  ASSERT_TRUE(arp);
  EXPECT_TRUE(arp->is_request);
  EXPECT_EQ(arp->sender_mac, client_mac);
  EXPECT_EQ(arp->sender, client);
  EXPECT_EQ(arp->target_mac, Mac{});
  EXPECT_EQ(arp->target, edge);
}

TEST(Arp, ReadsAKnownReply) {
  const auto arp = parse_arp(test::known_arp_reply);
  ASSERT_TRUE(arp);
  EXPECT_FALSE(arp->is_request);
  EXPECT_EQ(arp->sender_mac, edge_mac);
  EXPECT_EQ(arp->sender, edge);
  EXPECT_EQ(arp->target_mac, client_mac);
  EXPECT_EQ(arp->target, client);
}

TEST(Arp, ReadsThroughEthernetPadding) {
  Octets padded = test::known_arp_request;
  padded.resize(60);
  EXPECT_TRUE(parse_arp(padded));
}

TEST(Arp, WritesTheKnownFrames) {
  Octets out(arp_frame_bytes, 0xaa);
  write_arp(out, {.is_request = true, .sender_mac = client_mac, .sender = client, .target_mac = {}, .target = edge});
  EXPECT_EQ(out, test::known_arp_request);
  write_arp(out, {.is_request = false, .sender_mac = edge_mac, .sender = edge, .target_mac = client_mac, .target = client});
  EXPECT_EQ(out, test::known_arp_reply);
}

TEST(Arp, RefusesEveryShortFrameWithoutReadingBehindIt) {
  for (std::size_t bytes = 0; bytes < arp_frame_bytes; ++bytes)
    EXPECT_FALSE(parse_arp(test::Guarded{std::span{test::known_arp_request}.first(bytes)}.octets())) << bytes;
  EXPECT_TRUE(parse_arp(test::Guarded{test::known_arp_request}.octets()));
}

TEST(Arp, RefusesEachWrongFixedOctet) {
  for (std::size_t at = 12; at < 22; ++at) {
    Octets frame = test::known_arp_request;
    frame[at] = static_cast<std::uint8_t>(frame[at] + 2);
    EXPECT_FALSE(parse_arp(frame)) << at;
  }
}

TEST(Arp, StopsTheProcessWhenTheBufferIsTooSmall) {
  Octets out(arp_frame_bytes - 1);
  EXPECT_DEATH(write_arp(out, {}), "holds an ARP frame");
}

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

}  // namespace
}  // namespace viaduct::net
