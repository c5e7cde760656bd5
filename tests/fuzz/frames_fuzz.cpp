// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: any octets as a frame: what is read lies within them, and what is answered, cut or read again holds together.
#include <algorithm>
#include <string>
#include <vector>

#include "fuzz.h"
#include "viaduct/base/limits.h"
#include "viaduct/net/arp.h"
#include "viaduct/net/fragments.h"
#include "viaduct/net/icmp.h"
#include "viaduct/net/nd.h"
#include "viaduct/net/vlan.h"

namespace {

using namespace viaduct;
using Octets = std::vector<std::uint8_t>;

void expect(bool holds, const char* what) { fuzz::expect_none(holds ? "" : std::string(what) + "\n"); }

// An echo that is turned twice has its addresses again.
void turn_twice(Octets frame) {
  const Octets before = frame;
  net::turn_echo(frame);
  net::turn_echo(frame);
  expect(std::equal(before.begin(), before.begin() + 14, frame.begin()), "an echo turned twice goes where it came from");
}

// The payload sent back in as many fragments as it takes.
void cut(const Octets& frame, const net::Frame& f) {
  const bool is_v4 = f.source.address.is_v4();
  Octets whole(net::header_bytes(is_v4) + f.payload_bytes);
  std::copy_n(frame.begin() + f.payload_offset, f.payload_bytes, whole.end() - f.payload_bytes);
  net::write_headers(whole.data() + net::header_bytes(is_v4), f.payload_bytes, net::turned_around(f), net::ChecksumWork::software);
  std::size_t data_bytes = 0;
  const std::size_t count = net::fragment_count(whole, base::mtu_bytes_min);
  for (std::size_t i = 0; count > 1 && i < count; ++i) {
    Octets out(14 + base::mtu_bytes_min);
    out.resize(net::write_fragment(whole, i, {.mtu_bytes = base::mtu_bytes_min, .identification = 1}, out));
    const auto part = net::parse_frame(out, net::ChecksumTrust::verify);
    expect(part && part->kind == net::FrameKind::fragment, "what was cut is read as a fragment");
    data_bytes += part->payload_bytes;
  }
  expect(count == 1 || data_bytes == 8U + f.payload_bytes, "the fragments have all of the datagram");
}

void act_on(const Octets& frame, const net::Frame& f) {
  switch (f.kind) {
    case net::FrameKind::arp:
      static_cast<void>(net::parse_arp(frame));
      return;
    case net::FrameKind::neighbour:
      static_cast<void>(net::parse_nd(frame, f));
      return;
    case net::FrameKind::icmp_echo:
      return turn_twice(frame);
    case net::FrameKind::icmp_error:
      static_cast<void>(net::parse_icmp_error(std::span{frame}.subspan(f.payload_offset, f.payload_bytes), f.source.address.is_v4()));
      return;
    case net::FrameKind::udp:
      return cut(frame, f);
    case net::FrameKind::fragment:
      expect(f.payload_bytes != 0, "a fragment has data");
      return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  Octets frame(data, data + size);
  if (net::vlan_of(frame)) {
    net::remove_tag(frame.data());
    frame.erase(frame.begin(), frame.begin() + net::tag_bytes);
  }
  frame.shrink_to_fit();  // so that AddressSanitizer sees any octet read behind it
  for (const auto trust : {net::ChecksumTrust::verify, net::ChecksumTrust::good, net::ChecksumTrust::ignore}) {
    const auto f = net::parse_frame(frame, trust);
    if (!f) continue;
    expect(std::size_t{f->payload_offset} + f->payload_bytes <= frame.size(), "the payload lies within the frame");
    act_on(frame, *f);
  }
  return 0;
}
