// SPDX-License-Identifier: Apache-2.0
// The frame that nearly every message comes in, and the headers of what goes back to its sender: in line, by a few words. frame.h has all others.
#pragma once
#include <bit>
#include <cstring>

#include <immintrin.h>

#include "viaduct/net/frame.h"

namespace viaduct::net {

namespace usual {

inline constexpr std::size_t ip_at = 14, udp_at = ip_at + 20, payload_at = udp_at + 8;

template <typename T>
[[nodiscard]] T load(const std::uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}
[[nodiscard]] inline std::uint16_t load16(const std::uint8_t* at) { return std::byteswap(load<std::uint16_t>(at)); }

/// The header's sum by words in memory order is all ones, whatever the order (RFC 1071 2 B).
[[nodiscard]] inline bool header_sum_holds(const std::uint8_t* ip) {
  std::uint64_t sum = 0;
  for (std::size_t at = 0; at < 20; at += 4) sum += load<std::uint32_t>(ip + at);
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  return (sum & 0xffff) + (sum >> 16) == 0xffff;
}

/// The checksum for a header whose words, its checksum's left out, have this sum in memory order, in the upper half, where it stands in memory behind
/// TTL and protocol. Shape: below 2^47. Source: RFC 1071.
[[nodiscard]] constexpr std::uint32_t header_sum_field(std::uint64_t sum) {
  const auto folded = static_cast<std::uint32_t>((sum & 0xffff) + (sum >> 16));
  return ~(folded + std::rotl(folded, 16)) & 0xffff0000;  // what the lower halves carry is added to the upper ones
}

}  // namespace usual

/// Whether a frame is Ethernet, IPv4 without options and unfragmented, and UDP that fills its packet. False says nothing. The UDP checksum is not looked at.
[[nodiscard, gnu::always_inline]] inline bool is_usual_frame(std::span<const std::uint8_t> frame, ChecksumTrust trust) {
  if (frame.size() < usual::payload_at) return false;
  const std::uint8_t* const ip = frame.data() + usual::ip_at;
  constexpr std::uint32_t type_version_length = 0x450008, no_type_of_service = 0xffffff;  // as they stand in memory: 08 00 45
  constexpr std::uint16_t fragment = 0xff3f;                                              // more fragments, or an offset, the same way
  constexpr std::uint8_t protocol_udp = 17;
  const std::uint32_t packet_bytes = usual::load16(ip + 2), datagram_bytes = usual::load16(frame.data() + usual::udp_at + 4);
  const bool is_ipv4 = (usual::load<std::uint32_t>(ip - 2) & no_type_of_service) == type_version_length;
  const bool fits = packet_bytes <= frame.size() - usual::ip_at && packet_bytes == datagram_bytes + 20 && datagram_bytes >= 8;
  if (!is_ipv4 || !fits || (usual::load<std::uint16_t>(ip + 6) & fragment) != 0 || ip[9] != protocol_udp) return false;
  return trust == ChecksumTrust::good || usual::header_sum_holds(ip);
}

/// Where a usual frame comes from. Shape: is_usual_frame, here and below.
[[gnu::always_inline]] inline void read_source(const std::uint8_t* frame, base::Endpoint& out) {
  out.address.set_v4(usual::load<std::uint32_t>(frame + usual::ip_at + 12));
  out.port = usual::load16(frame + usual::udp_at);
}

/// A usual frame described.
[[gnu::always_inline]] inline void describe_usual_frame(const std::uint8_t* frame, base::Link link, Frame& out) {
  out.kind = FrameKind::udp;
  out.link = link;
  std::memcpy(out.destination_mac.data(), frame, 6);
  std::memcpy(out.source_mac.data(), frame + 6, 6);
  const std::uint8_t* const udp = frame + usual::udp_at;
  read_source(frame, out.source);
  out.destination.address.set_v4(usual::load<std::uint32_t>(frame + usual::ip_at + 16));
  out.destination.port = usual::load16(udp + 2);
  out.payload_offset = usual::payload_at;
  out.payload_bytes = static_cast<std::uint16_t>(usual::load16(udp + 4) - 8);
}

namespace usual {

/// The headers behind Ethernet's; `addresses` and `ports` as they stand in memory, source first. Source: RFC 791 3.1, RFC 6864 4.1, RFC 768.
[[gnu::always_inline]] inline void write_ip_and_udp(std::uint8_t* payload, std::size_t payload_bytes, std::uint64_t addresses, std::uint32_t ports) {
  // As it stands in memory: 45 00 total length, identification 0, DF; TTL, protocol, checksum.
  const std::uint64_t packet_bytes = std::byteswap(static_cast<std::uint16_t>(payload_bytes + 28));
  const std::uint32_t datagram_bytes = std::byteswap(static_cast<std::uint16_t>(payload_bytes + 8));
  std::uint32_t ttl_protocol_sum = 17 << 8 | 64;
  const std::uint64_t sum = 0x0045 + 0x0040 + packet_bytes + ttl_protocol_sum + (addresses & 0xffffffff) + (addresses >> 32);
  ttl_protocol_sum |= header_sum_field(sum);
  const auto put = [&](std::size_t at, auto value) { std::memcpy(payload - payload_at + at, &value, sizeof value); };
  put(ip_at, 0x0040'0000'0000'0045 | packet_bytes << 16);
  put(ip_at + 8, ttl_protocol_sum);
  put(ip_at + 12, addresses);
  put(udp_at, std::uint64_t{datagram_bytes} << 32 | ports);
}

}  // namespace usual

/// write_headers with turned_around, without UDP checksum (ChecksumWork::none), from the request's own headers.
/// Shape: `request` is a usual frame; it may overlap the headers that are written. As write_headers for the rest. Returns the frame's first octet.
[[gnu::always_inline]] inline std::uint8_t* write_headers_back(std::uint8_t* payload, std::size_t payload_bytes, const std::uint8_t* request) {
  const __m128i back = _mm_setr_epi8(6, 7, 8, 9, 10, 11, 0, 1, 2, 3, 4, 5, 12, 13, 14, 15);
  const __m128i ethernet = _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(request)), back);
  const std::uint64_t addresses = std::rotl(usual::load<std::uint64_t>(request + usual::ip_at + 12), 32);
  const std::uint32_t ports = std::rotl(usual::load<std::uint32_t>(request + usual::udp_at), 16);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(payload - usual::payload_at), ethernet);
  usual::write_ip_and_udp(payload, payload_bytes, addresses, ports);
  return payload - usual::payload_at;
}

/// write_headers without UDP checksum. Shape: both endpoints are IPv4; as write_headers for the rest. Returns the frame's first octet.
[[gnu::always_inline]] inline std::uint8_t* write_usual_headers(std::uint8_t* payload, std::size_t payload_bytes, const Mac& source_mac,
                                                                const Mac& destination_mac, const base::Endpoint& source, const base::Endpoint& destination) {
  constexpr std::uint16_t type_ipv4 = 0x0008;  // as it stands in memory
  std::uint8_t* const frame = payload - usual::payload_at;
  const std::uint64_t addresses = std::uint64_t{destination.address.v4_wire()} << 32 | source.address.v4_wire();
  const std::uint32_t ports = std::byteswap(std::uint32_t{source.port} << 16 | destination.port);
  std::memcpy(frame, destination_mac.data(), 6);
  std::memcpy(frame + 6, source_mac.data(), 6);
  std::memcpy(frame + 12, &type_ipv4, sizeof type_ipv4);
  usual::write_ip_and_udp(payload, payload_bytes, addresses, ports);
  return frame;
}

}  // namespace viaduct::net
