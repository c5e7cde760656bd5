// SPDX-License-Identifier: Apache-2.0
// Messages of rtnetlink as the kernel writes them, and with each piece missing or of another kind.
#include "messages.h"

#include <gtest/gtest.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include <cstring>

namespace viaduct::kernel {
namespace {

constexpr unsigned ours = 7, other = 8;

base::Address address(std::string_view text) { return *base::Address::parse(text); }

class Message {
 public:
  template <typename Head>
  Message(std::uint16_t type, const Head& head) {
    message_ = mnl_nlmsg_put_header(buffer_.data());
    message_->nlmsg_type = type;
    std::memcpy(mnl_nlmsg_put_extra_header(message_, sizeof head), &head, sizeof head);
  }
  Message& number(std::uint16_t type, std::uint32_t value) { return mnl_attr_put_u32(message_, type, value), *this; }
  Message& address(std::uint16_t type, std::string_view text) {
    const base::Address a = kernel::address(text);
    const std::uint32_t wire = a.is_v4() ? a.v4_wire() : 0;
    if (a.is_v4())
      mnl_attr_put(message_, type, sizeof wire, &wire);
    else
      mnl_attr_put(message_, type, 16, a.octets().data());
    return *this;
  }
  Message& octets(std::uint16_t type, std::string_view value) { return mnl_attr_put(message_, type, value.size(), value.data()), *this; }
  [[nodiscard]] nlmsghdr& operator*() { return *message_; }

 private:
  alignas(nlmsghdr) std::array<char, 1024> buffer_{};
  nlmsghdr* message_;
};

rtmsg head(std::uint8_t bits, std::uint8_t family = AF_INET) {
  return {.rtm_family = family, .rtm_dst_len = bits, .rtm_table = RT_TABLE_MAIN, .rtm_type = RTN_UNICAST};
}

TEST(KernelRoute, HasPrefixGatewayAndMetric) {
  const auto route = read_route(
      *Message(RTM_NEWROUTE, head(24)).address(RTA_DST, "198.51.100.0").address(RTA_GATEWAY, "192.0.2.1").number(RTA_OIF, ours).number(RTA_PRIORITY, 20), ours);
  ASSERT_TRUE(route);
  EXPECT_EQ(*route, (Route{.to = *base::Prefix::parse("198.51.100.0/24"), .via = address("192.0.2.1"), .metric = 20}));
}

TEST(KernelRoute, WithoutGatewayIsOnTheLinkAndWithoutPrefixTheDefault) {
  EXPECT_EQ(*read_route(*Message(RTM_NEWROUTE, head(24)).address(RTA_DST, "192.0.2.0").number(RTA_OIF, ours), ours),
            (Route{.to = *base::Prefix::parse("192.0.2.0/24")}));
  EXPECT_EQ(read_route(*Message(RTM_NEWROUTE, head(0)).address(RTA_GATEWAY, "192.0.2.1").number(RTA_OIF, ours), ours)->to.text(), "0.0.0.0/0");
  EXPECT_EQ(read_route(*Message(RTM_NEWROUTE, head(0, AF_INET6)).address(RTA_GATEWAY, "fe80::1").number(RTA_OIF, ours), ours)->to.text(), "::/0");
}

/// One of several equal ways: its header, and an attribute that says where it leads.
std::string way(unsigned index, std::uint16_t type, std::string_view value, std::uint8_t flags = 0) {
  const nlattr attribute{.nla_len = static_cast<std::uint16_t>(sizeof attribute + value.size()), .nla_type = type};
  const std::size_t bytes = sizeof(rtnexthop) + attribute.nla_len;
  const rtnexthop hop{.rtnh_len = static_cast<std::uint16_t>(bytes), .rtnh_flags = flags, .rtnh_ifindex = static_cast<int>(index)};
  std::string out{reinterpret_cast<const char*>(&hop), sizeof hop};
  out.append(reinterpret_cast<const char*>(&attribute), sizeof attribute).append(value);
  out.resize(MNL_ALIGN(bytes));
  return out;
}
std::string way(unsigned index, std::string_view gateway, std::uint8_t flags = 0) {
  const std::uint32_t wire = address(gateway).v4_wire();
  return way(index, RTA_GATEWAY, {reinterpret_cast<const char*>(&wire), sizeof wire}, flags);
}
std::optional<Route> read_several(std::string_view octets, unsigned index) {
  return read_route(*Message(RTM_NEWROUTE, head(0)).octets(RTA_MULTIPATH, octets), index);
}

TEST(KernelRoute, OfSeveralEqualWaysIsTheOneThroughTheInterface) {
  const std::string hops = way(other, "192.0.2.8") + way(ours, "192.0.2.7");
  const auto read = read_several;
  EXPECT_EQ(read(hops, ours)->via, address("192.0.2.7"));
  EXPECT_EQ(read(hops, other)->via, address("192.0.2.8"));
  EXPECT_FALSE(read(hops, 9));
  for (std::size_t bytes = 0; bytes < hops.size(); ++bytes) EXPECT_FALSE(read(std::string_view{hops}.substr(0, bytes), ours)) << bytes;
}

TEST(KernelRoute, OfSeveralEqualWaysIsNoneThatCannotBeGone) {
  const std::string by_ipv6 = way(ours, RTA_VIA, std::string_view("\x0a\0\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 18)),
                    dead = way(ours, "192.0.2.6", RTNH_F_DEAD);
  EXPECT_FALSE(read_several(by_ipv6 + by_ipv6, ours)) << "not what is on the link itself";
  EXPECT_FALSE(read_several(dead, ours));
  const auto route = read_several(by_ipv6 + dead + way(ours, "192.0.2.7"), ours);
  ASSERT_TRUE(route);
  EXPECT_EQ(route->via, address("192.0.2.7"));
}

TEST(KernelRoute, OfAnotherKindIsNone) {
  const auto read = [](rtmsg h, std::uint16_t type = RTM_NEWROUTE) {
    return read_route(*Message(type, h).address(RTA_DST, "192.0.2.0").number(RTA_OIF, ours), ours);
  };
  EXPECT_TRUE(read(head(24)));
  EXPECT_FALSE(read(head(24), RTM_DELROUTE));
  EXPECT_FALSE(read(head(33)));
  EXPECT_FALSE(read(head(24, AF_INET6))) << "a destination of the other size";
  for (const auto change : {+[](rtmsg& h) { h.rtm_type = RTN_LOCAL; }, +[](rtmsg& h) { h.rtm_type = RTN_BLACKHOLE; }, +[](rtmsg& h) { h.rtm_tos = 4; },
                            +[](rtmsg& h) { h.rtm_table = RT_TABLE_LOCAL; }, +[](rtmsg& h) { h.rtm_flags = RTM_F_CLONED; }}) {
    rtmsg h = head(24);
    change(h);
    EXPECT_FALSE(read(h));
  }
  EXPECT_FALSE(read_route(*Message(RTM_NEWROUTE, head(24)).address(RTA_DST, "192.0.2.0").number(RTA_OIF, other), ours));
  EXPECT_FALSE(read_route(*Message(RTM_NEWROUTE, head(24)).address(RTA_DST, "192.0.2.0"), ours));
  EXPECT_FALSE(read_route(*Message(RTM_NEWROUTE, head(24)).address(RTA_DST, "192.0.2.0").number(RTA_OIF, ours).number(RTA_TABLE, 1000), ours));
  EXPECT_FALSE(read_route(*Message(RTM_NEWROUTE, head(24)).address(RTA_DST, "192.0.2.0").number(RTA_OIF, ours).octets(RTA_VIA, "\xa\0aaaaaaaaaaaaaaaa"), ours));
  EXPECT_FALSE(read_route(*Message(RTM_NEWROUTE, std::uint32_t{}), ours)) << "too short";
}

TEST(KernelNeighbour, IsBelievedWhenTheKernelBelievesIt) {
  const auto read = [](std::uint16_t state, int index, std::string_view mac) {
    return read_neighbour(
        *Message(RTM_NEWNEIGH, ndmsg{.ndm_family = AF_INET, .ndm_ifindex = index, .ndm_state = state}).address(NDA_DST, "192.0.2.9").octets(NDA_LLADDR, mac),
        ours);
  };
  const auto known = read(NUD_REACHABLE, ours, "\x02\x01\x01\x01\x01\x09");
  ASSERT_TRUE(known);
  EXPECT_EQ(known->address, address("192.0.2.9"));
  EXPECT_EQ(known->mac[5], 9);
  EXPECT_TRUE(read(NUD_PERMANENT, ours, "abcdef"));
  EXPECT_FALSE(read(NUD_STALE, ours, "abcdef"));
  EXPECT_FALSE(read(NUD_FAILED, ours, "abcdef"));
  EXPECT_FALSE(read(NUD_REACHABLE, other, "abcdef"));
  EXPECT_FALSE(read(NUD_REACHABLE, ours, "abcde"));
}

TEST(KernelNotification, ConcernsRoutesWhenItTellsOfOneOrOfTheInterface) {
  EXPECT_TRUE(concerns_routes(*Message(RTM_NEWROUTE, head(24)), ours));
  EXPECT_TRUE(concerns_routes(*Message(RTM_DELROUTE, head(24)), ours));
  EXPECT_TRUE(concerns_routes(*Message(RTM_NEWLINK, ifinfomsg{.ifi_index = ours}), ours));
  EXPECT_FALSE(concerns_routes(*Message(RTM_NEWLINK, ifinfomsg{.ifi_index = other}), ours));
  EXPECT_TRUE(concerns_routes(*Message(RTM_DELADDR, ifaddrmsg{.ifa_index = ours}), ours));
  EXPECT_FALSE(concerns_routes(*Message(RTM_DELADDR, ifaddrmsg{.ifa_index = other}), ours));
  EXPECT_FALSE(concerns_routes(*Message(RTM_NEWNEIGH, ndmsg{.ndm_ifindex = ours}), ours));
}

}  // namespace
}  // namespace viaduct::kernel
