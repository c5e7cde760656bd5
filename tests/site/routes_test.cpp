// SPDX-License-Identifier: Apache-2.0
// Routes against the slow way: every prefix looked at, the longest taken.
#include "viaduct/site/routes.h"

#include <gtest/gtest.h>

#include <random>

namespace viaduct::site {
namespace {

base::Address address(std::string_view text) { return *base::Address::parse(text); }
Route route(std::string_view to, std::string_view via = {}) { return {.to = *base::Prefix::parse(to), .via = via.empty() ? base::Address{} : address(via)}; }

base::Address slow_next_hop(const std::vector<Route>& routes, const base::Address& to) {
  const Route* best = nullptr;
  for (const Route& r : routes)
    if (r.to.address.is_v4() == to.is_v4() && r.to.contains(to) && (best == nullptr || r.to.bits > best->to.bits)) best = &r;
  return best == nullptr ? base::Address{} : best->via.is_unset() ? to : best->via;
}

TEST(Routes, LeadNowhereWhenThereAreNone) {
  EXPECT_TRUE(Routes().next_hop(address("192.0.2.1")).address.is_unset());
  EXPECT_TRUE(Routes().next_hop(address("2001:db8::1")).address.is_unset());
}

TEST(Routes, LeadByTheLongestPrefix) {
  const Routes routes({route("0.0.0.0/0", "192.0.2.1"), route("192.0.2.0/24"), route("198.51.100.0/24", "192.0.2.2"), route("198.51.100.7/32", "192.0.2.3"),
                       route("::/0", "fe80::1"), route("2001:db8::/64"), route("2001:db8:1::/48", "2001:db8::2")});
  const auto hop = [&](std::string_view to) { return routes.next_hop(address(to)).address.text(); };
  EXPECT_EQ(hop("192.0.2.200"), "192.0.2.200");
  EXPECT_EQ(hop("203.0.113.1"), "192.0.2.1");
  EXPECT_EQ(hop("198.51.100.6"), "192.0.2.2");
  EXPECT_EQ(hop("198.51.100.7"), "192.0.2.3");
  EXPECT_EQ(hop("198.51.100.8"), "192.0.2.2");
  EXPECT_EQ(hop("0.0.0.0"), "192.0.2.1");
  EXPECT_EQ(hop("255.255.255.255"), "192.0.2.1");
  EXPECT_EQ(hop("2001:db8::77"), "2001:db8::77");
  EXPECT_EQ(hop("2001:db8:1::77"), "2001:db8::2");
  EXPECT_EQ(hop("ffff::1"), "fe80::1");
}

TEST(Routes, ToOnePrefixTheFirstIsTheWay) {
  const Routes routes({route("192.0.2.0/24", "198.51.100.2"), route("192.0.2.0/24", "198.51.100.1")});
  EXPECT_EQ(routes.next_hop(address("192.0.2.9")).address, address("198.51.100.2"));
}

TEST(Routes, NameTheLinkOfEachWay) {
  const base::Link access{0, 0}, core{1, 7};
  const Routes routes({{.to = *base::Prefix::parse("192.0.2.0/24"), .via = {}, .link = access},
                       {.to = *base::Prefix::parse("198.51.100.0/24"), .via = {}, .link = core},
                       {.to = *base::Prefix::parse("203.0.113.0/24"), .via = address("198.51.100.1"), .link = core},
                       route("2001:db8::/64")});
  const auto link = [&](std::string_view to) { return routes.next_hop(address(to)).link; };
  EXPECT_EQ(link("192.0.2.1"), access);
  EXPECT_EQ(link("198.51.100.7"), core);
  EXPECT_EQ(link("203.0.113.7"), core);
  EXPECT_EQ(link("2001:db8::1"), base::Link::any());
  EXPECT_EQ(link("9.9.9.9"), base::Link::any());
}

// Few bits vary, so that prefixes nest, touch and repeat, at both ends of the space as well.
base::Address random_address(std::mt19937_64& random, bool is_v4) {
  std::array<std::uint8_t, 16> octets{};
  for (std::uint8_t& o : octets) o = (std::array<std::uint8_t, 4>{0x00, 0xff, 0x80, 0x01})[random() % 4];
  if (is_v4) return base::Address::v4({octets[0], octets[1], octets[2], octets[3]});
  octets[0] |= 0x20;
  return base::Address::v6(octets);
}

TEST(Routes, AgreeWithTheSlowWay) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    std::mt19937_64 random{seed};
    std::vector<Route> all;
    for (std::size_t i = random() % 60; i != 0; --i) {
      const bool is_v4 = random() % 2 == 0;
      const std::string to = random_address(random, is_v4).text() + '/' + std::to_string(random() % (is_v4 ? 33 : 129));
      all.push_back({.to = *base::Prefix::parse(to), .via = random() % 4 == 0 ? base::Address{} : random_address(random, is_v4)});
    }
    const Routes routes(all);
    for (int i = 0; i < 500; ++i) {
      const base::Address to = random_address(random, random() % 2 == 0);
      ASSERT_EQ(routes.next_hop(to).address, slow_next_hop(all, to)) << seed << ' ' << to.text();
    }
    for (const Route& r : all) ASSERT_EQ(routes.next_hop(r.to.address).address, slow_next_hop(all, r.to.address)) << seed << ' ' << r.to.text();
  }
}

}  // namespace
}  // namespace viaduct::site
