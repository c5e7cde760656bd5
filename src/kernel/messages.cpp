// SPDX-License-Identifier: Apache-2.0
// Attributes found by a walk that libmnl bounds; each is believed only when it has its size.
#include "messages.h"

#include <arpa/inet.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cstring>

namespace viaduct::kernel {
namespace {

constexpr std::uint8_t mapped_bits = 96;   // before an IPv4 address in its 128-bit form

/// The last attribute of that type among those in `bytes` octets; nullptr: none.
const nlattr* find(const void* first, std::size_t bytes, std::uint16_t type) {
  const nlattr* found = nullptr;
  const auto* at = static_cast<const nlattr*>(first);
  for (int left = static_cast<int>(bytes); mnl_attr_ok(at, left); left -= MNL_ALIGN(at->nla_len), at = mnl_attr_next(at))
    if (mnl_attr_get_type(at) == type) found = at;
  return found;
}

/// The same behind the header of a message.
const nlattr* find(const nlmsghdr& message, std::size_t header_bytes, std::uint16_t type) {
  const std::size_t bytes = mnl_nlmsg_get_payload_len(&message), skipped = MNL_ALIGN(header_bytes);
  return bytes < skipped ? nullptr : find(mnl_nlmsg_get_payload_offset(&message, skipped), bytes - skipped, type);
}

std::optional<std::uint32_t> number(const nlattr* a) {
  if (a == nullptr || mnl_attr_get_payload_len(a) != sizeof(std::uint32_t)) return std::nullopt;
  return mnl_attr_get_u32(a);
}

std::optional<base::Address> address_in(const void* octets, std::size_t bytes, unsigned family) {
  if (family == AF_INET && bytes == 4) {
    std::uint32_t wire = 0;
    std::memcpy(&wire, octets, sizeof wire);
    return base::Address::v4(wire);
  }
  std::array<std::uint8_t, 16> all{};
  if (family != AF_INET6 || bytes != all.size()) return std::nullopt;
  std::memcpy(all.data(), octets, all.size());
  return base::Address::v6(all);
}

std::optional<base::Address> address(const nlattr* a, unsigned family) {
  return a == nullptr ? std::nullopt : address_in(mnl_attr_get_payload(a), mnl_attr_get_payload_len(a), family);
}

// Without a destination it is the default route.
std::optional<base::Prefix> prefix(const nlmsghdr& message, const rtmsg& head) {
  const bool is_v4 = head.rtm_family == AF_INET;
  const unsigned bits = head.rtm_dst_len + (is_v4 ? mapped_bits : 0U);
  if (bits > 128) return std::nullopt;
  const nlattr* const to = find(message, sizeof head, RTA_DST);
  const auto at = to != nullptr ? address(to, head.rtm_family) : is_v4 ? base::Address::v4({0, 0, 0, 0}) : base::Address{};
  return at ? std::optional(base::Prefix{.address = *at, .bits = static_cast<std::uint8_t>(bits)}) : std::nullopt;
}

/// One way of a route. A gateway of the other IP version (RTA_VIA) is none that we could use.
struct Hop {
  std::uint32_t interface_index{};
  base::Address via;
};

// Of several equal ways the first through the interface that can be gone: a message is sent once.
std::optional<Hop> hop_of_several(const nlattr* several, unsigned family, unsigned interface_index) {
  const auto* at = static_cast<const std::uint8_t*>(mnl_attr_get_payload(several));
  std::size_t left = mnl_attr_get_payload_len(several);
  while (left >= sizeof(rtnexthop)) {
    rtnexthop head{};
    std::memcpy(&head, at, sizeof head);
    const std::size_t bytes = MNL_ALIGN(head.rtnh_len);
    if (head.rtnh_len < sizeof head || bytes > left) return std::nullopt;
    const auto attribute = [&](std::uint16_t type) { return find(at + sizeof head, head.rtnh_len - sizeof head, type); };
    const bool is_open = (head.rtnh_flags & RTNH_F_DEAD) == 0 && attribute(RTA_VIA) == nullptr;
    if (static_cast<unsigned>(head.rtnh_ifindex) == interface_index && is_open)
      return Hop{.interface_index = interface_index, .via = address(attribute(RTA_GATEWAY), family).value_or(base::Address{})};
    at += bytes;
    left -= bytes;
  }
  return std::nullopt;
}

std::optional<Hop> hop_of(const nlmsghdr& message, const rtmsg& head, unsigned interface_index) {
  if (find(message, sizeof head, RTA_VIA) != nullptr) return std::nullopt;
  if (const nlattr* several = find(message, sizeof head, RTA_MULTIPATH)) return hop_of_several(several, head.rtm_family, interface_index);
  const auto through = number(find(message, sizeof head, RTA_OIF));
  if (!through) return std::nullopt;
  return Hop{.interface_index = *through, .via = address(find(message, sizeof head, RTA_GATEWAY), head.rtm_family).value_or(base::Address{})};
}

template <typename Head>
std::optional<Head> head_of(const nlmsghdr& message) {
  if (mnl_nlmsg_get_payload_len(&message) < sizeof(Head)) return std::nullopt;
  Head head{};
  std::memcpy(&head, mnl_nlmsg_get_payload(&message), sizeof head);
  return head;
}

}  // namespace

std::optional<Route> read_route(const nlmsghdr& message, unsigned interface_index) {
  const auto head = head_of<rtmsg>(message);
  if (message.nlmsg_type != RTM_NEWROUTE || !head || head->rtm_type != RTN_UNICAST || head->rtm_tos != 0 || (head->rtm_flags & RTM_F_CLONED) != 0)
    return std::nullopt;
  const std::uint32_t table = number(find(message, sizeof *head, RTA_TABLE)).value_or(head->rtm_table);
  const auto to = prefix(message, *head);
  const auto hop = hop_of(message, *head, interface_index);
  if (table != RT_TABLE_MAIN || !to || !hop || hop->interface_index != interface_index) return std::nullopt;
  return Route{.to = *to, .via = hop->via, .metric = number(find(message, sizeof *head, RTA_PRIORITY)).value_or(0)};
}

std::optional<Neighbour> read_neighbour(const nlmsghdr& message, unsigned interface_index) {
  const auto head = head_of<ndmsg>(message);
  constexpr unsigned believed = NUD_REACHABLE | NUD_PERMANENT;
  if (message.nlmsg_type != RTM_NEWNEIGH || !head || static_cast<unsigned>(head->ndm_ifindex) != interface_index || (head->ndm_state & believed) == 0)
    return std::nullopt;
  const auto at = address(find(message, sizeof *head, NDA_DST), head->ndm_family);
  const nlattr* const mac = find(message, sizeof *head, NDA_LLADDR);
  Neighbour n{.address = at.value_or(base::Address{})};
  if (!at || at->is_unusable_destination() || mac == nullptr || mnl_attr_get_payload_len(mac) != n.mac.size()) return std::nullopt;
  std::memcpy(n.mac.data(), mnl_attr_get_payload(mac), n.mac.size());
  return n;
}

// Routes tell of themselves, but for those that go with an interface or an address.
bool concerns_routes(const nlmsghdr& message, unsigned interface_index) {
  const bool is_route = message.nlmsg_type == RTM_NEWROUTE || message.nlmsg_type == RTM_DELROUTE;
  const bool is_link = message.nlmsg_type == RTM_NEWLINK || message.nlmsg_type == RTM_DELLINK;
  const bool is_address = message.nlmsg_type == RTM_NEWADDR || message.nlmsg_type == RTM_DELADDR;
  if (is_link) {
    const auto head = head_of<ifinfomsg>(message);
    return head && static_cast<unsigned>(head->ifi_index) == interface_index;
  }
  if (is_address) {
    const auto head = head_of<ifaddrmsg>(message);
    return head && head->ifa_index == interface_index;
  }
  return is_route;
}

}  // namespace viaduct::kernel
