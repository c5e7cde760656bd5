// SPDX-License-Identifier: Apache-2.0
// The snapshot of homes: prebuilt texts, look-ups, and who takes over for a home that is down.
#include <gtest/gtest.h>

#include <algorithm>

#include "fleet.h"
#include "viaduct/base/limits.h"

namespace viaduct::assign::test {
namespace {

base::Endpoint at(const char* text) { return base::Endpoint::parse(text, 5060).value(); }

Homes two_homes() {
  Home a = home("alpha");
  a.address = at("10.0.0.1:5062");
  a.public_v4 = at("192.0.2.1:5060");
  a.public_v6 = at("[2001:db8::1]:5061");
  Home b = home("beta");
  b.address = at("10.0.0.2:5060");
  b.state = HomeState::removed;
  return Homes({a, b});
}

std::vector<std::size_t> shares_of_next_up(const Homes& homes, std::size_t keys) {
  std::vector<std::size_t> counts(homes.size());
  for (const ClientKey& key : random_keys(keys, 7)) ++counts[next_up(homes, key.low)];
  return counts;
}

TEST(Homes, PrebuildsTheContactOfEachFamily) {
  const Homes homes = two_homes();
  EXPECT_EQ(homes[0].contact_v4, "Contact: <sip:192.0.2.1:5060");
  EXPECT_EQ(homes[0].contact_v6, "Contact: <sip:[2001:db8::1]:5061");
  EXPECT_EQ(homes[1].contact_v4, "");
}

TEST(Homes, ABriefSaysWhatItsHomeSays) {
  Home far = home("far");
  far.address = at("10.0.0.3:5060");
  far.public_v4 = at("255.255.255.255:65535");
  far.is_viaduct = far.is_local = true;
  Home hidden = home("hidden");
  hidden.state = HomeState::draining;
  const Homes homes({far, hidden});
  const HomeBrief& b = homes.brief(0);
  EXPECT_EQ(std::string_view(b.contact_v4.data(), b.contact_v4_bytes), homes[0].contact_v4) << "the longest";
  EXPECT_EQ(b.address, far.address);
  EXPECT_TRUE(b.is_viaduct && b.is_local && !b.has_public_v6 && b.state == HomeState::up);
  const HomeBrief& h = homes.brief(1);
  EXPECT_TRUE(h.contact_v4_bytes == 0 && !h.is_viaduct && !h.is_local && h.state == HomeState::draining);
  EXPECT_TRUE(two_homes().brief(0).has_public_v6);
}

TEST(Homes, FindsByName) {
  const Homes homes = two_homes();
  EXPECT_EQ(homes.find("alpha"), 0);
  EXPECT_EQ(homes.find("beta"), 1);
  EXPECT_EQ(homes.find("alph"), no_home);
  EXPECT_EQ(homes.find("zeta"), no_home);
}

TEST(Homes, KnowsAddressesAndPublicAddressesButNoneOfARemovedHome) {
  const Homes homes = two_homes();
  EXPECT_EQ(homes.find(at("10.0.0.1:5062")), 0);
  EXPECT_EQ(homes.find(at("[2001:db8::1]:5061")), 0);
  EXPECT_EQ(homes.find(at("10.0.0.1:5060")), 0) << "its host, at another port";
  EXPECT_EQ(homes.find(at("10.0.0.1:65535")), 0);
  EXPECT_EQ(homes.find(at("10.0.0.2:5060")), no_home);
  EXPECT_TRUE(homes.is_home_host(at("192.0.2.1:9").address));
  EXPECT_FALSE(homes.is_home_host(at("10.0.0.2:5060").address));
}

TEST(Homes, TellsHomesOfOneHostByTheirPorts) {
  Home a = home("a"), b = home("b");
  a.address = at("10.0.0.1:5060");
  b.address = at("10.0.0.1:5070");
  const Homes homes({b, a});
  EXPECT_EQ(homes.find(at("10.0.0.1:5070")), 0);
  EXPECT_EQ(homes.find(at("10.0.0.1:5060")), 1);
}

TEST(HomesDeathTest, RefusesTwoHomesOfOneName) { EXPECT_DEATH(Homes({home("a"), home("b"), home("a")}), "two homes of one name"); }

TEST(NextUp, ChoosesOnlyHomesThatAreUp) {
  const Homes homes({home("a"), home("b", 1, HomeState::down), home("c", 1, HomeState::draining), home("d", 1, HomeState::removed), home("e")});
  const auto counts = shares_of_next_up(homes, 10'000);
  EXPECT_NEAR(static_cast<double>(counts[0]), 5'000, 250);
  EXPECT_NEAR(static_cast<double>(counts[4]), 5'000, 250);
  EXPECT_EQ(counts[0] + counts[4], 10'000u);
}

TEST(NextUp, ChoosesAHomeInSlowStartOnlyWhenThereIsNoOther) {
  const auto counts = shares_of_next_up(Homes({home("a"), home("b", 1, HomeState::returning)}), 1'000);
  EXPECT_EQ(counts[0], 1'000u);
  EXPECT_EQ(next_up(Homes({home("a", 1, HomeState::down), home("b", 1, HomeState::returning)}), 1), 1);
}

TEST(HasReturned, LetsClientsGoInOrderOfTheirKeys) {
  HomeBrief brief;
  const auto keys = random_keys(10'000, 9);
  brief.returned_percent = returned_percent_all;
  EXPECT_TRUE(std::ranges::all_of(keys, [&](const ClientKey& key) { return has_returned(brief, key); }));
  for (const int percent : {0, 1, 10, 99}) {
    brief.returned_percent = static_cast<std::uint8_t>(percent);
    const auto count = std::ranges::count_if(keys, [&](const ClientKey& key) { return has_returned(brief, key); });
    EXPECT_NEAR(static_cast<double>(count), percent * 100.0, 150) << percent;
  }
}

TEST(NextUp, IsNobodyWhenNoneIsUp) {
  EXPECT_EQ(next_up(Homes({home("a", 1, HomeState::down)}), 1), no_home);
  EXPECT_EQ(next_up(Homes(), 1), no_home);
}

TEST(NextUp, FollowsTheWeights) {
  const auto counts = shares_of_next_up(Homes({home("a", 1), home("b", 2), home("c", 5), home("z", 0)}), 80'000);
  EXPECT_NEAR(static_cast<double>(counts[0]), 10'000, 400);
  EXPECT_NEAR(static_cast<double>(counts[1]), 20'000, 500);
  EXPECT_NEAR(static_cast<double>(counts[2]), 50'000, 600);
  EXPECT_EQ(counts[3], 0u);
}

TEST(NextUp, KeepsEveryClientWhoseHomeStaysUp) {
  const Homes before({home("a"), home("b"), home("c")});
  const Homes after({home("a"), home("b", 1, HomeState::down), home("c")});
  std::size_t spread[3] = {};
  for (const ClientKey& key : random_keys(10'000, 8)) {
    const HomeIndex was = next_up(before, key.low);
    const HomeIndex is = next_up(after, key.low);
    if (was == 1)
      ++spread[is];
    else
      ASSERT_EQ(is, was);
  }
  EXPECT_GT(spread[0], 1'000u);  // those of the home that went down go to all others, not to one
  EXPECT_GT(spread[2], 1'000u);
}

}  // namespace
}  // namespace viaduct::assign::test
