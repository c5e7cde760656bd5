// SPDX-License-Identifier: Apache-2.0
// What clients are told of edges by how these are, and the records of every name.
#include "viaduct/directory/directory.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "fleet.h"

namespace viaduct::directory::test {
namespace {

using Contents = std::vector<std::string>;

constexpr Standing idle{.state = State::up}, draining{.state = State::draining}, dead{.state = State::down};

Standing busy(double ratio) { return {.state = State::up, .headroom_ratio = 1 - ratio}; }

std::vector<Offer> of(const Standing& first, const Standing& second) { return offers(two_edges().edges, std::vector{first, second}); }

constexpr Offer offer(std::uint16_t priority, std::uint16_t weight) { return {.is_made = true, .priority = priority, .weight = weight}; }

/// Records of one type, in order; nothing also when there is no such name.
Contents records(const Directory& directory, std::string_view name, std::string_view type) {
  Contents out;
  if (const auto* found = directory.find(name))
    for (const Record& r : *found)
      if (r.type == type) out.push_back(r.content);
  std::ranges::sort(out);
  return out;
}

// --- offers

TEST(Offers, AreWeightedByTheTimeThatIsLeftInTwentieths) {
  EXPECT_EQ(of(idle, idle), (std::vector{offer(10, 100), offer(10, 40)}));
  EXPECT_EQ(of(busy(0.5), busy(0.02)), (std::vector{offer(10, 50), offer(10, 40)}));
  EXPECT_EQ(of(busy(0.26), busy(0.74)), (std::vector{offer(10, 75), offer(10, 10)}));
}

TEST(Offers, NeverComeToNothingForWhoIsAlive) {
  EXPECT_EQ(of(busy(1), busy(7)), (std::vector{offer(10, 5), offer(10, 2)}));
  const std::vector<Edge> light = {{.name = "a", .addresses = {}, .weight = 1}};
  EXPECT_EQ(offers(light, std::vector{busy(0.9)})[0], offer(10, 1));
  const std::vector<Edge> heavy = {{.name = "a", .addresses = {}, .weight = 65535}};
  EXPECT_EQ(offers(heavy, std::vector{idle})[0], offer(10, 65535));
}

TEST(Offers, PutLastWhoDrainsAndLeaveOutWhoIsDown) {
  EXPECT_EQ(of(draining, idle), (std::vector{offer(20, 100), offer(10, 40)}));
  EXPECT_EQ(of(dead, idle), (std::vector{Offer{}, offer(10, 40)}));
  EXPECT_EQ(of(dead, draining), (std::vector{Offer{}, offer(20, 40)})) << "better one that drains than none";
}

TEST(Offers, AreMadeOfAllWhenAllAreDown) { EXPECT_EQ(of(dead, dead), (std::vector{offer(10, 100), offer(10, 40)})); }

// --- records

TEST(Directory, HasTheRecordsOfADomain) {
  const Directory d(two_edges(), std::vector{idle, busy(0.5)}, 7);
  EXPECT_EQ(records(d, "example.com", "SOA"), (Contents{"ns1.example.net. hostmaster.example.com. 7 30 30 604800 30"}));
  EXPECT_EQ(records(d, "example.com", "NS"), (Contents{"ns1.example.net.", "ns2.example.net."}));
  EXPECT_EQ(records(d, "example.com", "NAPTR"), (Contents{"10 50 \"s\" \"SIP+D2U\" \"\" _sip._udp.example.com."}));
  EXPECT_EQ(records(d, "_sip._udp.example.com", "SRV"), (Contents{"10 100 5060 edge-1.example.com.", "10 20 5060 edge-2.example.com."}));
  EXPECT_EQ(records(d, "example.com", "A"), (Contents{"192.0.2.1", "192.0.2.2"}));
  EXPECT_EQ(records(d, "example.com", "AAAA"), (Contents{"2001:db8::1"}));
  EXPECT_EQ(records(d, "edge-1.example.com", "A"), (Contents{"192.0.2.1"}));
  EXPECT_EQ(records(d, "edge-1.example.com", "AAAA"), (Contents{"2001:db8::1"}));
  EXPECT_EQ(records(d, "edge-2.example.com", "AAAA"), Contents{});
}

TEST(Directory, IsBlindToCaseAndToADotAtTheEnd) {
  const Directory d(two_edges(), std::vector{idle, idle}, 7);
  EXPECT_EQ(records(d, "_SIP._udp.Example.COM.", "SRV").size(), 2U);
  EXPECT_EQ(d.zone_of("Edge-9.EXAMPLE.com."), "example.com");
  EXPECT_TRUE(d.serves("EXAMPLE.com."));
}

TEST(Directory, KnowsNamesInBetweenAndNoOthers) {
  const Directory d(two_edges(), std::vector{idle, idle}, 7);
  ASSERT_NE(d.find("_udp.example.com"), nullptr);
  EXPECT_TRUE(d.find("_udp.example.com")->empty());
  for (const auto* name : {"com", "", ".", "edge-3.example.com", "edge-1.example.org", "x.edge-1.example.com", "anexample.com"})
    EXPECT_EQ(d.find(name), nullptr) << name;
}

TEST(Directory, OffersAddressesOfTheFirstChoiceAtThePortThatTheyStandFor) {
  Settings s = two_edges();
  const auto addresses = [&](const Standing& first, const Standing& second) {
    return records(Directory(s, std::vector{first, second}, 7), "example.com", "A");
  };
  EXPECT_EQ(addresses(draining, idle), (Contents{"192.0.2.2"}));
  EXPECT_EQ(addresses(draining, draining), (Contents{"192.0.2.1", "192.0.2.2"}));
  s.edges[1].port = 5070;
  EXPECT_EQ(addresses(idle, idle), (Contents{"192.0.2.1"}));
  EXPECT_EQ(addresses(draining, idle), (Contents{"192.0.2.1"})) << "the other cannot be named by an address";
  s.edges[0].port = 5070;
  EXPECT_EQ(addresses(idle, idle), Contents{});
  EXPECT_EQ(records(Directory(s, std::vector{idle, idle}, 7), "_sip._udp.example.com", "SRV"),
            (Contents{"10 100 5070 edge-1.example.com.", "10 40 5070 edge-2.example.com."}));
}

TEST(Directory, KeepsToItsZones) {
  Settings s = two_edges();
  s.zones = {"_udp.example.com", "edges.example.net"};
  s.edges[1].name = "two.edges.example.net";
  const Directory d(s, std::vector{idle, idle}, 7);
  EXPECT_EQ(records(d, "_sip._udp.example.com", "SRV").size(), 2U);
  EXPECT_EQ(d.find("example.com"), nullptr);
  EXPECT_EQ(d.find("edge-1.example.com"), nullptr);
  EXPECT_EQ(records(d, "two.edges.example.net", "A"), (Contents{"192.0.2.2"}));
  EXPECT_EQ(records(d, "_udp.example.com", "NS").size(), 2U);
  EXPECT_EQ(records(d, "_udp.example.com", "NAPTR"), Contents{}) << "a part of a domain's names is nobody's domain";
  // Any other zone may stand in another server's NAPTR record.
  EXPECT_EQ(records(d, "_sip._udp.edges.example.net", "SRV").size(), 2U);
  EXPECT_EQ(records(d, "edges.example.net", "NAPTR").size(), 1U);
  EXPECT_EQ(d.zone_of("a._udp.example.com"), "_udp.example.com");
  EXPECT_EQ(d.zone_of("x_udp.example.com"), "");
}

TEST(Directory, SaysAnAddressOnceWhereAnEdgeHasTheDomainsName) {
  Settings s = two_edges();
  s.edges[0].name = "example.com";
  const Directory d(s, std::vector{idle, idle}, 7);
  EXPECT_EQ(records(d, "example.com", "A"), (Contents{"192.0.2.1", "192.0.2.2"}));
}

}  // namespace
}  // namespace viaduct::directory::test
