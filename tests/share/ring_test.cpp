// SPDX-License-Identifier: Apache-2.0
// Rings: exact room, order, and many producers against one consumer without a loss.
#include "viaduct/share/ring.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <latch>
#include <stop_token>
#include <thread>
#include <vector>

namespace viaduct::share {
namespace {

/// Numbers carried as pointers; never dereferenced.
void* item(std::uintptr_t n) { return reinterpret_cast<void*>(n); }
std::uintptr_t number(void* p) { return reinterpret_cast<std::uintptr_t>(p); }

std::vector<void*> items(std::size_t count) {
  std::vector<void*> all(count);
  for (std::size_t i = 0; i < count; ++i) all[i] = item(i + 1);
  return all;
}

TEST(Ring, HoldsExactlyItsSlots) {
  for (const Producers producers : {Producers::one, Producers::many}) {
    for (const std::size_t slots : {1u, 2u, 3u, 63u, 64u, 100u}) {
      Ring ring{"exact", slots, producers};
      EXPECT_EQ(ring.push(items(slots + 1)), slots);
      EXPECT_EQ(ring.count(), slots);
      EXPECT_EQ(ring.push(items(1)), 0u);
    }
  }
}

TEST(Ring, GivesBackInOrderAsOftenAsItWraps) {
  for (const Producers producers : {Producers::one, Producers::many}) {
    Ring ring{"order", 5, producers};
    std::uintptr_t next = 1;
    std::uintptr_t expected = 1;
    for (int round = 0; round < 50; ++round) {
      std::array<void*, 3> in{};
      for (auto& p : in) p = item(next++);
      ASSERT_EQ(ring.push(in), 3u);
      std::array<void*, 8> out{};
      ASSERT_EQ(ring.pop(out), 3u);
      for (int i = 0; i < 3; ++i) ASSERT_EQ(number(out[i]), expected++);
    }
  }
}

TEST(Ring, PopsWhatThereIs) {
  Ring ring{"pop", 8, Producers::one};
  std::array<void*, 4> out{};
  EXPECT_EQ(ring.pop(out), 0u);
  EXPECT_EQ(ring.push(items(6)), 6u);
  EXPECT_EQ(ring.pop(out), 4u);
  EXPECT_EQ(ring.pop(out), 2u);
  EXPECT_EQ(ring.count(), 0u);
}

TEST(Ring, PushesAndPopsNothingForNothing) {
  Ring ring{"nothing", 8, Producers::many};
  EXPECT_EQ(ring.push({}), 0u);
  EXPECT_EQ(ring.pop({}), 0u);
}

TEST(Ring, TakesANameOfAnyLength) { EXPECT_EQ((Ring{std::string(200, 'n'), 4, Producers::one}.count()), 0u); }

TEST(Ring, StopsTheProcessWithoutSlots) { EXPECT_DEATH((Ring{"none", 0, Producers::one}), "a ring has slots"); }

constexpr std::uintptr_t items_per_producer = 100'000;

/// Push numbered items, up to three at a time, after all producers are there.
void produce(const std::stop_token& stop, Ring& ring, std::uintptr_t producer, std::latch& started) {
  started.arrive_and_wait();
  for (std::uintptr_t next = 1; next <= items_per_producer && !stop.stop_requested();) {
    std::array<void*, 3> burst{};
    const std::size_t wanted = std::min<std::size_t>(1 + next % 3, items_per_producer - next + 1);
    for (std::size_t i = 0; i < wanted; ++i) burst[i] = item(producer << 32 | (next + i));
    const std::size_t pushed = ring.push({burst.data(), wanted});
    if (pushed == 0) std::this_thread::yield();
    next += pushed;
  }
}

/// Each producer's items come complete and in its order, and soon.
void consume(Ring& ring, std::size_t producers) {
  std::vector<std::uintptr_t> seen(producers, 0);
  std::array<void*, 16> out{};
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{20};
  for (std::size_t taken = 0; taken < producers * items_per_producer;) {
    const std::size_t count = ring.pop(out);
    for (std::size_t i = 0; i < count; ++i) {
      const std::uintptr_t producer = number(out[i]) >> 32;
      ASSERT_EQ(number(out[i]) & 0xffffffff, ++seen[producer]);
    }
    taken += count;
    if (count != 0) continue;
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << taken << " items came";
    std::this_thread::yield();
  }
}

/// All producers at once against this thread, which gives up at the first item out of order.
void mail(Ring& ring, std::uintptr_t producers) {
  std::latch started{static_cast<std::ptrdiff_t>(producers)};
  std::vector<std::jthread> threads;
  for (std::uintptr_t p = 0; p < producers; ++p) threads.emplace_back([&, p](const std::stop_token& stop) { produce(stop, ring, p, started); });
  consume(ring, producers);
}

TEST(Ring, LosesNothingOfOneProducer) {
  Ring ring{"one", 32, Producers::one};
  mail(ring, 1);
}

TEST(Ring, LosesNothingOfManyProducers) {
  Ring ring{"many", 4096, Producers::many};
  mail(ring, 3);
}

}  // namespace
}  // namespace viaduct::share
