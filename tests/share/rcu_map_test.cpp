// SPDX-License-Identifier: Apache-2.0
// The map against std::map, and read by others while it is written.
#include "viaduct/share/rcu_map.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <thread>

namespace viaduct::share {
namespace {

struct Node {
  using Owner = std::unique_ptr<Node>;
  Node(const base::Hash128& k, std::uint64_t v) : key(k), value(v) { ++alive; }
  ~Node() {
    value = 0;
    --alive;
  }
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  base::Hash128 key;
  std::atomic<Node*> chain{};
  std::uint64_t value;
  static inline std::atomic<int> alive{};
};

base::Hash128 key(std::uint64_t i) { return {i * 0x9e3779b97f4a7c15U >> 32, i}; }

TEST(RcuMap, HoldsWhatWasPutLast) {
  Epoch epoch{1};
  {
    RcuMap<Node> map{64};
    std::map<std::uint64_t, std::uint64_t> model;
    std::mt19937_64 random(1);
    for (std::uint64_t step = 1; step < 20'000; ++step) {
      const std::uint64_t i = random() % 500;   // chains of eight
      if (random() % 3 == 0 && model.contains(i)) {
        map.erase(key(i));
        model.erase(i);
      } else {
        map.put(std::make_unique<Node>(key(i), step));
        model[i] = step;
      }
      map.reclaim(epoch);
      ASSERT_EQ(map.size(), model.size());
    }
    for (std::uint64_t i = 0; i < 500; ++i) {
      const Node* const found = std::as_const(map).find(key(i));
      ASSERT_EQ(found != nullptr, model.contains(i));
      if (found != nullptr) {
        EXPECT_EQ(found->value, model[i]);
      }
    }
    std::size_t visited = 0;
    for (std::size_t place = map.visit(0, 7, [&](const Node&) { ++visited; }); place != 0; place = map.visit(place, 7, [&](const Node&) { ++visited; })) {
    }
    EXPECT_EQ(visited, model.size());
    map.reclaim(epoch);
    map.reclaim(epoch);
    EXPECT_EQ(Node::alive, static_cast<int>(model.size())) << "with no reader online nothing waits";
  }
  EXPECT_EQ(Node::alive, 0);
}

TEST(RcuMap, KeepsANodeWhileAReaderMayHoldIt) {
  Epoch epoch{1};
  RcuMap<Node> map{1};
  map.put(std::make_unique<Node>(key(1), 1));
  epoch.enter(0);
  const Node* const held = std::as_const(map).find(key(1));
  map.put(std::make_unique<Node>(key(1), 2));
  for (int i = 0; i < 5; ++i) map.reclaim(epoch);
  EXPECT_EQ(held->value, 1U);
  EXPECT_EQ(Node::alive, 2);
  epoch.quiescent(0);
  for (int i = 0; i < 5; ++i) map.reclaim(epoch);
  EXPECT_EQ(Node::alive, 1);
  epoch.leave(0);
}

// ThreadSanitizer and AddressSanitizer watch this one.
TEST(RcuMap, IsReadWhileItIsWritten) {
  Epoch epoch{2};
  RcuMap<Node> map{8};
  for (std::uint64_t i = 0; i < 64; i += 2) map.put(std::make_unique<Node>(key(i), i + 1000));   // these stay
  std::atomic<bool> stop{};
  std::atomic<std::uint64_t> lost{}, wrong{}, reads{};
  const auto read = [&](unsigned reader) {
    epoch.enter(reader);
    std::mt19937_64 random(reader);
    while (!stop.load(std::memory_order_relaxed)) {
      const std::uint64_t i = random() % 64;
      const Node* const node = std::as_const(map).find(key(i));
      if (node == nullptr && i % 2 == 0) ++lost;
      if (node != nullptr && node->value % 1000 != i) ++wrong;
      ++reads;
      epoch.quiescent(reader);
    }
    epoch.leave(reader);
  };
  std::thread first(read, 0), second(read, 1);
  std::mt19937_64 random(9);
  for (std::uint64_t step = 0; step < 50'000 || reads < 1000; ++step) {
    const std::uint64_t i = random() % 64;
    if (i % 2 == 1 && map.find(key(i)) != nullptr)
      map.erase(key(i));
    else
      map.put(std::make_unique<Node>(key(i), i + 1000 * (1 + step % 7)));
    map.reclaim(epoch);
  }
  stop = true;
  first.join();
  second.join();
  EXPECT_EQ(lost, 0U);
  EXPECT_EQ(wrong, 0U);
}

}  // namespace
}  // namespace viaduct::share
