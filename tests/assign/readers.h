// SPDX-License-Identifier: Apache-2.0
// Threads that look at an assignment while it is written, for the tests of assign. What is right to see is the tests' business.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <random>
#include <thread>
#include <vector>

#include "viaduct/share/epoch.h"

namespace viaduct::assign::test {

/// Readers' look at an assignment: nullptr, or what is wrong.
using Look = std::function<const char*(std::mt19937_64&)>;

struct Result {
  const char* fault{};
  std::uint64_t looks{};
};

/// Let so many readers look, again and again, until `write` returns.
inline Result look_while(unsigned readers_count, const Look& look, share::Epoch& epoch, const std::function<void()>& write) {
  std::atomic<bool> stop{false};
  std::atomic<const char*> fault{nullptr};
  std::atomic<std::uint64_t> looks{0};
  const auto read = [&](unsigned reader) {
    std::mt19937_64 random(reader);
    std::uint64_t count = 0;
    epoch.enter(reader);
    for (; !stop.load(std::memory_order_relaxed); ++count) {
      if (const char* wrong = look(random)) fault.store(wrong);
      if (count % 32 == 0) epoch.quiescent(reader);
    }
    epoch.leave(reader);
    looks.fetch_add(count);
  };
  std::vector<std::jthread> readers;
  for (unsigned r = 0; r < readers_count; ++r) readers.emplace_back(read, r);
  write();
  stop.store(true);
  readers.clear();
  return {fault.load(), looks.load()};
}

}  // namespace viaduct::assign::test
