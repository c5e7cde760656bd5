// SPDX-License-Identifier: Apache-2.0
// Which listener sends what came to another one, and what its Via says then.
#include <gtest/gtest.h>

#include "viaduct/site/site.h"

namespace viaduct::site {
namespace {

constexpr base::Link access{0, 0}, core{1, 0}, any = base::Link::any();

Site site_of(std::initializer_list<std::pair<std::string_view, base::Link>> listeners) {
  Site site;
  for (const auto& [text, link] : listeners) {
    const base::Endpoint endpoint = *base::Endpoint::parse(text, 5060);
    site.listeners.push_back({.endpoint = endpoint, .via_prefix = "Via: SIP/2.0/UDP " + endpoint.text() + ";branch=", .link = link});
  }
  site.relate_listeners();
  return site;
}

base::Address address(std::string_view text) { return *base::Address::parse(text); }

std::string_view sender(const Site& site, std::size_t ingress, std::string_view to, base::Link by) {
  static std::string text;
  const Listener* const l = site.egress(site.listeners[ingress], address(to), by);
  return text = l != nullptr ? l->endpoint.text() : "none";
}

TEST(Listeners, SendThemselvesWhereTheyCan) {
  const Site site = site_of({{"192.0.2.1", access}, {"192.0.2.2:5070", access}});
  EXPECT_EQ(sender(site, 1, "192.0.2.9", any), "192.0.2.2:5070");
  EXPECT_EQ(sender(site, 1, "192.0.2.9", access), "192.0.2.2:5070");
  EXPECT_EQ(sender(site, 1, "198.51.100.9", core), "none");
  EXPECT_EQ(sender(site, 1, "2001:db8::1", any), "none");
}

TEST(Listeners, LeaveToOnesOfTheSamePositionWhereTheyCannot) {
  const Site site = site_of({{"192.0.2.1", access}, {"192.0.2.1:5070", access}, {"198.51.100.1", core}, {"198.51.100.1:5070", core}, {"[2001:db8::1]", core}});
  EXPECT_EQ(sender(site, 0, "198.51.100.9", core), "198.51.100.1:5060");
  EXPECT_EQ(sender(site, 1, "198.51.100.9", core), "198.51.100.1:5070");
  EXPECT_EQ(sender(site, 1, "2001:db8::9", core), "[2001:db8::1]:5060") << "the first, where there is none of that position";
  EXPECT_EQ(sender(site, 3, "192.0.2.9", access), "192.0.2.1:5070");
}

TEST(Listeners, LeaveToOnesOfTheirOwnLinkBeforeOthers) {
  const Site site = site_of({{"192.0.2.1", access}, {"198.51.100.1", core}, {"[2001:db8::1]", access}, {"[2001:db8:1::1]", core}});
  EXPECT_EQ(sender(site, 0, "2001:db8::9", any), "[2001:db8::1]:5060");
  EXPECT_EQ(sender(site, 1, "2001:db8::9", any), "[2001:db8:1::1]:5060");
}

TEST(Listeners, NameTheIngressInTheViaOfACrossingAndFindItAgain) {
  const Site site = site_of({{"192.0.2.1", access}, {"192.0.2.1:5070", access}, {"198.51.100.1", core}});
  EXPECT_EQ(site.via_prefix(site.listeners[1], site.listeners[1]), "Via: SIP/2.0/UDP 192.0.2.1:5070;branch=");
  const std::string& crossing = site.via_prefix(site.listeners[1], site.listeners[2]);
  EXPECT_EQ(crossing, "Via: SIP/2.0/UDP 198.51.100.1:5060;in=1;branch=");
  EXPECT_EQ(site.egress_back(site.listeners[2], crossing, address("192.0.2.9"), access), &site.listeners[1]);
  EXPECT_EQ(site.egress_back(site.listeners[2], "SIP/2.0/UDP 198.51.100.1:5060;in=7;branch=x", address("192.0.2.9"), access), &site.listeners[0])
      << "none of ours";
  EXPECT_EQ(site.egress_back(site.listeners[2], "SIP/2.0/UDP 198.51.100.1:5060;branch=x", address("198.51.100.9"), core), &site.listeners[2]);
}

// RFC 3581 4: a response leaves from the address and port that its request came to.
TEST(Listeners, NameTheIngressTowardsOthersOfTheirLinkToo) {
  const Site site = site_of({{"192.0.2.1", access}, {"192.0.2.1:5070", access}, {"192.0.2.2", access}, {"198.51.100.1", core}});
  for (const std::size_t egress : {1, 2}) {
    const std::string& via = site.via_prefix(site.listeners[0], site.listeners[egress]);
    EXPECT_EQ(via, "Via: SIP/2.0/UDP " + site.listeners[egress].endpoint.text() + ";in=0;branch=");
    EXPECT_EQ(site.egress_back(site.listeners[egress], via, address("192.0.2.9"), access), &site.listeners[0]);
  }
  const std::string& crossing = site.via_prefix(site.listeners[0], site.listeners[3]);
  EXPECT_EQ(site.egress_back(site.listeners[3], crossing, address("203.0.113.9"), any), &site.listeners[0]) << "also to where no prefix says by which link";
}

TEST(Listeners, HaveTheirAddressesOnTheirLinksOnly) {
  const Site site = site_of({{"192.0.2.1", access}, {"198.51.100.1", core}});
  EXPECT_TRUE(site.has_address(address("198.51.100.1"), core));
  EXPECT_FALSE(site.has_address(address("198.51.100.1"), access));
  EXPECT_EQ(site.egress(address("198.51.100.9"), core), &site.listeners[1]);
  EXPECT_EQ(site.egress(address("198.51.100.9"), {1, 7}), nullptr);
}

}  // namespace
}  // namespace viaduct::site
