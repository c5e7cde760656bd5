// SPDX-License-Identifier: Apache-2.0
// Records made where they lie: a bounded queue in place from one writer to one reader, for what is too large to be handed over by value.
#pragma once
#include <atomic>
#include <bit>
#include <cstddef>
#include <memory>

namespace viaduct::share {

/// Thread: `free_slot` and `commit` by the writer, `oldest` and `release` by the reader. A full queue refuses, and the writer counts.
template <typename T>
class Slots {
 public:
  /// Shape: `count` is rounded up to a power of two. All memory is taken here.
  explicit Slots(std::size_t count) : mask_(std::bit_ceil(count) - 1), slots_(std::make_unique<T[]>(mask_ + 1)) {}

  /// Where the next record is to be written; null when the reader is behind.
  [[nodiscard]] T* free_slot() {
    const std::size_t at = written_.load(std::memory_order_relaxed);
    // Acquire: pairs with the release in `release`, whose reader has done with the slot.
    return at - read_.load(std::memory_order_acquire) > mask_ ? nullptr : &slots_[at & mask_];
  }
  /// The slot that was given last is written. Release: pairs with the acquire in `oldest`.
  void commit() { written_.store(written_.load(std::memory_order_relaxed) + 1, std::memory_order_release); }

  /// The oldest record that is not released; null when there is none.
  [[nodiscard]] const T* oldest() const {
    const std::size_t at = read_.load(std::memory_order_relaxed);
    return at == written_.load(std::memory_order_acquire) ? nullptr : &slots_[at & mask_];
  }
  void release() { read_.store(read_.load(std::memory_order_relaxed) + 1, std::memory_order_release); }

 private:
  std::size_t mask_;
  std::unique_ptr<T[]> slots_;
  alignas(64) std::atomic<std::size_t> written_{};   // by the writer
  alignas(64) std::atomic<std::size_t> read_{};      // by the reader
};

}  // namespace viaduct::share
