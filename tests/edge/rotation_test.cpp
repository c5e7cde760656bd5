// SPDX-License-Identifier: Apache-2.0
// How long a worker remembers that the fleet's signing key became another.
#include "rotation.h"

#include <gtest/gtest.h>

namespace viaduct::edge {
namespace {

sip::SigningKeys keys(const std::string& letters) {
  sip::SigningKeys out;
  for (std::size_t i = 0; i < letters.size(); ++i) out.keys[i].emplace(letters[i], base::Key128{static_cast<std::uint8_t>(letters[i])});
  return out;
}

TEST(Rotation, LastsAsLongAsAnInviteMayBePending) {
  constexpr std::uint32_t start = 29'000'000, pending_min = base::invite_pending_s_max / 60;
  Rotation rotation;
  EXPECT_FALSE(rotation.is_recent(keys("a"), start)) << "the first key that it sees";
  EXPECT_FALSE(rotation.is_recent(keys("ab"), start)) << "the new one only verifies yet";
  EXPECT_TRUE(rotation.is_recent(keys("ba"), start + 1));
  EXPECT_TRUE(rotation.is_recent(keys("ba"), start + 1 + pending_min));
  EXPECT_FALSE(rotation.is_recent(keys("ba"), start + 2 + pending_min));
  EXPECT_FALSE(rotation.is_recent(keys("b"), start + 99));
}

TEST(Rotation, KnowsOnlyAKeyBeforeThatStillVerifies) {
  Rotation rotation;
  EXPECT_FALSE(rotation.is_recent({}, 1000)) << "a node without homes";
  EXPECT_FALSE(rotation.is_recent(keys("a"), 1000));
  EXPECT_FALSE(rotation.is_recent(keys("bc"), 1000));
  EXPECT_TRUE(rotation.is_recent(keys("cb"), 1000));
  EXPECT_FALSE(rotation.is_recent(keys("c"), 1000)) << "taken away at once: there is nothing to sign by";
  EXPECT_EQ(before(keys("cb")).signing().letter, 'b');
}

}  // namespace
}  // namespace viaduct::edge
