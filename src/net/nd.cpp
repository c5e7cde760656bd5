// SPDX-License-Identifier: Apache-2.0
// Neighbour Discovery messages read and written. Who is resolved and how long it is believed is not known here.
#include "viaduct/net/nd.h"

#include <algorithm>

#include "viaduct/base/check.h"
#include "viaduct/net/checksum.h"
#include "wire.h"

namespace viaduct::net {
namespace {

constexpr std::uint8_t type_solicitation = 135, type_advertisement = 136;
constexpr std::size_t message_bytes = 24;   // type, code, checksum, flags, target
constexpr std::size_t flags_at = 4, target_at = 8;
constexpr std::uint8_t flag_solicited = 0x40, flag_override = 0x20;
// Options (RFC 4861 4.6.1): type, length in units of eight octets, link-layer address.
constexpr std::uint8_t option_source_address = 1, option_target_address = 2;
constexpr std::size_t option_unit_bytes = 8;
constexpr std::uint8_t hop_limit = 255;

void store_address(std::uint8_t* at, const base::Address& a) { std::ranges::copy(a.octets(), at); }

[[nodiscard]] bool is_multicast(const base::Address& a) { return a.octets()[0] == 0xff; }

/// The link-layer address among the options, into `m`. False: an option of length 0, or one that does not fit.
[[nodiscard]] bool read_options(std::span<const std::uint8_t> options, NeighbourMessage& m) {
  const std::uint8_t wanted = m.is_solicitation ? option_source_address : option_target_address;
  while (!options.empty()) {
    if (options.size() < option_unit_bytes) return false;
    const std::size_t bytes = options[1] * option_unit_bytes;
    if (bytes == 0 || bytes > options.size()) return false;
    if (options[0] == wanted && bytes == option_unit_bytes) {
      Mac& mac = m.link_address.emplace();
      std::copy_n(options.data() + 2, mac.size(), mac.begin());
    }
    options = options.subspan(bytes);
  }
  return true;
}

/// RFC 4861 7.1.1: who has no address yet asks the group, and has no link-layer address to be learned.
[[nodiscard]] bool is_valid_solicitation(const NeighbourMessage& m) {
  return !m.source.is_unset() || (m.destination == solicited_node(m.target) && !m.link_address);
}

/// RFC 4861 7.1.2.
[[nodiscard]] bool is_valid_advertisement(const NeighbourMessage& m) { return !m.is_solicited || !is_multicast(m.destination); }

}  // namespace

base::Address solicited_node(const base::Address& target) {
  std::array<std::uint8_t, 16> octets = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff};
  std::copy_n(target.octets().begin() + 13, 3, octets.begin() + 13);
  return base::Address::v6(octets);
}

Mac multicast_mac(const base::Address& group) {
  const auto& o = group.octets();
  return {0x33, 0x33, o[12], o[13], o[14], o[15]};
}

std::optional<NeighbourMessage> parse_nd(std::span<const std::uint8_t> frame, const Frame& f) {
  if (f.payload_bytes < message_bytes) return std::nullopt;
  const std::uint8_t* icmp = frame.data() + f.payload_offset;
  NeighbourMessage m;
  m.is_solicitation = icmp[0] == type_solicitation;
  m.is_solicited = !m.is_solicitation && (icmp[flags_at] & flag_solicited) != 0;
  m.overrides = !m.is_solicitation && (icmp[flags_at] & flag_override) != 0;
  m.source = f.source.address;
  m.destination = f.destination.address;
  m.target = load_v6(icmp + target_at);
  if (is_multicast(m.target) || !read_options({icmp + message_bytes, f.payload_bytes - message_bytes}, m)) return std::nullopt;
  if (m.link_address && ((*m.link_address)[0] & 1) != 0) return std::nullopt;  // a group is nobody's address
  return (m.is_solicitation ? is_valid_solicitation : is_valid_advertisement)(m) ? std::optional{m} : std::nullopt;
}

void write_nd(std::span<std::uint8_t> out, const NeighbourMessage& m, const Mac& destination_mac) {
  base::check(out.size() >= nd_frame_bytes && m.link_address.has_value(), "the buffer holds a neighbour message with its option");
  std::uint8_t* const ip = out.data() + ethernet_header_bytes;
  std::uint8_t* const icmp = ip + ipv6_header_bytes;
  constexpr std::size_t bytes = message_bytes + option_unit_bytes;
  std::ranges::copy(destination_mac, out.data());
  std::ranges::copy(*m.link_address, out.data() + 6);
  store16(out.data() + ethernet_type_at, ethernet_type_ipv6);
  const std::uint8_t fixed[8] = {0x60, 0, 0, 0, 0, bytes, protocol_icmp6, hop_limit};
  std::ranges::copy(fixed, ip);
  store_address(ip + 8, m.source);
  store_address(ip + 24, m.destination);
  std::fill_n(icmp, target_at, std::uint8_t{0});
  icmp[0] = m.is_solicitation ? type_solicitation : type_advertisement;
  icmp[flags_at] = static_cast<std::uint8_t>((m.is_solicited ? flag_solicited : 0) | (m.overrides ? flag_override : 0));
  store_address(icmp + target_at, m.target);
  icmp[message_bytes] = m.is_solicitation ? option_source_address : option_target_address;
  icmp[message_bytes + 1] = 1;
  std::ranges::copy(*m.link_address, icmp + message_bytes + 2);
  store16(icmp + 2, static_cast<std::uint16_t>(~add16(pseudo_sum(m.source, m.destination, bytes, protocol_icmp6), sum16({icmp, bytes}))));
}

}  // namespace viaduct::net
