// SPDX-License-Identifier: Apache-2.0
// Small values from one core to another: a bounded queue that a worker can always leave at once. A full one refuses, and the sender counts.
#pragma once
#include <atomic>
#include <bit>
#include <cstddef>
#include <memory>
#include <type_traits>

namespace viaduct::share {

/// Shape: T is copied as octets. Thread: one pushes, one pops. Memory: all of it taken at once.
template <typename T>
class Feed {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  /// Room for `slots` values, rounded up to a power of two.
  explicit Feed(std::size_t slots) : mask_(std::bit_ceil(slots) - 1), slots_(std::make_unique<T[]>(mask_ + 1)) {}

  /// False: it is full, nothing was pushed.
  [[nodiscard]] bool push(const T& value) {
    const std::size_t at = pushed_.load(std::memory_order_relaxed);
    if (at - popped_.load(std::memory_order_acquire) > mask_) return false;
    slots_[at & mask_] = value;
    pushed_.store(at + 1, std::memory_order_release);
    return true;
  }
  /// False: there is none.
  [[nodiscard]] bool pop(T& value) {
    const std::size_t at = popped_.load(std::memory_order_relaxed);
    if (at == pushed_.load(std::memory_order_acquire)) return false;
    value = slots_[at & mask_];
    popped_.store(at + 1, std::memory_order_release);
    return true;
  }

 private:
  std::size_t mask_;
  std::unique_ptr<T[]> slots_;
  alignas(64) std::atomic<std::size_t> pushed_{0};
  alignas(64) std::atomic<std::size_t> popped_{0};
};

}  // namespace viaduct::share
