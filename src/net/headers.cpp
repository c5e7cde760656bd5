// SPDX-License-Identifier: Apache-2.0
// The headers of a frame to send, written in front of a payload.
#include "viaduct/base/check.h"
#include "viaduct/net/checksum.h"
#include "viaduct/net/fragments.h"
#include "viaduct/net/frame.h"
#include "viaduct/net/usual_frame.h"
#include "wire.h"

namespace viaduct::net {
namespace {

/// The header in front of `udp`: no options, DF, identification 0 (RFC 6864 4.1 allows any for what is never fragmented).
[[gnu::always_inline]] inline std::uint8_t* write_ipv4(std::uint8_t* udp, std::size_t datagram_bytes, const Envelope& e) {
  std::uint8_t* h = udp - ipv4_header_bytes;
  // All as it stands in memory: 45 00 total length, identification 0, DF; TTL, protocol, checksum.
  const std::uint64_t total_bytes = std::byteswap(static_cast<std::uint16_t>(ipv4_header_bytes + datagram_bytes));
  const std::uint64_t first = 0x0040'0000'0000'0045 | total_bytes << 16;
  std::uint32_t second = std::uint32_t{protocol_udp} << 8 | ttl_default;
  const std::uint64_t addresses = std::uint64_t{e.destination.address.v4_wire()} << 32 | e.source.address.v4_wire();
  // Summed from the values: loading the octets just stored would wait for narrower stores to retire.
  const std::uint64_t sum = 0x0045 + 0x0040 + total_bytes + second + (addresses & 0xffffffff) + (addresses >> 32);
  second |= usual::header_sum_field(sum);
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
  if (e.destination.address.is_v4()) return write_ethernet(write_ipv4(udp, datagram_bytes, e), e, ethernet_type_ipv4);
  return write_ethernet(write_ipv6(udp, datagram_bytes, e), e, ethernet_type_ipv6);
}

}  // namespace

std::uint8_t* write_headers(std::uint8_t* payload, std::size_t payload_bytes, const Envelope& e, ChecksumWork work) {
  const std::size_t datagram_bytes = udp_header_bytes + payload_bytes;
  base::check(datagram_bytes <= 0xffff - ipv4_header_bytes, "a datagram fits the length fields of its headers");
  if (work != ChecksumWork::none || !e.destination.address.is_v4()) return write_with_sum(payload, payload_bytes, e, work);
  std::uint8_t* const udp = payload - udp_header_bytes;
  write_udp(udp, datagram_bytes, e, 0);
  return write_ethernet(write_ipv4(udp, datagram_bytes, e), e, ethernet_type_ipv4);
}

// The packet behind the link's header. Its lengths are believed: it comes from the kernel.
void leave_udp_sum(std::span<std::uint8_t> frame) {
  const std::size_t link = link_bytes(frame);
  if (frame.size() < link + ipv4_header_bytes + udp_header_bytes) return;
  std::uint8_t* const ip = frame.data() + link;
  const std::uint16_t type = load16(ip - 2);
  const bool is_v4 = type == ethernet_type_ipv4 && ip[0] == 0x45 && (load16(ip + 6) & 0x3fff) == 0 && ip[9] == protocol_udp;
  const bool is_v6 = type == ethernet_type_ipv6 && ip[6] == protocol_udp && frame.size() >= link + ipv6_header_bytes + udp_header_bytes;
  if (!is_v4 && !is_v6) return;
  std::uint8_t* const udp = ip + (is_v4 ? ipv4_header_bytes : ipv6_header_bytes);
  const std::span<const std::uint8_t> addresses{is_v4 ? ip + 12 : ip + 8, is_v4 ? std::size_t{8} : std::size_t{32}};
  store16(udp + 6, fold_wire(std::size_t{protocol_udp} + load16(udp + 4) + sum16(addresses)));
}

}  // namespace viaduct::net
