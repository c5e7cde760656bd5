// SPDX-License-Identifier: Apache-2.0
// Cutting a frame into fragments of either IP version.
#include "viaduct/net/fragments.h"

#include <algorithm>

#include "viaduct/base/check.h"
#include "viaduct/net/checksum.h"
#include "viaduct/net/vlan.h"
#include "wire.h"

namespace viaduct::net {
namespace {

using Octets = std::span<const std::uint8_t>;

constexpr std::size_t fragment_header_bytes = 8;   // of IPv6
constexpr std::size_t offset_unit_bytes = 8;
constexpr std::uint8_t next_fragment = 44;
constexpr std::uint16_t ipv4_more_fragments = 0x2000, ipv6_more_fragments = 1;

/// A frame's parts: headers that each fragment repeats, and the data that are shared out.
struct Parts {
  Octets link, ip, data;
  [[nodiscard]] bool is_v4() const { return ip.size() == ipv4_header_bytes; }
  /// Data of each fragment but the last: as many as fit, in whole units.
  [[nodiscard]] std::size_t step(std::size_t mtu_bytes) const {
    const std::size_t headers = ip.size() + (is_v4() ? 0 : fragment_header_bytes);
    return (mtu_bytes - headers) / offset_unit_bytes * offset_unit_bytes;
  }
};

[[nodiscard]] Parts parts_of(Octets frame) {
  const std::size_t link = link_bytes(frame);
  const std::size_t ip = frame[link] >> 4 == 4 ? ipv4_header_bytes : ipv6_header_bytes;
  return {.link = frame.first(link), .ip = frame.subspan(link, ip), .data = frame.subspan(link + ip)};
}

/// Where a fragment's data lie.
struct Piece {
  std::size_t offset{}, bytes{};
  bool is_last{};
};

// DF is off: it may be cut, and a fragment again. The header's checksum is written here, whatever the device does.
void finish_ipv4(std::uint8_t* ip, const Piece& piece, std::uint32_t identification) {
  store16(ip + 2, static_cast<std::uint16_t>(ipv4_header_bytes + piece.bytes));
  store16(ip + 4, static_cast<std::uint16_t>(identification));
  store16(ip + 6, static_cast<std::uint16_t>((piece.is_last ? 0 : ipv4_more_fragments) | piece.offset / offset_unit_bytes));
  store16(ip + 10, 0);
  store16(ip + 10, static_cast<std::uint16_t>(~sum16({ip, ipv4_header_bytes})));
}

void finish_ipv6(std::uint8_t* ip, const Piece& piece, std::uint32_t identification) {
  std::uint8_t* const fragment = ip + ipv6_header_bytes;
  fragment[0] = ip[6];
  fragment[1] = 0;
  store16(fragment + 2, static_cast<std::uint16_t>(piece.offset | (piece.is_last ? 0 : ipv6_more_fragments)));
  store16(fragment + 4, static_cast<std::uint16_t>(identification >> 16));
  store16(fragment + 6, static_cast<std::uint16_t>(identification));
  ip[6] = next_fragment;
  store16(ip + 4, static_cast<std::uint16_t>(fragment_header_bytes + piece.bytes));
}

}  // namespace

std::size_t link_bytes(Octets frame) { return ethernet_header_bytes + (vlan_of(frame) ? tag_bytes : 0); }

std::size_t fragment_count(Octets frame, std::size_t mtu_bytes) {
  const Parts parts = parts_of(frame);
  if (parts.ip.size() + parts.data.size() <= mtu_bytes) return 1;
  const std::size_t step = parts.step(mtu_bytes);
  return (parts.data.size() + step - 1) / step;
}

std::size_t write_fragment(Octets frame, std::size_t index, const Cut& cut, std::span<std::uint8_t> out) {
  const Parts parts = parts_of(frame);
  const std::size_t step = parts.step(cut.mtu_bytes), offset = index * step;
  base::check(offset < parts.data.size(), "a fragment has data");
  const Piece piece{.offset = offset, .bytes = std::min(step, parts.data.size() - offset), .is_last = offset + step >= parts.data.size()};
  const std::size_t headers = parts.link.size() + parts.ip.size() + (parts.is_v4() ? 0 : fragment_header_bytes);
  base::check(headers + piece.bytes <= out.size(), "a fragment fits its buffer");
  std::uint8_t* const ip = std::ranges::copy(parts.link, out.data()).out;
  std::ranges::copy(parts.ip, ip);
  (parts.is_v4() ? finish_ipv4 : finish_ipv6)(ip, piece, cut.identification);
  std::ranges::copy(parts.data.subspan(piece.offset, piece.bytes), out.data() + headers);
  return headers + piece.bytes;
}

void allow_fragments(std::span<std::uint8_t> frame, std::uint32_t identification) {
  const Parts parts = parts_of(frame);
  base::check(parts.is_v4(), "IPv6 is cut by who sends it alone");
  finish_ipv4(frame.data() + parts.link.size(), {.bytes = parts.data.size(), .is_last = true}, identification);
}

// The field holds the pseudo-header's sum, so that the datagram's own sum is all there is to add.
void finish_udp_sum(std::span<std::uint8_t> frame) {
  const Parts parts = parts_of(frame);
  std::uint8_t* const udp = frame.data() + (parts.data.data() - frame.data());
  const auto field = static_cast<std::uint16_t>(~sum16(parts.data));
  store16(udp + 6, field == 0 ? std::uint16_t{0xffff} : field);
}

}  // namespace viaduct::net
