// SPDX-License-Identifier: Apache-2.0
// ARP against known frames and every kind of malformed one.
#include "viaduct/net/arp.h"

#include <gtest/gtest.h>

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

TEST(Arp, BelievesNobodyWhoClaimsTheAddressOfAGroup) {
  for (const std::uint8_t first : std::initializer_list<std::uint8_t>{0x01, 0x33, 0xff})
    for (Octets frame : {test::known_arp_request, test::known_arp_reply}) {
      frame[22] = first;
      EXPECT_FALSE(parse_arp(frame)) << int{first};
    }
}

TEST(Arp, StopsTheProcessWhenTheBufferIsTooSmall) {
  Octets out(arp_frame_bytes - 1);
  EXPECT_DEATH(write_arp(out, {}), "holds an ARP frame");
}

}  // namespace
}  // namespace viaduct::net
