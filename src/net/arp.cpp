// SPDX-License-Identifier: Apache-2.0
// ARP packets read and written. Who is resolved and how long it is believed is not known here.
#include "viaduct/net/arp.h"

#include <algorithm>

#include "viaduct/base/check.h"
#include "wire.h"

namespace viaduct::net {
namespace {

// RFC 826: Ethernet (1), IPv4, lengths 6 and 4; then the operation, and sender and target as hardware and protocol address.
constexpr std::uint8_t ipv4_over_ethernet[6] = {0, 1, 8, 0, 6, 4};
constexpr std::uint16_t operation_request = 1;
constexpr std::uint16_t operation_reply = 2;
constexpr std::size_t operation_at = ethernet_header_bytes + 6;
constexpr std::size_t sender_at = ethernet_header_bytes + 8;
constexpr std::size_t target_at = ethernet_header_bytes + 18;

void load_pair(const std::uint8_t* at, Mac& mac, base::Address& address) {
  std::memcpy(mac.data(), at, 6);
  address = base::Address::v4({at[6], at[7], at[8], at[9]});
}
void store_pair(std::uint8_t* at, const Mac& mac, const base::Address& address) {
  std::memcpy(at, mac.data(), 6);
  std::memcpy(at + 6, address.octets().data() + 12, 4);
}

}  // namespace

std::optional<Arp> parse_arp(std::span<const std::uint8_t> frame) {
  if (frame.size() < arp_frame_bytes || load16(frame.data() + ethernet_type_at) != ethernet_type_arp) return std::nullopt;
  const std::uint8_t* kind = frame.data() + ethernet_header_bytes;
  if (!std::equal(kind, kind + sizeof ipv4_over_ethernet, ipv4_over_ethernet)) return std::nullopt;
  const std::uint16_t operation = load16(frame.data() + operation_at);
  if (operation != operation_request && operation != operation_reply) return std::nullopt;
  Arp arp;
  arp.is_request = operation == operation_request;
  load_pair(frame.data() + sender_at, arp.sender_mac, arp.sender);
  load_pair(frame.data() + target_at, arp.target_mac, arp.target);
  if ((arp.sender_mac[0] & 1) != 0) return std::nullopt;  // a group is nobody's address (RFC 1812 3.3.2)
  return arp;
}

void write_arp(std::span<std::uint8_t> out, const Arp& arp) {
  base::check(out.size() >= arp_frame_bytes, "the buffer holds an ARP frame");
  constexpr Mac broadcast = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  std::memcpy(out.data(), (arp.is_request ? broadcast : arp.target_mac).data(), 6);
  std::memcpy(out.data() + 6, arp.sender_mac.data(), 6);
  store16(out.data() + ethernet_type_at, ethernet_type_arp);
  std::memcpy(out.data() + ethernet_header_bytes, ipv4_over_ethernet, sizeof ipv4_over_ethernet);
  store16(out.data() + operation_at, arp.is_request ? operation_request : operation_reply);
  store_pair(out.data() + sender_at, arp.sender_mac, arp.sender);
  store_pair(out.data() + target_at, arp.target_mac, arp.target);
}

}  // namespace viaduct::net
