// SPDX-License-Identifier: Apache-2.0
// How slots are dealt: by weight, alike on all nodes, and with no more change than a change of the fleet asks for.
#include <gtest/gtest.h>

#include <algorithm>

#include "fleet.h"
#include "viaduct/base/limits.h"

namespace viaduct::assign::test {
namespace {

/// The home's name for each of all slots, read by a key of each.
std::vector<std::string> dealt(const Homes& homes, const base::Key128& by = seed) {
  Assignment assignment(Policy::slots, 0);
  assignment.set_slots(deal(homes, by), 1);
  std::vector<std::string> names;
  for (std::uint64_t slot = 0; slot < base::slots_count; ++slot) {
    const HomeIndex home = assignment.slot_home({0, slot << 47});
    names.push_back(home == no_home ? "" : homes[home].name);
  }
  return names;
}

std::size_t count(const std::vector<std::string>& names, const std::string& name) { return static_cast<std::size_t>(std::ranges::count(names, name)); }

TEST(Slots, AreSharedByWeight) {
  const auto names = dealt(Homes({home("a", 1), home("b", 2), home("c", 1), home("d", 4)}));
  const double unit = base::slots_count / 8.0;
  EXPECT_NEAR(static_cast<double>(count(names, "a")), unit, unit * 0.04);
  EXPECT_NEAR(static_cast<double>(count(names, "b")), unit * 2, unit * 0.06);
  EXPECT_NEAR(static_cast<double>(count(names, "c")), unit, unit * 0.04);
  EXPECT_NEAR(static_cast<double>(count(names, "d")), unit * 4, unit * 0.08);
}

TEST(Slots, DependOnNamesNotOnTheirOrder) {
  EXPECT_EQ(dealt(Homes({home("a", 3), home("b", 2), home("c", 3)})), dealt(Homes({home("c", 3), home("a", 3), home("b", 2)})));
}

TEST(Slots, DependOnTheSeed) {
  const auto one = dealt(fleet(4));
  const auto other = dealt(fleet(4), base::Key128{9});
  std::size_t equal = 0;
  for (std::size_t i = 0; i < one.size(); ++i) equal += one[i] == other[i];
  EXPECT_NEAR(static_cast<double>(equal), base::slots_count / 4.0, base::slots_count * 0.02);
}

TEST(Slots, AnAddedHomeTakesOnlyItsShare) {
  const auto before = dealt(fleet(4));
  const auto after = dealt(fleet(5));
  std::size_t moved = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (before[i] == after[i]) continue;
    EXPECT_EQ(after[i], "h4");
    ++moved;
  }
  EXPECT_NEAR(static_cast<double>(moved), base::slots_count / 5.0, base::slots_count * 0.01);
}

TEST(Slots, GoToHomesThatAreUpAlone) {
  const auto names = dealt(Homes({home("a", 1, HomeState::down), home("b"), home("c", 1, HomeState::draining), home("d", 1, HomeState::removed)}));
  EXPECT_EQ(count(names, "b"), base::slots_count);
}

TEST(Slots, HaveNoHomeWhenNoneIsUp) {
  Assignment assignment(Policy::slots, 0);
  assignment.set_slots(deal(Homes(), seed), 1);
  const Placement p = assignment.find({1, 2});
  EXPECT_EQ(p.home, no_home);
  EXPECT_EQ(p.layer, Layer::none);
}

TEST(Slots, AreTrueOfTheNewestBatch) {
  Assignment assignment(Policy::slots, 0);
  assignment.set_slots(deal(fleet(3), seed), 17);
  EXPECT_EQ(assignment.find({1, 2}).epoch, 17u);
  EXPECT_EQ(assignment.epoch(), 17u);
}

TEST(SlotsDeathTest, MustAllHaveAHome) {
  Assignment assignment(Policy::slots, 0);
  EXPECT_DEATH(assignment.set_slots(std::vector<HomeIndex>(17), 1), "not a home for every slot");
}

}  // namespace
}  // namespace viaduct::assign::test
