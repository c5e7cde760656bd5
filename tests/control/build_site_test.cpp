// SPDX-License-Identifier: Apache-2.0
// What a site is made of: what the homes that stand need of a configuration, and who is everybody.
#include "viaduct/control/build_site.h"

#include <gtest/gtest.h>

namespace viaduct::control {
namespace {

assign::Home home_at(const char* address, assign::HomeState state = assign::HomeState::up) {
  assign::Home home;
  home.name = "north";
  home.address = *base::Endpoint::parse(address, 5060);
  home.state = state;
  return home;
}

config::Config a_config() {
  config::Config c;
  c.listen = {{.endpoint = *base::Endpoint::parse("192.0.2.1:5060", 0), .link = {}}};
  c.on_link = {{.prefix = *base::Prefix::parse("192.0.2.0/24")}};
  c.domains = {"example.com"};
  c.fleet_seed = {1, 2, 3, 4};
  c.fleet_keys = {{.letter = 'a', .key = {5, 6, 7, 8}}};
  return c;
}

std::string refusal(const config::Config& c, const assign::Home& home) {
  const auto built = build_site(c, {home});
  return built ? "built" : built.error();
}

TEST(Site, IsNotBuiltForHomesWithoutAKeyThatSigns) {
  config::Config c = a_config();
  EXPECT_EQ(refusal(c, home_at("192.0.2.11")), "built");
  c.fleet_keys.clear();
  EXPECT_EQ(refusal(c, home_at("192.0.2.11")), "fleet.keys: is missing, and there is the home north; allowed: one or two of LETTER:KEY");
  EXPECT_EQ(refusal(c, home_at("192.0.2.11", assign::HomeState::removed)), "built");
}

TEST(Site, IsNotBuiltForHomesWithoutASeedThatDealsTheirClients) {
  config::Config c = a_config();
  c.fleet_seed = {};
  EXPECT_EQ(refusal(c, home_at("192.0.2.11")), "fleet.seed: is missing, and there is the home north; allowed: 32 hexadecimal digits, not all zero");
  EXPECT_EQ(refusal(c, home_at("192.0.2.11", assign::HomeState::removed)), "built");
}

TEST(Site, SignsItsAnswersByAKeyOfItsOwnWhereTheFleetHasNone) {
  config::Config c = a_config();
  EXPECT_EQ((*build_site(c, {}))->keys.signing().fleet_key, c.fleet_keys[0].key);
  c.fleet_keys.clear();
  const auto site = build_site(c, {}), reloaded = build_site(c, {});
  ASSERT_TRUE((*site)->keys.keys[0]);
  EXPECT_NE((*site)->keys.signing().fleet_key, base::Key128{});
  EXPECT_EQ((*site)->keys.signing().fleet_key, (*reloaded)->keys.signing().fleet_key) << "an ACK that comes after a reload is known";
}

TEST(Site, IsNotBuiltForAHomeThatCannotBeSentTo) {
  config::Config c = a_config();
  EXPECT_EQ(
      refusal(c, home_at("198.51.100.1")),
      "home north: \"198.51.100.1:5060\" cannot be reached: it is not on-link, and there is no gateway; allowed: an address in network.prefix, or any with "
      "network.gateway");
  EXPECT_EQ(refusal(c, home_at("198.51.100.1", assign::HomeState::removed)), "built");
  EXPECT_TRUE(refusal(c, home_at("[2001:db8::1]")).starts_with("home north: \"[2001:db8::1]:5060\" is of an IP version that no listener has"));
  assign::Home local = home_at("192.0.2.1");
  EXPECT_TRUE(refusal(c, local).starts_with("home north: \"192.0.2.1:5060\" is this node's own address"));
  local.is_local = true;
  EXPECT_EQ(refusal(c, local), "built");
  c.routes = config::Routes::kernel;
  EXPECT_EQ(refusal(c, home_at("198.51.100.1")), "built");
}

TEST(Site, TellsItsNamesThatAreAddressesFromTheOthers) {
  config::Config c = a_config();
  c.node_names = {"edge.example.com", "203.0.113.5", "[2001:db8::5]"};
  const auto site = build_site(c, {});
  EXPECT_EQ((*site)->node_names, std::vector<std::string>{"edge.example.com"});
  EXPECT_EQ((*site)->node_addresses, (std::vector{*base::Address::parse("203.0.113.5"), *base::Address::parse("2001:db8::5")}));
}

TEST(Site, HasTrustedProxiesForFriendsUnlessTheyAreEverybody) {
  config::Config c = a_config();
  const base::Prefix known = *base::Prefix::parse("192.0.2.8/32"), friendly = *base::Prefix::parse("198.51.100.0/24");
  c.limits.friends = {friendly};
  c.trusted_proxies = {known, base::whole_v4};
  auto site = build_site(c, {});
  EXPECT_EQ((*site)->limits.friends, (std::vector{friendly, known}));
  EXPECT_FALSE((*site)->trust_all_proxies) << "nobody of IPv6";
  c.trusted_proxies = {base::whole_v6, base::whole_v4};
  site = build_site(c, {});
  EXPECT_EQ((*site)->limits.friends, std::vector{friendly});
  EXPECT_TRUE((*site)->trust_all_proxies);
  c.redirect_from = {base::whole_v6};
  EXPECT_FALSE((*build_site(c, {}))->redirect_all_sources);
}

}  // namespace
}  // namespace viaduct::control
