// SPDX-License-Identifier: Apache-2.0
// A received frame checked and described. What the octets behind UDP mean is not known here, nor how a frame to send is written (headers.cpp).
#include "viaduct/net/frame.h"

#include "readers.h"
#include "viaduct/base/limits.h"
#include "viaduct/net/arp.h"
#include "viaduct/net/checksum.h"
#include "viaduct/net/usual_frame.h"
#include "wire.h"

namespace viaduct::net {
namespace {

using base::Drop;

void load_macs(const std::uint8_t* at, Frame& f) {
  std::memcpy(f.destination_mac.data(), at, 6);
  std::memcpy(f.source_mac.data(), at + 6, 6);
}

/// A checksum field of zero: the sender computed none, which IPv6 does not allow (RFC 768, RFC 8200 8.1).
[[nodiscard, gnu::noinline]] bool udp_sum_holds(Octets datagram, const Frame& f) {
  if (load16(datagram.data() + 6) == 0) return f.source.address.is_v4();
  const auto bytes = static_cast<std::uint16_t>(datagram.size());
  return add16(pseudo_sum(f.source.address, f.destination.address, bytes), sum16(datagram)) == 0xffff;
}

std::optional<Drop> read_arp(Octets frame, Frame& f) {
  f.kind = FrameKind::arp;
  return frame.size() < arp_frame_bytes ? std::optional{Drop::frame_short} : std::nullopt;
}

std::optional<Drop> read_ethernet(Octets frame, ChecksumTrust trust, Frame& f) {
  switch (load16(frame.data() + ethernet_type_at)) {
    case ethernet_type_ipv4:
      return read_ipv4(frame, trust, f);
    case ethernet_type_ipv6:
      return read_ipv6(frame, trust, f);
    case ethernet_type_arp:
      return read_arp(frame, f);
    default:
      return Drop::frame_type;
  }
}

/// Any frame, in the order of its headers.
[[gnu::noinline]] std::optional<Drop> read_any(Octets frame, ChecksumTrust trust, Frame& out) {
  if (frame.size() < ethernet_header_bytes) return Drop::frame_short;
  out = {};
  load_macs(frame.data(), out);
  return read_ethernet(frame, trust, out);
}

}  // namespace

// Fragments but the last have whole units of eight octets (RFC 791 3.2, RFC 8200 4.5), and none lies where no message of ours ends.
std::optional<Drop> read_fragment(Octets frame, const Fragment& fragment, Frame& f) {
  const std::size_t bytes = fragment.data.size();
  if (bytes == 0 || (fragment.more_follow && bytes % 8 != 0)) return Drop::fragment_invalid;
  if (fragment.offset + bytes > base::datagram_bytes_max) return Drop::sip_too_large;
  f.kind = FrameKind::fragment;
  f.payload_offset = static_cast<std::uint16_t>(fragment.data.data() - frame.data());
  f.payload_bytes = static_cast<std::uint16_t>(bytes);
  return std::nullopt;
}

// A datagram may be shorter than its packet, as RFC 9868 uses it; what lies behind it is not payload.
std::optional<Drop> read_udp(Octets frame, Octets data, ChecksumTrust trust, Frame& f) {
  if (data.size() < udp_header_bytes) return Drop::frame_short;
  const std::size_t datagram_bytes = load16(data.data() + 4);
  if (datagram_bytes < udp_header_bytes || datagram_bytes > data.size()) return Drop::udp_length;
  if (trust == ChecksumTrust::verify && !udp_sum_holds(data.first(datagram_bytes), f)) return Drop::udp_checksum;
  f.kind = FrameKind::udp;
  f.source.port = load16(data.data());
  f.destination.port = load16(data.data() + 2);
  f.payload_offset = static_cast<std::uint16_t>(data.data() + udp_header_bytes - frame.data());
  f.payload_bytes = static_cast<std::uint16_t>(datagram_bytes - udp_header_bytes);
  return std::nullopt;
}

std::optional<Drop> read_frame(Octets frame, ChecksumTrust trust, Frame& out) {
  if (!is_usual_frame(frame, trust)) [[unlikely]]
    return read_any(frame, trust, out);
  describe_usual_frame(frame.data(), {}, out);
  const Octets datagram = frame.subspan(out.payload_offset - udp_header_bytes, out.payload_bytes + udp_header_bytes);
  if (trust == ChecksumTrust::verify && !udp_sum_holds(datagram, out)) return Drop::udp_checksum;
  return std::nullopt;
}

std::expected<Frame, Drop> parse_frame(Octets frame, ChecksumTrust trust) {
  Frame f;
  if (const auto drop = read_frame(frame, trust, f)) return std::unexpected(*drop);
  return f;
}

}  // namespace viaduct::net
