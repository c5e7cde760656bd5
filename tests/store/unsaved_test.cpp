// SPDX-License-Identifier: Apache-2.0
// Which rows are to be written, against the plainest bookkeeping there is; and that nothing piles up where nothing is taken.
#include "viaduct/store/unsaved.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <array>
#include <map>
#include <random>

namespace viaduct::store {
namespace {

constexpr base::Hash128 key(std::uint64_t i) { return {.low = i, .high = 7}; }

std::size_t heap_bytes() { return mallinfo2().uordblks; }

TEST(Unsaved, BringTheStoreToWhatThereIs) {
  std::mt19937_64 random(7);
  Unsaved unsaved;
  std::map<std::uint64_t, RowState> things;
  std::map<std::uint64_t, bool> store;   // a row stands there
  for (int round = 0; round < 20'000; ++round) {
    const std::uint64_t i = random() % 12;
    switch (random() % 8) {
      case 0:
        for (const base::Hash128& k : unsaved.take(1 + random() % 4)) {
          const auto at = things.find(k.low);
          if (at != things.end()) at->second = Unsaved::taken;
          EXPECT_TRUE(at != things.end() || store[k.low]) << "a row that is not there need not go";
          store[k.low] = at != things.end();
        }
        break;
      case 1:
      case 2:
      case 3:
        if (const auto at = things.find(i); at != things.end()) {
          unsaved.lose(key(i), at->second);
          things.erase(at);
        }
        break;
      default:
        unsaved.note(key(i), things[i]);
    }
  }
  const std::vector<base::Hash128> last = unsaved.take(SIZE_MAX);
  EXPECT_LE(last.size(), 12U) << "each once";
  for (const base::Hash128& k : last) store[k.low] = things.contains(k.low);
  for (std::uint64_t i = 0; i < 12; ++i) EXPECT_EQ(store[i], things.contains(i)) << i;
}

TEST(Unsaved, AreTakenTheLongestUnsavedFirst) {
  Unsaved unsaved;
  std::array<RowState, 4> rows;
  for (const std::uint64_t i : {3U, 1U, 2U}) unsaved.note(key(i), rows[i]);
  unsaved.note(key(3), rows[3]);
  EXPECT_EQ(unsaved.take(2), (std::vector{key(3), key(1)}));
  EXPECT_EQ(unsaved.take(2), std::vector{key(2)});
}

TEST(Unsaved, TakeNoMemoryForWhatComesAndGoesWhileNobodyTakesThem) {
  Unsaved unsaved;
  const std::size_t before = heap_bytes();
  for (std::uint64_t i = 0; i < 1'000'000; ++i) {
    RowState row;
    unsaved.note(key(i), row);   // another each time
    unsaved.lose(key(i), row);
    RowState kept = i < 2 ? Unsaved::taken : RowState{};
    unsaved.note(key(i % 2), kept);   // the same two again and again
    unsaved.lose(key(i % 2), kept);
  }
  EXPECT_LT(heap_bytes(), before + 65'536U);
}

}  // namespace
}  // namespace viaduct::store
