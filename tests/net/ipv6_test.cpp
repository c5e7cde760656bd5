// SPDX-License-Identifier: Apache-2.0
// IPv6 frames judged: known ones, every short length, chains of extension headers, and every drop by name.
#include <gtest/gtest.h>

#include <random>

#include "frames.h"
#include "frames6.h"
#include "viaduct/base/limits.h"
#include "viaduct/net/frame.h"
#include "viaduct/net/vlan.h"

namespace viaduct::net {
namespace {

using base::Drop;
using test::Ipv6Frame;
using test::Octets;

Drop reason(const Octets& frame, ChecksumTrust trust = ChecksumTrust::verify) {
  const auto f = parse_frame(test::Guarded{frame}.octets(), trust);
  EXPECT_FALSE(f) << "accepted";
  return f ? Drop{0xff} : f.error();
}

std::string_view text(const Octets& frame, const Frame& f) { return {reinterpret_cast<const char*>(frame.data()) + f.payload_offset, f.payload_bytes}; }

// A hop-by-hop or destination options header of one unit: four octets of padding by PadN.
Octets options(std::uint8_t next) { return {next, 0, 1, 4, 0, 0, 0, 0}; }
Octets routing(std::uint8_t next, std::uint8_t type, std::uint8_t segments_left) { return {next, 0, type, segments_left, 0, 0, 0, 0}; }
Octets joined(std::initializer_list<Octets> parts) {
  Octets out;
  for (const Octets& p : parts) test::append(out, p);
  return out;
}

TEST(Ipv6, ReadsAKnownDatagram) {
  EXPECT_EQ(Ipv6Frame{.data = test::udp6()}.build(), test::known_udp6);
  const auto f = parse_frame(test::Guarded{test::known_udp6}.octets(), ChecksumTrust::verify);
  ASSERT_TRUE(f);
  EXPECT_EQ(f->kind, FrameKind::udp);
  EXPECT_EQ(f->source, (base::Endpoint{test::client6, 5062}));
  EXPECT_EQ(f->destination, (base::Endpoint{test::edge6, 5060}));
  EXPECT_EQ(f->source_mac, (Mac{2, 0, 0, 0, 0, 1}));
  EXPECT_EQ(text(test::known_udp6, *f), "OPTIONS sip:a SIP/2.0\r\n");
}

TEST(Ipv6, DropsEveryShortFrameWithoutReadingBehindIt) {
  const Octets extended = Ipv6Frame{.extensions = joined({options(60), options(17)}), .first = 0, .data = test::udp6()}.build();
  for (const Octets& whole : {test::known_udp6, extended}) {
    for (std::size_t bytes = 14; bytes < whole.size(); ++bytes)
      ASSERT_EQ(reason({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(bytes)}), bytes < 14 + 40 ? Drop::frame_short : Drop::frame_truncated)
          << bytes;
    EXPECT_TRUE(parse_frame(test::Guarded{whole}.octets(), ChecksumTrust::verify));
  }
}

TEST(Ipv6, TakesPaddingForNoPayload) {
  const Octets frame = Ipv6Frame{.data = test::udp6("abc"), .padding_bytes = 11}.build();
  const auto f = parse_frame(frame, ChecksumTrust::verify);
  ASSERT_TRUE(f);
  EXPECT_EQ(text(frame, *f), "abc");
}

TEST(Ipv6, SkipsExtensionHeadersThatAskForNothing) {
  struct Case {
    std::uint8_t first;
    Octets extensions;
  };
  const Case cases[] = {{0, options(17)},
                        {60, options(17)},
                        {43, routing(17, 0, 0)},
                        {0, joined({options(60), options(43), routing(60, 4, 0), options(17)})},
                        {60, {17, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}},   // Pad1 throughout
                        {0, {17, 0, 5, 2, 0, 0, 1, 0}}};                           // router alert, PadN
  for (const Case& c : cases) {
    const Octets frame = Ipv6Frame{.extensions = c.extensions, .first = c.first, .data = test::udp6()}.build();
    const auto f = parse_frame(test::Guarded{frame}.octets(), ChecksumTrust::verify);
    ASSERT_TRUE(f) << c.extensions.size();
    EXPECT_EQ(text(frame, *f), "OPTIONS sip:a SIP/2.0\r\n");
  }
}

TEST(Ipv6, RefusesExtensionHeadersThatAskForMore) {
  const auto drop = [](std::uint8_t first, Octets extensions) {
    return reason(Ipv6Frame{.extensions = extensions, .first = first, .data = test::udp6()}.build());
  };
  EXPECT_EQ(drop(43, routing(17, 0, 1)), Drop::ip_extension) << "RFC 5095: type 0 with segments left";
  EXPECT_EQ(drop(43, routing(17, 9, 1)), Drop::ip_extension) << "RFC 8200 4.4: an unknown type with segments left";
  for (const std::uint8_t action : std::initializer_list<std::uint8_t>{0x40, 0x80, 0xc0}) {
    EXPECT_EQ(drop(60, {17, 0, static_cast<std::uint8_t>(action | 0x1e), 4, 0, 0, 0, 0}), Drop::ip_extension) << int{action};
    EXPECT_EQ(drop(0, {17, 0, 1, 0, static_cast<std::uint8_t>(action | 2), 0, 0, 0}), Drop::ip_extension) << "behind padding";
  }
  EXPECT_EQ(drop(60, {17, 0, 1, 5, 0, 0, 0, 0}), Drop::ip_extension) << "an option longer than its header";
  EXPECT_EQ(drop(60, {17, 0, 0, 0, 0, 0, 0, 1}), Drop::ip_extension) << "an option without its length";
  EXPECT_EQ(drop(60, joined({options(0), options(17)})), Drop::ip_protocol) << "hop-by-hop options not at first";
  EXPECT_EQ(drop(60, {17, 255, 1, 4, 0, 0, 0, 0}), Drop::frame_short) << "a header longer than the packet";
}

TEST(Ipv6, BoundsTheNumberOfExtensionHeaders) {
  for (unsigned count = 1; count <= base::ipv6_extensions_max + 1; ++count) {
    Octets extensions;
    for (unsigned i = 0; i < count; ++i) {
      const Octets one = options(i + 1 == count ? 17 : 60);
      test::append(extensions, one);
    }
    const Octets frame = Ipv6Frame{.extensions = extensions, .first = 60, .data = test::udp6()}.build();
    const auto f = parse_frame(frame, ChecksumTrust::verify);
    EXPECT_EQ(f.has_value(), count <= base::ipv6_extensions_max) << count;
    EXPECT_TRUE(f || f.error() == Drop::ip_extension);
  }
}

TEST(Ipv6, WantsAChecksum) {
  Octets none = test::known_udp6;
  none[60] = none[61] = 0;
  EXPECT_EQ(reason(none), Drop::udp_checksum) << "RFC 8200 8.1: zero is no checksum in IPv6";
  for (std::size_t bit = 0; bit < (test::known_udp6.size() - 22) * 8; ++bit) {
    Octets frame = test::known_udp6;
    frame[22 + bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    const Drop why = reason(frame);
    ASSERT_TRUE(why == Drop::udp_checksum || why == Drop::udp_length) << bit;
  }
  EXPECT_TRUE(parse_frame(none, ChecksumTrust::good));
}

TEST(Ipv6, DropsOtherProtocolsVersionsAndMappedAddresses) {
  EXPECT_EQ(reason(Ipv6Frame{.next = 6, .data = Octets(20)}.build()), Drop::ip_protocol);
  EXPECT_EQ(reason(Ipv6Frame{.next = 59, .data = {}}.build()), Drop::ip_protocol);
  EXPECT_EQ(reason(Ipv6Frame{.source = base::Address::v4({192, 0, 2, 1}), .data = test::udp6()}.build()), Drop::ip_header);
  Octets version = test::known_udp6;
  version[14] = 0x40;
  EXPECT_EQ(reason(version), Drop::ip_header);
  EXPECT_EQ(reason(Ipv6Frame{.data = test::udp6(), .bytes_more = 1}.build()), Drop::frame_truncated);
}

TEST(Ipv6, TellsFragmentsFromWholeDatagrams) {
  const auto part = [](std::uint8_t offset, std::uint8_t flags, Octets before = {}) {
    return Ipv6Frame{.extensions = joined({before, {17, 0, offset, flags, 0, 0, 0, 9}}),
                     .first = before.empty() ? std::uint8_t{44} : std::uint8_t{60},
                     .data = test::udp6("0123456789abcdef")}
        .build();
  };
  for (const auto& [offset, flags] : std::initializer_list<std::pair<std::uint8_t, std::uint8_t>>{{0, 1}, {0, 8}, {1, 1}}) {
    const auto f = parse_frame(part(offset, flags), ChecksumTrust::verify);
    ASSERT_TRUE(f);
    EXPECT_EQ(f->kind, FrameKind::fragment);
    EXPECT_EQ(f->payload_offset, 62);
    EXPECT_EQ(f->payload_bytes, 24);
  }
  EXPECT_EQ(parse_frame(part(0, 0), ChecksumTrust::verify)->kind, FrameKind::udp) << "RFC 6946: an atomic fragment is whole";
  EXPECT_EQ(reason(part(0, 1, options(44))), Drop::ip_extension) << "behind another extension header";
  EXPECT_EQ(reason(part(0xff, 0xf8)), Drop::sip_too_large);
  EXPECT_EQ(reason(Ipv6Frame{.extensions = {17, 0, 0, 1, 0, 0, 0, 9}, .first = 44, .data = test::udp6("1")}.build()), Drop::fragment_invalid);
  EXPECT_EQ(reason(Ipv6Frame{.extensions = {17, 0, 0, 1, 0, 0, 0, 9}, .first = 44, .data = {}}.build()), Drop::fragment_invalid);
}

TEST(Ipv6, ReadsAnEchoRequestAndNoOtherMessage) {
  const Octets message = {128, 0, 0, 0, 1, 2, 3, 4, 'x'};
  const auto echo = parse_frame(Ipv6Frame{.next = 58, .data = message, .checksum_at = 2}.build(), ChecksumTrust::verify);
  ASSERT_TRUE(echo);
  EXPECT_EQ(echo->kind, FrameKind::icmp_echo);
  EXPECT_EQ(echo->destination.address, test::edge6);
  EXPECT_EQ(reason(Ipv6Frame{.next = 58, .data = message, .checksum_at = 99}.build()), Drop::ip_checksum);
  EXPECT_EQ(reason(Ipv6Frame{.extensions = options(58), .first = 60, .next = 58, .data = message, .checksum_at = 2}.build()), Drop::ip_protocol);
  for (const std::uint8_t type : std::initializer_list<std::uint8_t>{0, 127, 129, 130, 133, 134, 137, 255}) {
    Octets other = message;
    other[0] = type;
    EXPECT_EQ(reason(Ipv6Frame{.next = 58, .data = other, .checksum_at = 2}.build()), Drop::ip_protocol) << int{type};
  }
}

TEST(Ipv6, SurvivesAnyOctets) {
  std::mt19937_64 random{6};
  const Octets chained = Ipv6Frame{.extensions = joined({options(43), routing(60, 0, 0), options(17)}), .first = 0, .data = test::udp6()}.build();
  for (int round = 0; round < 20'000; ++round) {
    Octets frame = round % 2 == 0 ? test::known_udp6 : chained;
    for (int i = 0; i < 3; ++i) frame[14 + random() % (frame.size() - 14)] = static_cast<std::uint8_t>(random());
    frame.resize(random() % (frame.size() + 1));
    const test::Guarded guarded{frame};
    const auto f = parse_frame(guarded.octets(), static_cast<ChecksumTrust>(round % 3));
    ASSERT_LE(f ? std::size_t{f->payload_offset} + f->payload_bytes : 0, frame.size());
  }
}

TEST(Vlan, GoesOutAndInAgain) {
  Octets tagged(4);
  test::append(tagged, test::known_udp);
  EXPECT_EQ(vlan_of({tagged.data() + 4, tagged.size() - 4}), std::nullopt);
  EXPECT_EQ(insert_tag(tagged.data() + 4, 0x0abc), tagged.data());
  EXPECT_EQ((Octets{tagged.begin() + 12, tagged.begin() + 18}), (Octets{0x81, 0x00, 0x0a, 0xbc, 0x08, 0x00}));
  EXPECT_EQ(vlan_of(tagged), 0x0abc);
  tagged[14] |= 0xe0;
  EXPECT_EQ(vlan_of(tagged), 0x0abc) << "whatever the priority";
  EXPECT_EQ(remove_tag(tagged.data()), tagged.data() + 4);
  EXPECT_EQ(Octets(tagged.begin() + 4, tagged.end()), test::known_udp);
}

TEST(Vlan, IsNotReadFromAShortFrame) {
  const Octets frame = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x81, 0x00, 0, 7, 8, 0};
  for (std::size_t bytes = 0; bytes < frame.size(); ++bytes) EXPECT_EQ(vlan_of(test::Guarded{std::span{frame}.first(bytes)}.octets()), std::nullopt);
  EXPECT_EQ(vlan_of(test::Guarded{frame}.octets()), 7);
}

}  // namespace
}  // namespace viaduct::net
