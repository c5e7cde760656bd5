// SPDX-License-Identifier: Apache-2.0
// When a grace period is over, step by step, and published values under threads that read, sleep and leave.
#include "viaduct/share/epoch.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>
#include <vector>

#include "viaduct/share/published.h"

namespace viaduct::share {
namespace {

TEST(Epoch, IsOverAtOnceWithoutReaders) {
  Epoch epoch{4};
  EXPECT_TRUE(epoch.is_over(epoch.start()));
}

TEST(Epoch, WaitsForEachReaderThatIsOnline) {
  Epoch epoch{4};
  epoch.enter(0);
  epoch.enter(3);
  const GraceToken token = epoch.start();
  EXPECT_FALSE(epoch.is_over(token));
  epoch.quiescent(0);
  EXPECT_FALSE(epoch.is_over(token));
  epoch.quiescent(3);
  EXPECT_TRUE(epoch.is_over(token));
}

TEST(Epoch, DoesNotWaitForAReaderThatSleepsOrLeft) {
  Epoch epoch{2};
  epoch.enter(0);
  epoch.enter(1);
  epoch.offline(0);
  const GraceToken token = epoch.start();
  EXPECT_FALSE(epoch.is_over(token));
  epoch.leave(1);
  EXPECT_TRUE(epoch.is_over(token));
}

TEST(Epoch, CountsAReaderAgainAfterItsSleep) {
  Epoch epoch{1};
  epoch.enter(0);
  epoch.offline(0);
  epoch.online(0);
  const GraceToken token = epoch.start();
  EXPECT_FALSE(epoch.is_over(token));
  epoch.offline(0);
  EXPECT_TRUE(epoch.is_over(token));
}

TEST(Epoch, AQuiescentPointBeforeTheStartDoesNotCount) {
  Epoch epoch{1};
  epoch.enter(0);
  epoch.quiescent(0);
  EXPECT_FALSE(epoch.is_over(epoch.start()));
}

TEST(Epoch, ALaterTokenIsNotOverWithAnEarlierOne) {
  Epoch epoch{1};
  epoch.enter(0);
  const GraceToken first = epoch.start();
  epoch.quiescent(0);
  const GraceToken second = epoch.start();
  EXPECT_TRUE(epoch.is_over(first));
  EXPECT_FALSE(epoch.is_over(second));
}

TEST(Epoch, StopsTheProcessForAReaderBeyondItsSize) {
  Epoch epoch{2};
  EXPECT_DEATH(epoch.enter(1000), "below readers_max");
}

/// A value that tells when it is destroyed, in memory that outlives it.
class Value {
 public:
  Value(std::size_t index, std::vector<std::atomic<bool>>& destroyed) : index_(index), complement_(~index), destroyed_(destroyed) {}
  ~Value() { destroyed_[index_].store(true, std::memory_order_relaxed); }
  Value(const Value&) = delete;
  Value& operator=(const Value&) = delete;
  [[nodiscard]] bool is_whole() const { return complement_ == ~index_; }
  [[nodiscard]] bool is_destroyed() const { return destroyed_[index_].load(std::memory_order_relaxed); }
  [[nodiscard]] std::size_t index() const { return index_; }

 private:
  std::size_t index_;
  std::size_t complement_;
  std::vector<std::atomic<bool>>& destroyed_;
};

TEST(Published, KeepsAnOldValueUntilItsReaderHasPassedAQuiescentPoint) {
  std::vector<std::atomic<bool>> destroyed(3);
  Epoch epoch{1};
  epoch.enter(0);
  {
    Published<Value> published{std::make_unique<const Value>(0, destroyed)};
    const Value& held = published.read();
    published.publish(std::make_unique<const Value>(1, destroyed), epoch);
    published.publish(std::make_unique<const Value>(2, destroyed), epoch);
    EXPECT_EQ(published.reclaim(epoch), 2u);
    EXPECT_FALSE(held.is_destroyed());
    EXPECT_EQ(published.read().index(), 2u);
    epoch.quiescent(0);
    EXPECT_EQ(published.reclaim(epoch), 0u);
    EXPECT_TRUE(destroyed[0] && destroyed[1]);
    EXPECT_FALSE(destroyed[2]);
  }
  EXPECT_TRUE(destroyed[2]);
}

constexpr unsigned readers = 3;
constexpr std::size_t values = 3000;

/// Read until the last value shows, with a sleep now and then; count what was wrong.
void read_all(unsigned reader, Epoch& epoch, const Published<Value>& published, std::atomic<std::uint64_t>& faults, std::latch& entered) {
  epoch.enter(reader);
  entered.arrive_and_wait();
  std::size_t last = 0;
  for (unsigned round = 1; last != values - 1; ++round) {
    const Value& value = published.read();
    if (value.index() < last) faults.fetch_add(1);
    last = value.index();
    if (round % 4 == reader) std::this_thread::yield();
    if (!value.is_whole() || value.is_destroyed()) faults.fetch_add(1);
    epoch.quiescent(reader);
    if (round % 16 != 0) continue;
    epoch.offline(reader);
    std::this_thread::yield();
    epoch.online(reader);
  }
  epoch.leave(reader);
}

TEST(Published, IsNeverDestroyedUnderAReader) {
  std::vector<std::atomic<bool>> destroyed(values);
  std::atomic<std::uint64_t> faults{0};
  Epoch epoch{readers};
  Published<Value> published{std::make_unique<const Value>(0, destroyed)};
  std::vector<std::jthread> threads;
  std::latch entered{readers + 1};
  for (unsigned i = 0; i < readers; ++i) threads.emplace_back([&, i] { read_all(i, epoch, published, faults, entered); });
  entered.arrive_and_wait();
  for (std::size_t i = 1; i < values; ++i) {
    published.publish(std::make_unique<const Value>(i, destroyed), epoch);
    while (published.reclaim(epoch) > 4) std::this_thread::yield();
  }
  threads.clear();
  EXPECT_EQ(faults, 0u);
  EXPECT_EQ(published.reclaim(epoch), 0u);
  for (std::size_t i = 0; i + 1 < values; ++i) ASSERT_TRUE(destroyed[i]) << i;
}

}  // namespace
}  // namespace viaduct::share
