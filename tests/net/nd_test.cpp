// SPDX-License-Identifier: Apache-2.0
// Neighbour Discovery: messages written and read again, and each thing that RFC 4861 7.1 wants discarded.
#include "viaduct/net/nd.h"

#include <gtest/gtest.h>

#include "frames6.h"

namespace viaduct::net {
namespace {

using test::Ipv6Frame;
using test::Octets;

const Mac client_mac = {2, 0, 0, 0, 0, 1};
const base::Address group = solicited_node(test::edge6);

// A solicitation of the edge's address, by the client, to the group.
Octets solicitation_message(Octets options = {1, 1, 2, 0, 0, 0, 0, 1}) {
  Octets m = {135, 0, 0, 0, 0, 0, 0, 0};
  test::append(m, test::edge6.octets());
  test::append(m, options);
  return m;
}
Octets advertisement_message(std::uint8_t flags, Octets options = {2, 1, 2, 0, 0, 0, 0, 1}) {
  Octets m = {136, 0, 0, 0, flags, 0, 0, 0};
  test::append(m, test::client6.octets());
  test::append(m, options);
  return m;
}
Ipv6Frame frame_of(Octets message) { return {.destination = group, .next = 58, .hop_limit = 255, .data = std::move(message), .checksum_at = 2}; }

std::optional<NeighbourMessage> read(const Octets& frame) {
  const test::Guarded guarded{frame};
  const auto f = parse_frame(guarded.octets(), ChecksumTrust::verify);
  if (!f || f->kind != FrameKind::neighbour) return std::nullopt;
  return parse_nd(guarded.octets(), *f);
}

TEST(Nd, MakesTheGroupAndItsMac) {
  EXPECT_EQ(solicited_node(*base::Address::parse("2001:db8::aa:1b:2c3d")).text(), "ff02::1:ff1b:2c3d");
  EXPECT_EQ(multicast_mac(*base::Address::parse("ff02::1:ff1b:2c3d")), (Mac{0x33, 0x33, 0xff, 0x1b, 0x2c, 0x3d}));
}

TEST(Nd, ReadsASolicitation) {
  const auto m = read(frame_of(solicitation_message()).build());
  ASSERT_TRUE(m);
  EXPECT_TRUE(m->is_solicitation);
  EXPECT_EQ(m->source, test::client6);
  EXPECT_EQ(m->target, test::edge6);
  EXPECT_EQ(m->link_address, client_mac);
  EXPECT_TRUE(read(frame_of(solicitation_message({})).build())) << "the option may be left out";
  EXPECT_TRUE(read(frame_of(solicitation_message({14, 1, 0, 0, 0, 0, 0, 0, 1, 1, 2, 0, 0, 0, 0, 1})).build())) << "behind an unknown option";
}

TEST(Nd, ReadsAnAdvertisement) {
  Ipv6Frame f = frame_of(advertisement_message(0x60));
  f.destination = test::edge6;
  const auto m = read(f.build());
  ASSERT_TRUE(m);
  EXPECT_TRUE(!m->is_solicitation && m->is_solicited && m->overrides);
  EXPECT_EQ(m->target, test::client6);
  EXPECT_EQ(m->link_address, client_mac);
}

TEST(Nd, WritesWhatItReads) {
  Octets out(nd_frame_bytes, 0xaa);
  write_nd(out, {.is_solicitation = true, .source = test::client6, .destination = group, .target = test::edge6, .link_address = client_mac},
           multicast_mac(group));
  Octets expected = frame_of(solicitation_message()).build();
  std::copy_n(multicast_mac(group).begin(), 6, expected.begin());
  EXPECT_EQ(out, expected);
  write_nd(out,
           {.is_solicited = true, .overrides = true, .source = test::client6, .destination = test::edge6, .target = test::client6, .link_address = client_mac},
           {2, 0, 0, 0, 0, 2});
  Ipv6Frame f = frame_of(advertisement_message(0x60));
  f.destination = test::edge6;
  EXPECT_EQ(out, f.build());
}

TEST(Nd, RefusesAMessageThatHasPassedARouter) {
  for (const std::uint8_t hops : std::initializer_list<std::uint8_t>{0, 1, 64, 254}) {
    Ipv6Frame f = frame_of(solicitation_message());
    f.hop_limit = hops;
    EXPECT_EQ(parse_frame(f.build(), ChecksumTrust::verify).error(), base::Drop::nd_invalid);
  }
  Octets code = solicitation_message();
  code[1] = 1;
  EXPECT_EQ(parse_frame(frame_of(code).build(), ChecksumTrust::verify).error(), base::Drop::nd_invalid);
}

TEST(Nd, RefusesWhatIsBroken) {
  EXPECT_FALSE(read(frame_of(solicitation_message({1, 0, 2, 0, 0, 0, 0, 1})).build())) << "an option of length 0";
  EXPECT_FALSE(read(frame_of(solicitation_message({1, 2, 2, 0, 0, 0, 0, 1})).build())) << "an option longer than the message";
  EXPECT_FALSE(read(frame_of(solicitation_message({1, 1, 2, 0})).build())) << "half an option";
  EXPECT_FALSE(read(frame_of(solicitation_message({1, 1, 3, 0, 0, 0, 0, 1})).build())) << "a group for a MAC";
  Octets to_group = solicitation_message();
  to_group[8] = 0xff;
  EXPECT_FALSE(read(frame_of(to_group).build())) << "a group for a target";
  for (std::size_t bytes = 8; bytes < 24; ++bytes) {
    Octets cut = solicitation_message();
    cut.resize(bytes);
    EXPECT_FALSE(read(frame_of(cut).build())) << bytes;
  }
  EXPECT_FALSE(read(frame_of(advertisement_message(0x40)).build())) << "solicited, to a group";
  EXPECT_TRUE(read(frame_of(advertisement_message(0x20)).build()));
}

TEST(Nd, TakesAProbeOnlyToTheGroupAndWithoutAMac) {
  const auto probe = [](Octets options, const base::Address& destination) {
    Ipv6Frame f = frame_of(solicitation_message(std::move(options)));
    f.source = {};
    f.destination = destination;
    return read(f.build());
  };
  EXPECT_TRUE(probe({}, group));
  EXPECT_FALSE(probe({1, 1, 2, 0, 0, 0, 0, 1}, group));
  EXPECT_FALSE(probe({}, test::edge6));
}

TEST(Nd, StopsTheProcessWhenTheBufferIsTooSmall) {
  Octets out(nd_frame_bytes - 1);
  EXPECT_DEATH(write_nd(out, {.link_address = client_mac}, client_mac), "holds a neighbour message");
}

}  // namespace
}  // namespace viaduct::net
