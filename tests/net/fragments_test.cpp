// SPDX-License-Identifier: Apache-2.0
// Frames cut into fragments: whatever the size, the parts are in order, as large as they may be, and together what was cut.
#include "viaduct/net/fragments.h"

#include <gtest/gtest.h>

#include <random>

#include "frames.h"
#include "viaduct/base/limits.h"
#include "viaduct/net/frame.h"
#include "viaduct/net/vlan.h"

namespace viaduct::net {
namespace {

using test::Octets;

Envelope envelope(bool is_v4) {
  const auto address = [&](int last) { return is_v4 ? "198.18.0." + std::to_string(last) : "2001:db8::" + std::to_string(last); };
  return {.source_mac = {2, 0, 0, 0, 0, 1},
          .destination_mac = {2, 0, 0, 0, 0, 2},
          .source = {*base::Address::parse(address(1)), 5062},
          .destination = {*base::Address::parse(address(2)), 5060}};
}

Octets whole_frame(std::size_t payload_bytes, bool is_v4, bool is_tagged, ChecksumWork work = ChecksumWork::software) {
  std::mt19937_64 random{payload_bytes};
  const std::size_t headers = header_bytes(is_v4), tag = is_tagged ? tag_bytes : 0;
  Octets frame(tag + headers + payload_bytes);
  for (std::size_t i = tag + headers; i < frame.size(); ++i) frame[i] = static_cast<std::uint8_t>(random());
  std::uint8_t* const start = write_headers(frame.data() + tag + headers, payload_bytes, envelope(is_v4), work);
  if (is_tagged) insert_tag(start, 9);
  return frame;
}

/// What the fragments of a frame carry, put together the slow way; every header is looked at.
Octets put_together(const Octets& frame, std::size_t mtu_bytes, bool is_v4) {
  Octets data;
  const std::size_t count = fragment_count(frame, mtu_bytes), link = link_bytes(frame);
  for (std::size_t i = 0; i < count; ++i) {
    Octets room(link + mtu_bytes, 0xaa);
    const test::Guarded out{room};
    const std::size_t bytes = write_fragment(frame, i, {.mtu_bytes = mtu_bytes, .identification = 0x12345678}, out.octets());
    EXPECT_LE(bytes, room.size());
    Octets part{out.octets().begin(), out.octets().begin() + static_cast<std::ptrdiff_t>(bytes)};
    EXPECT_TRUE(std::equal(part.begin(), part.begin() + 12, frame.begin())) << "addresses and tag";
    part.erase(part.begin() + 12, part.begin() + 12 + static_cast<std::ptrdiff_t>(link - 14));
    const auto f = parse_frame(part, ChecksumTrust::verify);
    EXPECT_TRUE(f && f->kind == FrameKind::fragment);
    if (!f) return {};
    const std::size_t place = static_cast<std::size_t>(is_v4 ? (part[20] << 8 | part[21]) : (part[56] << 8 | part[57]));
    const std::size_t offset = is_v4 ? (place & 0x1fff) * 8 : place & 0xfff8;
    const bool more = (place & (is_v4 ? 0x2000 : 1)) != 0;
    EXPECT_EQ(offset, data.size());
    EXPECT_EQ(more, i + 1 < count);
    EXPECT_TRUE(!more || bytes + 8 > link + mtu_bytes) << "another unit would have fitted";
    EXPECT_EQ(is_v4 ? place & 0xc000 : 0U, 0U) << "DF is off";
    EXPECT_EQ((part[is_v4 ? 18 : 60] << 8 | part[is_v4 ? 19 : 61]), 0x5678);
    data.insert(data.end(), part.begin() + f->payload_offset, part.begin() + f->payload_offset + f->payload_bytes);
  }
  return data;
}

TEST(Fragments, AreTogetherWhatWasCut) {
  for (const bool is_v4 : {true, false})
    for (const bool is_tagged : {true, false})
      for (const std::size_t mtu : {base::mtu_bytes_min, base::mtu_bytes})
        for (std::size_t payload = mtu; payload <= base::message_bytes_max + 600; payload += 37) {
          const Octets frame = whole_frame(payload, is_v4, is_tagged);
          const std::size_t headers = (is_tagged ? 18U : 14U) + (is_v4 ? 20U : 40U);
          ASSERT_EQ(put_together(frame, mtu, is_v4), Octets(frame.begin() + static_cast<std::ptrdiff_t>(headers), frame.end()));
        }
}

TEST(Fragments, AreOneOfWhatFits) {
  for (const bool is_v4 : {true, false}) {
    const std::size_t most = 1500 - (is_v4 ? 28 : 48);
    EXPECT_EQ(fragment_count(whole_frame(most, is_v4, true), 1500), 1U);
    EXPECT_EQ(fragment_count(whole_frame(most + 1, is_v4, true), 1500), 2U);
  }
}

TEST(Fragments, OfALargeBufferAreNeverMoreThanAreSent) {
  for (const bool is_v4 : {true, false}) {
    const std::size_t most = base::large_packet_bytes_max - header_bytes(is_v4);
    EXPECT_LE(fragment_count(whole_frame(most, is_v4, false), base::mtu_bytes_min), base::fragments_sent_max);
  }
}

TEST(Fragments, MayBeMadeByRoutersOfWhatLeavesWhole) {
  for (const bool is_tagged : {true, false}) {
    const Octets before = whole_frame(1400, true, is_tagged);
    Octets frame = before;
    allow_fragments(frame, 0x12345678);
    const std::size_t ip = is_tagged ? 18 : 14;
    EXPECT_EQ(Octets(frame.begin() + static_cast<std::ptrdiff_t>(ip + 4), frame.begin() + static_cast<std::ptrdiff_t>(ip + 8)), (Octets{0x56, 0x78, 0, 0}));
    EXPECT_EQ(test::sum_by_division(std::span{frame}.subspan(ip, 20)), 0xffff);
    std::copy_n(before.begin() + static_cast<std::ptrdiff_t>(ip + 4), 8, frame.begin() + static_cast<std::ptrdiff_t>(ip + 4));
    EXPECT_EQ(frame, before) << "nothing else has changed";
  }
  Octets six = whole_frame(1400, false, false);
  EXPECT_DEATH(allow_fragments(six, 1), "IPv6 is cut by who sends it alone");
}

TEST(Fragments, GetTheChecksumThatWasLeftToTheDevice) {
  for (const bool is_v4 : {true, false})
    for (const bool is_tagged : {true, false}) {
      Octets frame = whole_frame(3000, is_v4, is_tagged, ChecksumWork::offload);
      finish_udp_sum(frame);
      const std::size_t udp = (is_tagged ? 18U : 14U) + (is_v4 ? 20U : 40U);
      const Octets expected = whole_frame(3000, is_v4, is_tagged);
      EXPECT_EQ(Octets(frame.begin() + static_cast<std::ptrdiff_t>(udp), frame.end()),
                Octets(expected.begin() + static_cast<std::ptrdiff_t>(udp), expected.end()));
    }
}

TEST(Checksums, AreLeftToTheDeviceAsIfTheyHadNeverBeenWritten) {
  for (const bool is_v4 : {true, false})
    for (const bool is_tagged : {true, false}) {
      Octets frame = whole_frame(300, is_v4, is_tagged);
      leave_udp_sum(frame);
      EXPECT_EQ(frame, whole_frame(300, is_v4, is_tagged, ChecksumWork::offload));
    }
}

TEST(Checksums, OfOtherFramesStay) {
  const auto stays = [](Octets frame) {
    const Octets before = frame;
    leave_udp_sum(frame);
    return frame == before;
  };
  for (const bool is_v4 : {true, false}) {
    Octets other_protocol = whole_frame(300, is_v4, false);
    other_protocol[is_v4 ? 23 : 20] = 6;
    EXPECT_TRUE(stays(other_protocol));
    const Octets whole = whole_frame(300, is_v4, false);
    EXPECT_TRUE(stays({whole.begin(), whole.begin() + 41})) << "too short for a datagram";
  }
  Octets fragment = whole_frame(300, true, false), with_options = fragment;
  fragment[21] = 1;
  EXPECT_TRUE(stays(fragment));
  with_options[14] = 0x46;
  EXPECT_TRUE(stays(with_options));
}

TEST(Fragments, StopTheProcessWhereThereAreNoData) {
  const Octets frame = whole_frame(2000, true, false);
  Octets out(1514);
  EXPECT_DEATH(write_fragment(frame, 2, {.mtu_bytes = 1500}, out), "a fragment has data");
  EXPECT_DEATH(write_fragment(frame, 0, {.mtu_bytes = 1500}, std::span{out}.first(1513)), "fits its buffer");
}

}  // namespace
}  // namespace viaduct::net
