// SPDX-License-Identifier: Apache-2.0
// A received IPv6 packet checked: its header, the chain of extension headers, and which of what it carries goes on.
#include <algorithm>

#include "readers.h"
#include "viaduct/base/limits.h"
#include "viaduct/net/checksum.h"
#include "wire.h"

namespace viaduct::net {
namespace {

using base::Drop;

// Next header values (RFC 8200 4).
constexpr std::uint8_t next_hop_by_hop = 0;
constexpr std::uint8_t next_routing = 43;
constexpr std::uint8_t next_fragment = 44;
constexpr std::uint8_t next_destination_options = 60;
constexpr std::size_t extension_unit_bytes = 8;
constexpr std::uint16_t more_fragments = 1, fragment_offset = 0xfff8;   // in units of eight octets, above three bits: so it is in octets
// Options (RFC 8200 4.2): one octet of padding; the two high bits of a type say what to do with an unknown one, and 0 is to skip it.
constexpr std::uint8_t option_pad1 = 0;
constexpr std::uint8_t option_pad_n = 1;
constexpr std::uint8_t option_action = 0xc0;
// ICMPv6 types (RFC 4443 3.1, 3.2, 4.1, RFC 4861 4.3 and 4.4).
constexpr std::uint8_t type_unreachable = 1, type_too_big = 2;
constexpr std::uint8_t type_echo_request = 128;
constexpr std::uint8_t type_solicitation = 135;
constexpr std::uint8_t type_advertisement = 136;
constexpr std::uint8_t hop_limit_max = 255;

/// How far the chain of headers has been read.
struct Chain {
  Octets rest;             // behind the headers read so far
  std::uint8_t next{};     // what `rest` begins with
};

/// Whether every option may be skipped by who does not know it; none is known here.
[[nodiscard]] bool may_skip_options(Octets options) {
  while (!options.empty()) {
    if (options[0] == option_pad1) {
      options = options.subspan(1);
      continue;
    }
    if (options.size() < 2 || options.size() < options[1] + 2u) return false;
    if (options[0] != option_pad_n && (options[0] & option_action) != 0) return false;
    options = options.subspan(options[1] + 2u);
  }
  return true;
}

/// A routing header with segments left asks us to send the packet on: refused, type 0 among them (RFC 5095 3, RFC 8200 4.4).
[[nodiscard]] bool may_skip(std::uint8_t kind, Octets header) { return kind == next_routing ? header[3] == 0 : may_skip_options(header.subspan(2)); }

/// Skip one extension header. That of a fragment has no length.
[[nodiscard]] std::optional<Drop> skip(Chain& chain) {
  if (chain.rest.size() < extension_unit_bytes) return Drop::frame_short;
  const bool is_fragment = chain.next == next_fragment;
  const std::size_t bytes = is_fragment ? extension_unit_bytes : (chain.rest[1] + std::size_t{1}) * extension_unit_bytes;
  if (chain.rest.size() < bytes) return Drop::frame_short;
  if (!is_fragment && !may_skip(chain.next, chain.rest.first(bytes))) return Drop::ip_extension;
  chain.next = chain.rest[0];
  chain.rest = chain.rest.subspan(bytes);
  return std::nullopt;
}

/// One that has all of its packet in it is none (RFC 6946).
[[nodiscard]] bool is_atomic_fragment(const Chain& chain) {
  return chain.next == next_fragment && chain.rest.size() >= extension_unit_bytes && (load16(chain.rest.data() + 2) & (fragment_offset | more_fragments)) == 0;
}

/// Hop-by-hop options stand first or nowhere.
[[nodiscard]] bool is_extension(const Chain& chain, unsigned place) {
  return chain.next == next_routing || chain.next == next_destination_options || (chain.next == next_hop_by_hop && place == 0) || is_atomic_fragment(chain);
}

/// To the header that is no extension, or to a fragment's.
[[nodiscard]] std::optional<Drop> skip_extensions(Chain& chain) {
  for (unsigned count = 0; is_extension(chain, count); ++count) {
    if (count == base::ipv6_extensions_max) return Drop::ip_extension;
    if (const auto drop = skip(chain)) return drop;
  }
  return std::nullopt;
}

[[nodiscard]] std::optional<Drop> check_header(Octets packet, Chain& out) {
  if (packet.size() < ipv6_header_bytes) return Drop::frame_short;
  if (packet[0] >> 4 != 6) return Drop::ip_header;
  const std::size_t bytes = load16(packet.data() + 4);  // 0 would be a jumbogram's (RFC 2675): its option is not known, so it is one without data
  if (packet.size() - ipv6_header_bytes < bytes) return Drop::frame_truncated;
  out = {.rest = packet.subspan(ipv6_header_bytes, bytes), .next = packet[6]};
  return skip_extensions(out);
}

[[nodiscard]] bool icmp_sum_holds(Octets message, const Frame& f) {
  const auto bytes = static_cast<std::uint16_t>(message.size());
  return add16(pseudo_sum(f.source.address, f.destination.address, bytes, protocol_icmp6), sum16(message)) == 0xffff;
}

/// Neighbour Discovery from another link would have passed a router, and lost a hop (RFC 4861 7.1). An echo request is answered as in IPv4.
[[nodiscard]] std::optional<Drop> read_icmp(Octets frame, Octets message, Frame& f) {
  if (message.size() < icmp_header_bytes) return Drop::frame_short;
  if (!icmp_sum_holds(message, f)) return Drop::ip_checksum;
  const std::uint8_t* ip = frame.data() + ethernet_header_bytes;
  f.payload_offset = static_cast<std::uint16_t>(message.data() - frame.data());
  f.payload_bytes = static_cast<std::uint16_t>(message.size());
  if (message[0] == type_solicitation || message[0] == type_advertisement) {
    f.kind = FrameKind::neighbour;
    return ip[7] == hop_limit_max && message[1] == 0 ? std::nullopt : std::optional{Drop::nd_invalid};
  }
  if (message[0] == type_unreachable || message[0] == type_too_big) {
    f.kind = FrameKind::icmp_error;
    return std::nullopt;
  }
  const bool has_extensions = message.data() != ip + ipv6_header_bytes;
  f.kind = FrameKind::icmp_echo;
  const bool is_echo_request = message[0] == type_echo_request && message[1] == 0;
  return is_echo_request && !has_extensions && ipv6_header_bytes + message.size() <= base::mtu_bytes ? std::nullopt : std::optional{Drop::ip_protocol};
}

/// Put together by who expects its header right behind IPv6's; hardly anybody writes another in between.
[[nodiscard]] std::optional<Drop> read_part(Octets frame, Octets rest, Frame& f) {
  if (rest.size() < extension_unit_bytes) return Drop::frame_short;
  if (rest.data() != frame.data() + ethernet_header_bytes + ipv6_header_bytes) return Drop::ip_extension;
  const std::uint16_t place = load16(rest.data() + 2);
  const Fragment fragment{
      .data = rest.subspan(extension_unit_bytes), .offset = static_cast<std::size_t>(place & fragment_offset), .more_follow = (place & more_fragments) != 0};
  return read_fragment(frame, fragment, f);
}

}  // namespace

std::optional<Drop> read_ipv6(Octets frame, ChecksumTrust trust, Frame& f) {
  const Octets packet = frame.subspan(ethernet_header_bytes);
  Chain chain;
  if (const auto drop = check_header(packet, chain)) return drop;
  f.source.address = load_v6(packet.data() + 8);
  f.destination.address = load_v6(packet.data() + 24);
  // An IPv4-mapped address never stands on the wire (RFC 4038 4.2); it would be taken for IPv4 behind here.
  if (f.source.address.is_v4() || f.destination.address.is_v4()) return Drop::ip_header;
  switch (chain.next) {
    case protocol_udp:
      return read_udp(frame, chain.rest, trust, f);
    case protocol_icmp6:
      return read_icmp(frame, chain.rest, f);
    case next_fragment:
      return read_part(frame, chain.rest, f);
    default:
      return Drop::ip_protocol;
  }
}

}  // namespace viaduct::net
