// SPDX-License-Identifier: Apache-2.0
// The 2^17 slots: each has a home and the epoch of what last changed it, read as one word.
#pragma once
#include <atomic>
#include <cstdint>
#include <span>

#include "entry.h"
#include "region.h"
#include "viaduct/assign/assignment.h"
#include "viaduct/base/limits.h"

namespace viaduct::assign {

/// Thread: at and prefetch any reader; all else the control core. One atomic word holds home and epoch, so they are always a pair.
class Slots {
 public:
  /// A slot as one word: two that are equal were read without a change in between.
  class Slot {
   public:
    explicit Slot(std::uint64_t word) : word_(word) {}
    [[nodiscard]] HomeIndex home() const { return static_cast<HomeIndex>(word_); }
    [[nodiscard]] std::uint32_t epoch() const { return static_cast<std::uint32_t>(word_ >> 32); }
    bool operator==(const Slot&) const = default;

   private:
    std::uint64_t word_;
  };
  Slots();
  /// Rises with each change of any slot, before it. What was read of slots between two equal values of it stood so when the first one was read, or was on
  /// its way then, and nothing else has been changed since.
  [[nodiscard]] std::uint64_t changes() const { return changes_.load(std::memory_order_acquire); }
  [[nodiscard]] Slot at(const ClientKey& key) const { return Slot(words_[slot_of(key)].load(std::memory_order_acquire)); }
  /// Give every slot a home, all with this epoch.
  void set(std::span<const HomeIndex> homes, std::uint32_t epoch);
  /// The answers that this slot gives changed, though its home did not: a client of it lost its entry. Nothing when the slot is newer.
  void touch(const ClientKey& key, std::uint32_t epoch);
  [[nodiscard]] std::vector<HomeIndex> homes() const;
  [[nodiscard]] std::size_t bytes() const { return words_.bytes(); }
  [[nodiscard]] std::size_t bytes_reserved() const { return words_.bytes_reserved(); }

 private:
  void store(std::size_t i, HomeIndex home, std::uint32_t epoch) {
    changes_.store(changes_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
    words_[i].store(std::uint64_t{epoch} << 32 | home, std::memory_order_release);
  }

  RegionArray<std::atomic<std::uint64_t>> words_;
  alignas(64) std::atomic<std::uint64_t> changes_{0};  // release by the control core, acquire by readers
};

}  // namespace viaduct::assign
