// SPDX-License-Identifier: Apache-2.0
// The queue in place: order, what a full one does, and a writer and a reader at the same time.
#include "viaduct/share/slots.h"

#include <gtest/gtest.h>

#include <array>
#include <thread>

namespace viaduct::share {
namespace {

TEST(Slots, AreReadInTheOrderOfWriting) {
  Slots<int> slots(4);
  EXPECT_EQ(slots.oldest(), nullptr);
  for (int i = 0; i < 3; ++i) {
    *slots.free_slot() = i;
    slots.commit();
  }
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(*slots.oldest(), i);
    slots.release();
  }
  EXPECT_EQ(slots.oldest(), nullptr);
}

TEST(Slots, RefuseWhenTheReaderIsBehind) {
  Slots<int> slots(4);
  for (int i = 0; i < 4; ++i) {
    ASSERT_NE(slots.free_slot(), nullptr);
    slots.commit();
  }
  EXPECT_EQ(slots.free_slot(), nullptr);
  slots.release();
  EXPECT_NE(slots.free_slot(), nullptr);
}

TEST(Slots, CarryWholeRecordsFromOneThreadToAnother) {
  struct Record {
    std::array<std::uint64_t, 32> words;
  };
  constexpr std::uint64_t count = 200'000;
  Slots<Record> slots(8);
  std::thread writer([&] {
    for (std::uint64_t i = 0; i < count;) {
      Record* const slot = slots.free_slot();
      if (slot == nullptr) {
        std::this_thread::yield();
        continue;
      }
      slot->words.fill(i++);
      slots.commit();
    }
  });
  std::uint64_t wrong = 0;
  for (std::uint64_t i = 0; i < count;) {
    const Record* const record = slots.oldest();
    if (record == nullptr) {
      std::this_thread::yield();
      continue;
    }
    for (const std::uint64_t word : record->words) wrong += word == i ? 0 : 1;
    ++i;
    slots.release();
  }
  writer.join();
  EXPECT_EQ(wrong, 0U);
}

}  // namespace
}  // namespace viaduct::share
