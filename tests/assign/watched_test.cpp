// SPDX-License-Identifier: Apache-2.0
// Who is watched: what shards write and workers ask.
#include "viaduct/assign/watched.h"

#include <gtest/gtest.h>

namespace viaduct::assign {
namespace {

constexpr base::Hash128 alice{1, std::uint64_t{1} << 60}, bob{2, std::uint64_t{15} << 60};

TEST(Watched, AreNoneAtFirst) {
  const Watched watched(2, 4);
  EXPECT_FALSE(watched.is_any());
  EXPECT_FALSE(watched.contains(alice));
}

TEST(Watched, AreCountedOnceHoweverOftenTheyAreAdded) {
  share::Epoch epoch{1};
  Watched watched(2, 4);
  watched.add(alice);
  watched.add(alice);
  watched.add(bob);
  EXPECT_TRUE(watched.contains(alice));
  watched.remove(alice);
  watched.remove(alice);
  EXPECT_FALSE(watched.contains(alice));
  EXPECT_TRUE(watched.is_any());
  watched.remove(bob);
  EXPECT_FALSE(watched.is_any());
  for (const unsigned shard : {0u, 1u, 0u, 1u}) watched.reclaim(shard, epoch);
  watched.add(bob);
  EXPECT_TRUE(watched.contains(bob));
}

}  // namespace
}  // namespace viaduct::assign
