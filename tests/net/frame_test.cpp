// SPDX-License-Identifier: Apache-2.0
// Frames judged: every drop by name, every short length, padding and options; frames written: known ones and any payload.
#include "viaduct/net/frame.h"

#include <gtest/gtest.h>

#include <random>

#include "frames.h"
#include "viaduct/base/limits.h"
#include "viaduct/net/usual_frame.h"

namespace viaduct::net {
namespace {

using base::Drop;
using test::Octets;
using test::UdpFrame;

std::string_view text(const Octets& frame, const Frame& f) { return {reinterpret_cast<const char*>(frame.data()) + f.payload_offset, f.payload_bytes}; }

/// The reason of a drop; a test that expects one fails on a frame that is accepted.
Drop reason(const Octets& frame, ChecksumTrust trust = ChecksumTrust::verify) {
  const auto f = parse_frame(test::Guarded{frame}.octets(), trust);
  EXPECT_FALSE(f) << "accepted";
  return f ? Drop{0xff} : f.error();
}

TEST(Frame, ReadsAKnownDatagram) {
  const auto f = parse_frame(test::known_udp, ChecksumTrust::verify);
  ASSERT_TRUE(f);
  EXPECT_EQ(f->kind, FrameKind::udp);
  EXPECT_EQ(f->source_mac, (Mac{2, 0, 0, 0, 0, 1}));
  EXPECT_EQ(f->destination_mac, (Mac{2, 0, 0, 0, 0, 2}));
  EXPECT_EQ(f->source, (base::Endpoint{base::Address::v4({198, 18, 0, 1}), 5062}));
  EXPECT_EQ(f->destination, (base::Endpoint{base::Address::v4({198, 18, 0, 2}), 5060}));
  EXPECT_EQ(text(test::known_udp, *f), "OPTIONS sip:a SIP/2.0\r\n");
}

TEST(Frame, TheBuilderMakesTheKnownDatagram) { EXPECT_EQ(UdpFrame{}.build(), test::known_udp); }

TEST(Frame, ReadsArpAndEchoByTheirMacs) {
  const auto arp = parse_frame(test::known_arp_request, ChecksumTrust::verify);
  ASSERT_TRUE(arp);
  EXPECT_EQ(arp->kind, FrameKind::arp);
  EXPECT_EQ(arp->source_mac, (Mac{2, 0, 0, 0, 0, 1}));
  const auto echo = parse_frame(test::known_echo_request, ChecksumTrust::verify);
  ASSERT_TRUE(echo);
  EXPECT_EQ(echo->kind, FrameKind::icmp_echo);
  EXPECT_EQ(echo->source.address, base::Address::v4({198, 18, 0, 1}));
  EXPECT_EQ(echo->destination.address, base::Address::v4({198, 18, 0, 2}));
}

TEST(Frame, DropsEveryShortFrameWithoutReadingBehindIt) {
  const auto expected = [](const Octets& whole, std::size_t bytes) {
    const bool is_ip = whole[12] == 8 && whole[13] == 0;
    return is_ip && bytes >= 14 + (whole[14] & 0x0fU) * 4 ? Drop::frame_truncated : Drop::frame_short;
  };
  for (const Octets& whole : {test::known_udp, test::known_echo_request, test::known_arp_request, UdpFrame{.options = Octets(40, 1)}.build()}) {
    for (std::size_t bytes = 0; bytes < whole.size(); ++bytes)
      for (const ChecksumTrust trust : {ChecksumTrust::verify, ChecksumTrust::good, ChecksumTrust::ignore})
        ASSERT_EQ(reason({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(bytes)}, trust), expected(whole, bytes)) << bytes;
    EXPECT_TRUE(parse_frame(test::Guarded{whole}.octets(), ChecksumTrust::verify));
  }
}

TEST(Frame, TakesPaddingForNoPayload) {
  for (std::size_t padding = 1; padding < 50; ++padding) {
    const Octets frame = UdpFrame{.payload = "abc", .padding_bytes = padding}.build();
    const auto f = parse_frame(frame, ChecksumTrust::verify);
    ASSERT_TRUE(f);
    EXPECT_EQ(text(frame, *f), "abc");
  }
}

TEST(Frame, AcceptsAnEmptyPayload) {
  const auto f = parse_frame(UdpFrame{.payload = ""}.build(), ChecksumTrust::verify);
  ASSERT_TRUE(f);
  EXPECT_EQ(f->payload_bytes, 0);
  EXPECT_EQ(f->payload_offset, 42);
}

TEST(Frame, SkipsIpv4Options) {
  for (std::size_t bytes = 4; bytes <= 40; bytes += 4) {
    const Octets frame = UdpFrame{.options = Octets(bytes, 1)}.build();
    const auto f = parse_frame(frame, ChecksumTrust::verify);
    ASSERT_TRUE(f) << bytes;
    EXPECT_EQ(f->payload_offset, 42 + bytes);
    EXPECT_EQ(text(frame, *f), "OPTIONS sip:a SIP/2.0\r\n");
  }
}

TEST(Frame, DropsOtherFrameTypes) {
  for (const std::uint16_t type : std::initializer_list<std::uint16_t>{0x8100, 0x88a8, 0x0000, 0x05dc, 0x0801, 0x0008})
    EXPECT_EQ(reason(UdpFrame{.ethernet_type = type}.build()), Drop::frame_type) << type;
}

TEST(Frame, DropsAMalformedIpv4Header) {
  EXPECT_EQ(reason(UdpFrame{.version = 6}.build()), Drop::ip_header);
  EXPECT_EQ(reason(UdpFrame{.version = 0}.build()), Drop::ip_header);
  for (int less = 1; less <= 5; ++less) EXPECT_EQ(reason(UdpFrame{.header_words_more = -less}.build()), Drop::ip_header);
  EXPECT_EQ(reason(UdpFrame{.total_bytes_more = -(8 + 23 + 1)}.build()), Drop::ip_header);
}

TEST(Frame, DropsAPacketLongerThanItsFrame) {
  EXPECT_EQ(reason(UdpFrame{.total_bytes_more = 1}.build()), Drop::frame_truncated);
  EXPECT_EQ(reason(UdpFrame{.payload = "", .header_words_more = 3}.build()), Drop::frame_short);
}

TEST(Frame, DropsEachFlippedBitOfTheIpv4Header) {
  for (std::size_t bit = 0; bit < 160; ++bit) {
    Octets frame = test::known_udp;
    frame[14 + bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    for (const ChecksumTrust trust : {ChecksumTrust::verify, ChecksumTrust::ignore}) {
      const Drop why = reason(frame, trust);
      EXPECT_TRUE(why == Drop::ip_checksum || (bit < 8 && (why == Drop::ip_header || why == Drop::frame_short))) << bit;
    }
  }
}

TEST(Frame, DropsEachFlippedBitOfTheDatagram) {
  for (std::size_t bit = 0; bit < (test::known_udp.size() - 34) * 8; ++bit) {
    Octets frame = test::known_udp;
    frame[34 + bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    const Drop why = reason(frame);
    EXPECT_TRUE(why == Drop::udp_checksum || (bit / 16 == 2 && why == Drop::udp_length)) << bit;
  }
}

TEST(Frame, TellsFragmentsFromWholeDatagrams) {
  const UdpFrame whole{.payload = "0123456789abcdef"};
  for (const std::uint16_t place : std::initializer_list<std::uint16_t>{0x2000, 0x6000, 0x0001, 0x0400, 0x2001}) {
    UdpFrame part = whole;
    part.fragment = place;
    const Octets frame = part.build();
    const auto f = parse_frame(frame, ChecksumTrust::verify);
    ASSERT_TRUE(f) << place;
    EXPECT_EQ(f->kind, FrameKind::fragment);
    EXPECT_EQ(f->source.address, base::Address::v4({198, 18, 0, 1}));
    EXPECT_EQ(f->payload_offset, 34);
    EXPECT_EQ(f->payload_bytes, 24) << "the UDP header is part of what was cut";
  }
  for (const std::uint16_t place : std::initializer_list<std::uint16_t>{0x0000, 0x4000, 0x8000}) {
    UdpFrame part = whole;
    part.fragment = place;
    EXPECT_EQ(parse_frame(part.build(), ChecksumTrust::verify)->kind, FrameKind::udp) << place;
  }
}

TEST(Frame, DropsFragmentsThatCannotBe) {
  EXPECT_EQ(reason(UdpFrame{.payload = "1", .fragment = 0x2000}.build()), Drop::fragment_invalid) << "not whole units, and others follow";
  EXPECT_EQ(reason(UdpFrame{.payload = "", .total_bytes_more = -8, .fragment = 0x0001}.build()), Drop::fragment_invalid) << "without data";
  EXPECT_EQ(reason(UdpFrame{.fragment = 0x1fff}.build()), Drop::sip_too_large) << "ends beyond what a datagram of ours may have";
}

TEST(Frame, TakesFragmentsOfUdpAlone) {
  for (int protocol = 0; protocol < 256; ++protocol)
    for (const std::uint16_t place : std::initializer_list<std::uint16_t>{0x2000, 0x2001, 0x0001}) {
      const auto f =
          parse_frame(UdpFrame{.payload = "01234567", .fragment = place, .protocol = static_cast<std::uint8_t>(protocol)}.build(), ChecksumTrust::verify);
      EXPECT_EQ(f ? std::nullopt : std::optional{f.error()}, protocol == 17 ? std::nullopt : std::optional{Drop::ip_protocol}) << protocol << ' ' << place;
    }
}

TEST(Frame, DropsOtherProtocolsAndOtherIcmp) {
  for (int protocol = 2; protocol < 256; ++protocol) {
    if (protocol == 17) continue;
    EXPECT_EQ(reason(UdpFrame{.protocol = static_cast<std::uint8_t>(protocol)}.build()), Drop::ip_protocol) << protocol;
  }
  for (const std::size_t at : {34u, 35u}) {
    Octets echo = test::known_echo_request;
    echo[at] ^= 8;
    EXPECT_EQ(reason(echo), Drop::ip_protocol);
  }
}

TEST(Frame, DropsEchoRequestsItCouldNotAnswerInPlace) {
  const std::string long_payload(base::mtu_bytes - 28, 'x');
  EXPECT_TRUE(parse_frame(UdpFrame{.payload = long_payload, .protocol = 1}.build(), ChecksumTrust::verify).error() == Drop::ip_protocol) << "type 19";
  auto echo = [](const UdpFrame& f) {
    Octets o = f.build();
    const std::size_t at = 34 + f.options.size();
    o[at] = 8;
    o[at + 1] = 0;
    return o;
  };
  EXPECT_TRUE(parse_frame(echo({.payload = long_payload, .protocol = 1}), ChecksumTrust::verify));
  const std::string longer = long_payload + "x";
  EXPECT_EQ(reason(echo({.payload = longer, .protocol = 1})), Drop::ip_protocol);
  EXPECT_EQ(reason(echo({.options = Octets(4, 1), .protocol = 1})), Drop::ip_protocol);
}

TEST(Frame, DropsAUdpLengthThatDisagrees) {
  EXPECT_EQ(reason(UdpFrame{.udp_bytes_more = 1}.build()), Drop::udp_length);
  EXPECT_EQ(reason(UdpFrame{.udp_bytes_more = -(23 + 1)}.build()), Drop::udp_length);
  EXPECT_EQ(reason(UdpFrame{.udp_bytes_more = 1, .padding_bytes = 20}.build()), Drop::udp_length) << "padding is not part of the packet";
}

TEST(Frame, EndsThePayloadWhereTheUdpLengthSays) {
  const Octets frame = UdpFrame{.udp_bytes_more = -3, .with_udp_checksum = false}.build();
  const auto f = parse_frame(frame, ChecksumTrust::verify);
  ASSERT_TRUE(f);
  EXPECT_EQ(text(frame, *f), "OPTIONS sip:a SIP/2.");
}

TEST(Frame, AcceptsADatagramWithoutChecksum) { EXPECT_TRUE(parse_frame(UdpFrame{.with_udp_checksum = false}.build(), ChecksumTrust::verify)); }

TEST(Frame, DoesNotLookAtChecksumsThatTheDeviceVerified) {
  Octets frame = test::known_udp;
  frame[24] ^= 1;
  frame[40] ^= 1;
  EXPECT_TRUE(parse_frame(frame, ChecksumTrust::good));
  EXPECT_EQ(reason(frame, ChecksumTrust::ignore), Drop::ip_checksum);
  frame[24] ^= 1;
  EXPECT_TRUE(parse_frame(frame, ChecksumTrust::ignore));
  EXPECT_EQ(reason(frame, ChecksumTrust::verify), Drop::udp_checksum);
}

TEST(Frame, SurvivesAnyOctets) {
  std::mt19937_64 random{5};
  for (int round = 0; round < 20'000; ++round) {
    Octets frame = round % 2 == 0 ? test::known_udp : test::known_echo_request;
    for (int i = 0; i < 3; ++i) frame[12 + random() % (frame.size() - 12)] = static_cast<std::uint8_t>(random());
    frame.resize(random() % (frame.size() + 1));
    const test::Guarded guarded{frame};
    const auto f = parse_frame(guarded.octets(), static_cast<ChecksumTrust>(round % 3));
    const std::size_t payload_end = f ? std::size_t{f->payload_offset} + f->payload_bytes : 0;
    ASSERT_LE(payload_end, frame.size());
  }
}

// ---- writing ----

Envelope envelope() {
  return {.source_mac = {2, 0, 0, 0, 0, 1},
          .destination_mac = {2, 0, 0, 0, 0, 2},
          .source = {base::Address::v4({198, 18, 0, 1}), 5062},
          .destination = {base::Address::v4({198, 18, 0, 2}), 5060}};
}
Envelope envelope6() {
  Envelope e = envelope();
  std::array<std::uint8_t, 16> a{0x20, 0x01, 0x0d, 0xb8};
  a[15] = 1;
  e.source.address = base::Address::v6(a);
  a[15] = 2;
  e.destination.address = base::Address::v6(a);
  return e;
}

/// A frame written around a payload in memory that has room for exactly its headers and payload.
Octets written(std::string_view payload, const Envelope& e, ChecksumWork work) {
  const std::size_t headers = header_bytes(e.destination.address.is_v4());
  Octets room(headers + payload.size(), 0xaa);
  std::copy(payload.begin(), payload.end(), room.begin() + static_cast<std::ptrdiff_t>(headers));
  const test::Guarded guarded{room, true};
  const std::uint8_t* first = write_headers(guarded.octets().data() + headers, payload.size(), e, work);
  EXPECT_EQ(first, guarded.octets().data());
  return {guarded.octets().begin(), guarded.octets().end()};
}

TEST(Headers, AreTheKnownOnes) {
  EXPECT_EQ(written("OPTIONS sip:a SIP/2.0\r\n", envelope(), ChecksumWork::software), test::known_udp);
  EXPECT_EQ(written("OPTIONS sip:a SIP/2.0\r\n", envelope6(), ChecksumWork::software), test::known_udp6);
}

TEST(Headers, OfAnyDatagramAreAcceptedBack) {
  std::mt19937_64 random{6};
  for (int round = 0; round < 5'000; ++round) {
    std::string payload(random() % 1500, 'x');
    for (char& c : payload) c = static_cast<char>(random());
    Envelope e = envelope();
    const auto word = random();
    e.source = {base::Address::v4({static_cast<std::uint8_t>(word), static_cast<std::uint8_t>(word >> 8), 3, 4}), static_cast<std::uint16_t>(word >> 16)};
    e.destination.port = static_cast<std::uint16_t>(word >> 32);
    const Octets frame = written(payload, e, ChecksumWork::software);
    const auto f = parse_frame(frame, ChecksumTrust::verify);
    ASSERT_TRUE(f);
    ASSERT_NE(frame[40] << 8 | frame[41], 0);
    ASSERT_EQ(test::sum_by_division(std::span{frame}.subspan(14, 20)), 0xffff);
    ASSERT_EQ(text(frame, *f), payload);
    ASSERT_EQ(f->source, e.source);
    ASSERT_EQ(f->destination, e.destination);
  }
}

/// The IPv4 header's sum, as RFC 1071 has a receiver take it: all ones when it is right.
std::uint16_t header_sum(const Octets& frame) { return test::sum_by_division(std::span{frame}.subspan(14, 20)); }

TEST(Headers, HaveARightSumAtEveryLength) {
  std::mt19937_64 random{10};
  Envelope e = envelope();
  e.source.address = base::Address::v4({198, 18, 0, 2});
  e.destination.address = base::Address::v4({198, 18, 173, 254});  // their words carry, and a packet of 456 octets makes what was carried carry again
  for (int pair = 0; pair < 500; ++pair) {
    const Octets request = written("", {e.destination_mac, e.source_mac, e.destination, e.source}, ChecksumWork::none);
    for (std::size_t bytes = 0; bytes < 1459; ++bytes) {
      Octets general(42 + bytes), in_line = general, back = general;
      write_headers(general.data() + 42, bytes, e, ChecksumWork::none);
      write_usual_headers(in_line.data() + 42, bytes, e.source_mac, e.destination_mac, e.source, e.destination);
      write_headers_back(back.data() + 42, bytes, request.data());
      ASSERT_EQ(header_sum(general), 0xffff) << "pair " << pair << ", " << bytes;
      ASSERT_EQ(header_sum(in_line), 0xffff) << "pair " << pair << ", " << bytes;
      ASSERT_EQ(header_sum(back), 0xffff) << "pair " << pair << ", " << bytes;
    }
    e.source.address = base::Address::v4(static_cast<std::uint32_t>(random()));
    e.destination.address = base::Address::v4(static_cast<std::uint32_t>(random()));
  }
}

TEST(Headers, GoBackAsAnEnvelopeTurnedAroundHasThem) {
  std::mt19937_64 random{7};
  for (int round = 0; round < 5'000; ++round) {
    Octets request(42 + random() % 1400);
    for (std::uint8_t& octet : request) octet = static_cast<std::uint8_t>(random());
    request[12] = 8, request[13] = 0;  // IPv4
    Frame f;
    describe_usual_frame(request.data(), {}, f);
    const std::size_t bytes = random() % 1459;
    Octets expected(42 + bytes, 0xaa), beside = expected, over = expected;
    write_headers(expected.data() + 42, bytes, turned_around(f), ChecksumWork::none);
    EXPECT_EQ(write_headers_back(beside.data() + 42, bytes, request.data()), beside.data());
    ASSERT_EQ(beside, expected);
    std::copy_n(request.begin(), 42, over.begin());
    write_headers_back(over.data() + 42, bytes, over.data());
    ASSERT_EQ(over, expected) << "in place of the request's own";
  }
}

TEST(Headers, WrittenInLineAreThoseOfAnEnvelope) {
  std::mt19937_64 random{8};
  for (int round = 0; round < 5'000; ++round) {
    Envelope e = envelope();
    e.source = {base::Address::v4(static_cast<std::uint32_t>(random())), static_cast<std::uint16_t>(random())};
    e.destination = {base::Address::v4(static_cast<std::uint32_t>(random())), static_cast<std::uint16_t>(random())};
    const std::size_t bytes = random() % 1459;
    Octets expected(42 + bytes, 0xaa), out = expected;
    write_headers(expected.data() + 42, bytes, e, ChecksumWork::none);
    EXPECT_EQ(write_usual_headers(out.data() + 42, bytes, e.source_mac, e.destination_mac, e.source, e.destination), out.data());
    ASSERT_EQ(out, expected);
  }
}

TEST(Headers, SendAChecksumOfZeroAsAllOnes) {
  for (int last = 0; last < 0x10000; ++last) {
    const char payload[2] = {static_cast<char>(last >> 8), static_cast<char>(last)};
    const Octets frame = written({payload, 2}, envelope(), ChecksumWork::software);
    ASSERT_NE(frame[40] << 8 | frame[41], 0) << last;
    ASSERT_TRUE(parse_frame(frame, ChecksumTrust::verify)) << last;
  }
}

TEST(Headers, LeaveTheDeviceWhatItExpects) {
  const Octets frame = written("abc", envelope(), ChecksumWork::offload);
  EXPECT_TRUE(parse_frame(frame, ChecksumTrust::ignore)) << "the IPv4 header's is whole";
  Octets pseudo(frame.begin() + 26, frame.begin() + 34);
  pseudo.insert(pseudo.end(), {0, 17, frame[38], frame[39]});
  EXPECT_EQ(frame[40] << 8 | frame[41], test::sum_by_division(pseudo));
}

TEST(Headers, CanGoWithoutUdpChecksumInIpv4Only) {
  const Octets frame = written("abc", envelope(), ChecksumWork::none);
  EXPECT_EQ(frame[40] << 8 | frame[41], 0);
  EXPECT_TRUE(parse_frame(frame, ChecksumTrust::verify));
  EXPECT_EQ(written("OPTIONS sip:a SIP/2.0\r\n", envelope6(), ChecksumWork::none), test::known_udp6);
}

TEST(Headers, OfATurnedAroundFrameAddressItsSender) {
  const auto f = parse_frame(test::known_udp, ChecksumTrust::verify);
  ASSERT_TRUE(f);
  const auto back = parse_frame(written("SIP/2.0 200 OK\r\n", turned_around(*f), ChecksumWork::software), ChecksumTrust::verify);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->destination, f->source);
  EXPECT_EQ(back->source, f->destination);
  EXPECT_EQ(back->destination_mac, f->source_mac);
  EXPECT_EQ(back->source_mac, f->destination_mac);
}

}  // namespace
}  // namespace viaduct::net
