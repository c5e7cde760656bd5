// SPDX-License-Identifier: Apache-2.0
// Who is between two homes: clients of their own, and those of a slot.
#include "viaduct/assign/moves.h"

#include <gtest/gtest.h>

namespace viaduct::assign {
namespace {

constexpr ClientKey alice{1, std::uint64_t{5} << 47}, bob{2, std::uint64_t{5} << 47}, carol{3, std::uint64_t{6} << 47};

TEST(Moves, AreNoneAtFirst) {
  const Moves moves(1, 4);
  EXPECT_FALSE(moves.is_any());
  EXPECT_FALSE(moves.find(alice, Layer::slot));
}

TEST(Moves, OfAClientLastUntilTheyEnd) {
  Moves moves(1, 4);
  moves.set(alice, {.previous = 7});
  EXPECT_TRUE(moves.is_any());
  EXPECT_EQ(moves.find(alice, Layer::override_)->previous, 7);
  EXPECT_FALSE(moves.find(alice, Layer::override_)->is_settled);
  EXPECT_FALSE(moves.find(bob, Layer::override_));
  moves.set(alice, {.previous = 7, .is_settled = true});
  EXPECT_TRUE(moves.find(alice, Layer::override_)->is_settled);
  EXPECT_EQ(moves.clients(), 1u);
  moves.end(alice);
  moves.end(alice);
  EXPECT_FALSE(moves.is_any());
}

TEST(Moves, OfASlotAreThoseOfWhoHasNoEntry) {
  Moves moves(1, 4);
  moves.set_slot(5, 3);
  EXPECT_EQ(moves.find(alice, Layer::slot)->previous, 3);
  EXPECT_FALSE(moves.find(alice, Layer::override_));
  EXPECT_FALSE(moves.find(carol, Layer::slot));
  moves.set(bob, {.previous = 3, .is_settled = true});   // one of them is there already
  EXPECT_TRUE(moves.find(bob, Layer::slot)->is_settled);
  moves.set_slot(5, 4);
  moves.set_slot(5, no_home);
  moves.set_slot(5, no_home);
  EXPECT_TRUE(moves.is_any());
  moves.end(bob);
  EXPECT_FALSE(moves.is_any());
}

TEST(Moves, AreConfirmedByAnyWorker) {
  Moves moves(2, 4);
  moves.confirm(0, {alice, 2, "alice@example.com"});
  moves.confirm(1, {bob, 3, std::string(300, 'b')});
  moves.confirm(1, {carol, 3, "carol@example.com"});
  const auto first = moves.take(2);
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[0].client, alice);
  EXPECT_EQ(first[0].name(), "alice@example.com");
  EXPECT_EQ(first[1].name(), "") << "longer than is kept";
  EXPECT_EQ(first[1].home, 3);
  EXPECT_EQ(moves.take(10).size(), 1u);
  EXPECT_TRUE(moves.take(10).empty());
}

}  // namespace
}  // namespace viaduct::assign
