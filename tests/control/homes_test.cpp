// SPDX-License-Identifier: Apache-2.0
// Homes to text and back; and where a configuration differs from what stands.
#include "viaduct/control/homes.h"

#include <gtest/gtest.h>

namespace viaduct::control {
namespace {

assign::Home a_home() {
  assign::Home home;
  home.name = "north";
  home.address = *base::Endpoint::parse("192.0.2.1:5060", 0);
  home.public_v4 = base::Endpoint::parse("203.0.113.1:5062", 0);
  home.public_v6 = base::Endpoint::parse("[2001:db8::1]:5060", 0);
  home.weight = 7;
  home.capacity = 1200;
  home.zone = "left";
  home.max_per_s = 300;
  home.is_viaduct = true;
  home.control = base::Endpoint::parse("192.0.2.1:7060", 0);
  home.state = assign::HomeState::draining;
  return home;
}

TEST(HomeText, GivesBackWhatWasDescribed) {
  const auto back = home_described(describe(a_home()));
  ASSERT_TRUE(back) << back.error();
  EXPECT_EQ(describe(*back), describe(a_home()));
  EXPECT_EQ(back->state, assign::HomeState::draining);
  EXPECT_EQ(back->capacity, 1200U);
  EXPECT_EQ(back->zone, "left");
  EXPECT_EQ(back->max_per_s, 300U);
  EXPECT_EQ(back->public_v6->text(), "[2001:db8::1]:5060");
  EXPECT_EQ(back->control->text(), "192.0.2.1:7060");
}

TEST(HomeText, KeepsWhatHealthIsToGiveBackAndNoSlowStart) {
  assign::Home home = a_home();
  EXPECT_FALSE(home_described(describe(home))->restores);
  home.state = assign::HomeState::down;
  home.restores = assign::HomeState::draining;
  home.is_probed = false;
  home.is_viaduct = false;
  home.edge_notifies = true;
  const auto back = home_described(describe(home));
  ASSERT_TRUE(back) << back.error();
  EXPECT_EQ(back->restores, assign::HomeState::draining);
  EXPECT_FALSE(back->is_probed);
  EXPECT_TRUE(back->edge_notifies);
  home.state = assign::HomeState::returning;
  EXPECT_EQ(home_described(describe(home))->state, assign::HomeState::up);
}

TEST(HomeText, OfAnEarlierBuildIsReadAsBefore) {
  const auto home = home_described(R"({"name":"n","address":"192.0.2.1:5060","public":[],"weight":1,"local":false,"viaduct":false,"state":"down"})");
  ASSERT_TRUE(home) << home.error();
  EXPECT_TRUE(home->is_probed);
  EXPECT_FALSE(home->restores) << "an operator's";
  EXPECT_EQ(home->capacity, 0U);
  EXPECT_EQ(home->zone, "");
  EXPECT_TRUE(home->edge_notifies) << "as one of the configuration that says nothing";
  EXPECT_FALSE(home_described(R"({"name":"n","address":"192.0.2.1:5060","public":[],"weight":1,"local":false,"viaduct":true,"state":"up"})")->edge_notifies);
  EXPECT_EQ(home->max_per_s, 0U);
}

TEST(HomeText, RefusesWhatItDoesNotKnow) {
  EXPECT_FALSE(home_described("no JSON"));
  EXPECT_FALSE(home_described("{}"));
  std::string text = describe(a_home());
  text.replace(text.find("draining"), 8, "sleeping");
  const auto home = home_described(text);
  ASSERT_FALSE(home);
  EXPECT_NE(home.error().find("sleeping"), std::string::npos);
}

config::Config configured(std::vector<config::Home> homes) {
  config::Config c;
  c.homes = std::move(homes);
  return c;
}

TEST(HomeDifferences, AreToldHomeByHome) {
  const config::Home north{
      .name = "north", .address = *base::Endpoint::parse("192.0.2.1:5060", 0), .public_endpoints = {*base::Endpoint::parse("192.0.2.1:5060", 0)}};
  config::Home south = north;
  south.name = "south";
  const assign::Homes standing({home_of(north), home_of(south)});
  EXPECT_TRUE(differences(configured({south, north}), standing).empty());
  assign::Home dead = home_of(north);
  dead.state = assign::HomeState::down;
  dead.restores = assign::HomeState::up;
  EXPECT_TRUE(differences(configured({south, north}), assign::Homes({dead, home_of(south)})).empty()) << "what it is, and not how it is";
  config::Home moved = south;
  moved.weight = 2;
  config::Home east = north;
  east.name = "east";
  EXPECT_EQ(differences(configured({moved, east}), standing),
            (std::vector<std::string>{"home south is another in the configuration than in the store: viaduct homes set",
                                      "home east is in the configuration, not in the store: viaduct homes add",
                                      "home north is in the store, not in the configuration: viaduct homes remove"}));
}

}  // namespace
}  // namespace viaduct::control
