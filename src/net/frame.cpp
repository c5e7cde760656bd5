// SPDX-License-Identifier: Apache-2.0
// A received frame checked and described, and the headers of a frame to send. What the octets behind UDP mean is not known here.
#include "viaduct/net/frame.h"

#include "viaduct/base/check.h"
#include "viaduct/base/limits.h"
#include "viaduct/net/arp.h"
#include "viaduct/net/checksum.h"
#include "viaduct/net/usual_frame.h"
#include "wire.h"

namespace viaduct::net {
namespace {

using base::Drop;
using Octets = std::span<const std::uint8_t>;

/// What an IPv4 header said: the packet without padding behind it, and how much of it is header.
struct Ipv4 {
  Octets packet;
  std::size_t header_bytes{};
  [[nodiscard]] Octets data() const { return packet.subspan(header_bytes); }
};

constexpr std::uint16_t more_fragments_or_offset = 0x3fff;

[[nodiscard]] bool header_sum_holds(Octets header) {
  const std::uint8_t* h = header.data();
  if (header.size() != ipv4_header_bytes) return sum16(header) == 0xffff;
  return fold_raw(load32_raw(h) + load32_raw(h + 4) + load32_raw(h + 8) + load32_raw(h + 12) + load32_raw(h + 16)) == 0xffff;
}

/// In the order of RFC 1812 5.2.2; options are skipped (RFC 1122 3.2.1.8: those not understood are ignored).
[[gnu::always_inline]] inline std::expected<Ipv4, Drop> check_ipv4(Octets packet, ChecksumTrust trust) {
  if (packet.size() < ipv4_header_bytes) return std::unexpected(Drop::frame_short);
  const std::uint8_t* h = packet.data();
  const std::size_t header_bytes = std::size_t{h[0] & 0x0fu} * 4;
  if (h[0] >> 4 != 4 || header_bytes < ipv4_header_bytes) return std::unexpected(Drop::ip_header);
  if (packet.size() < header_bytes) return std::unexpected(Drop::frame_short);
  if (trust != ChecksumTrust::good && !header_sum_holds(packet.first(header_bytes))) return std::unexpected(Drop::ip_checksum);
  const std::size_t total_bytes = load16(h + 2);
  if (total_bytes < header_bytes) return std::unexpected(Drop::ip_header);
  if (packet.size() < total_bytes) return std::unexpected(Drop::frame_short);
  if ((load16(h + 6) & more_fragments_or_offset) != 0) return std::unexpected(Drop::ip_fragment);
  return Ipv4{packet.first(total_bytes), header_bytes};
}

[[gnu::always_inline]] inline void load_macs(const std::uint8_t* at, Frame& f) {
  std::memcpy(f.destination_mac.data(), at, 6);
  std::memcpy(f.source_mac.data(), at + 6, 6);
}

[[gnu::always_inline]] inline base::Address load_ipv4_address(const std::uint8_t* at) { return base::Address::v4(static_cast<std::uint32_t>(load32_raw(at))); }

/// A datagram may be shorter than its packet, as RFC 9868 uses it; what lies behind it is not payload.
[[gnu::always_inline]] inline std::expected<Octets, Drop> check_udp(Octets data) {
  if (data.size() < udp_header_bytes) return std::unexpected(Drop::frame_short);
  const std::size_t datagram_bytes = load16(data.data() + 4);
  if (datagram_bytes < udp_header_bytes || datagram_bytes > data.size()) return std::unexpected(Drop::udp_length);
  return data.first(datagram_bytes);
}

/// A checksum field of zero: the sender computed none (RFC 768).
[[nodiscard, gnu::noinline]] bool udp_sum_holds(Octets datagram, const Frame& f) {
  if (load16(datagram.data() + 6) == 0) return true;
  const auto bytes = static_cast<std::uint16_t>(datagram.size());
  return add16(pseudo_sum(f.source.address, f.destination.address, bytes), sum16(datagram)) == 0xffff;
}

/// An echo request with options would have to be answered with them turned (RFC 1122 3.2.2.6), one above the MTU by fragments: we answer neither.
[[nodiscard]] std::expected<void, Drop> check_echo(const Ipv4& ip) {
  const Octets message = ip.data();
  if (message.size() < icmp_header_bytes) return std::unexpected(Drop::frame_short);
  const bool is_echo_request = message[0] == 8 && message[1] == 0;
  if (!is_echo_request || ip.header_bytes != ipv4_header_bytes || ip.packet.size() > base::mtu_bytes) return std::unexpected(Drop::ip_protocol);
  return {};
}

[[gnu::always_inline]] inline std::expected<void, Drop> fill_ipv4(Frame& f, Octets frame, ChecksumTrust trust) {
  const auto ip = check_ipv4(frame.subspan(ethernet_header_bytes), trust);
  if (!ip) return std::unexpected(ip.error());
  f.source.address = load_ipv4_address(ip->packet.data() + 12);
  f.destination.address = load_ipv4_address(ip->packet.data() + 16);
  const std::uint8_t protocol = ip->packet[9];
  if (protocol != protocol_udp) {
    f.kind = FrameKind::icmp_echo;
    return protocol == protocol_icmp ? check_echo(*ip) : std::unexpected(Drop::ip_protocol);
  }
  const auto datagram = check_udp(ip->data());
  if (!datagram) return std::unexpected(datagram.error());
  if (trust == ChecksumTrust::verify && !udp_sum_holds(*datagram, f)) return std::unexpected(Drop::udp_checksum);
  f.source.port = load16(datagram->data());
  f.destination.port = load16(datagram->data() + 2);
  f.payload_offset = static_cast<std::uint16_t>(datagram->data() + udp_header_bytes - frame.data());
  f.payload_bytes = static_cast<std::uint16_t>(datagram->size() - udp_header_bytes);
  return {};
}

/// Any frame, in the order of its headers.
[[gnu::noinline]] std::optional<Drop> read_any(Octets frame, ChecksumTrust trust, Frame& out) {
  if (frame.size() < ethernet_header_bytes) return Drop::frame_short;
  Frame f;
  load_macs(frame.data(), f);
  const std::uint16_t type = load16(frame.data() + ethernet_type_at);
  if (type == ethernet_type_ipv4) {
    if (const auto ok = fill_ipv4(f, frame, trust); !ok) return ok.error();
  } else if (type != ethernet_type_arp) {
    return Drop::frame_type;
  } else if (frame.size() < arp_frame_bytes) {
    return Drop::frame_short;
  } else {
    f.kind = FrameKind::arp;
  }
  out = f;
  return std::nullopt;
}

}  // namespace

std::optional<Drop> read_frame(Octets frame, ChecksumTrust trust, Frame& out) {
  if (!is_usual_frame(frame, trust)) [[unlikely]]
    return read_any(frame, trust, out);
  describe_usual_frame(frame.data(), out);
  const Octets datagram = frame.subspan(out.payload_offset - udp_header_bytes, out.payload_bytes + udp_header_bytes);
  if (trust == ChecksumTrust::verify && !udp_sum_holds(datagram, out)) return Drop::udp_checksum;
  return std::nullopt;
}

std::expected<Frame, Drop> parse_frame(Octets frame, ChecksumTrust trust) {
  Frame f;
  if (const auto drop = read_frame(frame, trust, f)) return std::unexpected(*drop);
  return f;
}

namespace {

/// The header in front of `udp`: no options, DF, identification 0 (RFC 6864 4.1 allows any for what is never fragmented).
[[gnu::always_inline]] inline std::uint8_t* write_ipv4(std::uint8_t* udp, std::size_t datagram_bytes, const Envelope& e, ChecksumWork work) {
  std::uint8_t* h = udp - ipv4_header_bytes;
  // All as it stands in memory: 45 00 total length, identification 0, DF; TTL, protocol, checksum.
  const std::uint64_t total_bytes = std::byteswap(static_cast<std::uint16_t>(ipv4_header_bytes + datagram_bytes));
  const std::uint64_t first = 0x0040'0000'0000'0045 | total_bytes << 16;
  std::uint32_t second = std::uint32_t{protocol_udp} << 8 | ttl_default;
  const std::uint64_t addresses = std::uint64_t{e.destination.address.v4_wire()} << 32 | e.source.address.v4_wire();
  if (work != ChecksumWork::offload) {
    // Summed from the values: loading the octets just stored would wait for narrower stores to retire.
    const std::uint64_t sum = 0x0045 + 0x0040 + total_bytes + second + (addresses & 0xffffffff) + (addresses >> 32);
    const std::uint64_t folded = (sum & 0xffff) + (sum >> 16);  // 19 bits
    second |= static_cast<std::uint32_t>(~((folded & 0xffff) + (folded >> 16)) << 16);
  }
  std::memcpy(h, &first, sizeof first);
  std::memcpy(h + 8, &second, sizeof second);
  std::memcpy(h + 12, &addresses, sizeof addresses);
  return h;
}

/// The header in front of `udp` (RFC 8200 3): traffic class and flow label 0.
std::uint8_t* write_ipv6(std::uint8_t* udp, std::size_t datagram_bytes, const Envelope& e) {
  std::uint8_t* h = udp - ipv6_header_bytes;
  constexpr std::uint8_t fixed[8] = {0x60, 0, 0, 0, 0, 0, protocol_udp, ttl_default};
  std::memcpy(h, fixed, sizeof fixed);
  store16(h + 4, static_cast<std::uint16_t>(datagram_bytes));
  std::memcpy(h + 8, e.source.address.octets().data(), 16);
  std::memcpy(h + 24, e.destination.address.octets().data(), 16);
  return h;
}

/// The checksum field of a datagram, computed here. One that comes out as zero is sent as all ones, since zero says that there is none (RFC 768).
[[nodiscard]] std::uint16_t udp_sum_field(std::span<const std::uint8_t> payload, const Envelope& e) {
  const auto datagram_bytes = static_cast<std::uint16_t>(udp_header_bytes + payload.size());
  const std::uint16_t pseudo = pseudo_sum(e.source.address, e.destination.address, datagram_bytes);
  const std::size_t header_sum = std::size_t{e.source.port} + e.destination.port + datagram_bytes;
  const auto field = static_cast<std::uint16_t>(~fold_wire(header_sum + pseudo + sum16(payload)));
  return field == 0 ? std::uint16_t{0xffff} : field;
}

[[gnu::always_inline]] inline void write_udp(std::uint8_t* udp, std::size_t datagram_bytes, const Envelope& e, std::uint16_t sum) {
  store64(udp, std::uint64_t{e.source.port} << 48 | std::uint64_t{e.destination.port} << 32 | datagram_bytes << 16 | sum);
}

[[gnu::always_inline]] inline std::uint8_t* write_ethernet(std::uint8_t* ip, const Envelope& e, std::uint16_t type) {
  std::uint8_t* frame = ip - ethernet_header_bytes;
  std::memcpy(frame, e.destination_mac.data(), 6);
  std::memcpy(frame + 6, e.source_mac.data(), 6);
  store16(frame + ethernet_type_at, type);
  return frame;
}

/// With a UDP checksum that is whole, or begun for the device.
[[gnu::noinline]] std::uint8_t* write_with_sum(std::uint8_t* payload, std::size_t payload_bytes, const Envelope& e, ChecksumWork work) {
  std::uint8_t* const udp = payload - udp_header_bytes;
  const std::size_t datagram_bytes = udp_header_bytes + payload_bytes;
  const std::uint16_t sum = work == ChecksumWork::offload ? pseudo_sum(e.source.address, e.destination.address, static_cast<std::uint16_t>(datagram_bytes))
                                                          : udp_sum_field({payload, payload_bytes}, e);
  write_udp(udp, datagram_bytes, e, sum);
  if (e.destination.address.is_v4()) return write_ethernet(write_ipv4(udp, datagram_bytes, e, work), e, ethernet_type_ipv4);
  return write_ethernet(write_ipv6(udp, datagram_bytes, e), e, ethernet_type_ipv6);
}

}  // namespace

std::uint8_t* write_headers(std::uint8_t* payload, std::size_t payload_bytes, const Envelope& e, ChecksumWork work) {
  const std::size_t datagram_bytes = udp_header_bytes + payload_bytes;
  base::check(datagram_bytes <= 0xffff - ipv4_header_bytes, "a datagram fits the length fields of its headers");
  if (work != ChecksumWork::none || !e.destination.address.is_v4()) return write_with_sum(payload, payload_bytes, e, work);
  std::uint8_t* const udp = payload - udp_header_bytes;
  write_udp(udp, datagram_bytes, e, 0);
  return write_ethernet(write_ipv4(udp, datagram_bytes, e, work), e, ethernet_type_ipv4);
}

}  // namespace viaduct::net
