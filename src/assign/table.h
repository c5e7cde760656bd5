// SPDX-License-Identifier: Apache-2.0
// The sharded table of clients that have an entry of their own: wait-free to read, one writer, grown shard by shard. It knows nothing of slots or policy.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "retired.h"
#include "shard.h"

namespace viaduct::assign {

/// Thread: find and prefetch any reader registered with the Epoch; all else the control core.
/// A table stands in the order of the keys' high words: shard by shard, line by line.
class Table {
 public:
  explicit Table(std::size_t entries_expected);
  ~Table();
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  /// The home line and its neighbour: the pair shares a DRAM row and a page, so the second is nearly free.
  void prefetch(const ClientKey& key) const {
    const Head head = heads_[index(key)].load(std::memory_order_acquire);
    const std::uint32_t line = home_line(key, bits_, head.lines_count());
    __builtin_prefetch(&head.lines()[line]);
    __builtin_prefetch(&head.lines()[line ^ 1]);
  }
  /// Most clients' home line says all of them. Else the walk begins anew: lines and side table must be of one shard.
  [[nodiscard]] Found find(const ClientKey& key) const {
    const Head head = heads_[index(key)].load(std::memory_order_acquire);
    const Told told = read(head.lines()[home_line(key, bits_, head.lines_count())], tag_of(key));
    return told.where == Told::Where::here ? told.found : shard(key).find(key);
  }

  void prefetch_to_write(const ClientKey& key) const { shard(key).prefetch_to_write(key); }
  /// Insert or change; true when home or pin differ from before.
  bool put(const ClientKey& key, const Found& next, share::Epoch& epoch);
  /// Does nothing when there is nothing to remove.
  void erase(const ClientKey& key, share::Epoch& epoch);
  /// The end of a batch: from now on the grace period of its freed entries runs.
  void close_batch(share::Epoch& epoch);
  /// Returns how many retired pieces and batches of freed entries still wait.
  std::size_t reclaim(share::Epoch& epoch);

  struct Statistics {
    std::size_t pins{}, clients{}, capacity{}, bytes{}, shards{};
  };
  [[nodiscard]] Statistics statistics() const;
  void count_by_home(std::span<std::size_t> clients) const;

 private:
  struct FreedPlace {
    std::uint32_t shard;
    std::uint32_t generation;  // of the shard: one that was rebuilt since has no freed entries
    std::uint32_t place;
  };
  using FreedBatch = std::pair<share::GraceToken, std::vector<FreedPlace>>;

  [[nodiscard]] std::uint32_t index(const ClientKey& key) const { return static_cast<std::uint32_t>(key.high >> (64 - bits_)); }
  [[nodiscard]] const Shard& shard(const ClientKey& key) const { return *shards_[index(key)].load(std::memory_order_acquire); }
  [[nodiscard]] Shard& writable(std::uint32_t i) const { return *shards_[i].load(std::memory_order_relaxed); }
  void grow(std::uint32_t i, share::Epoch& epoch);
  void retire(Shard::Effect& effect, share::Epoch& epoch);

  static constexpr unsigned shard_bits_min = 4;
  static constexpr unsigned shard_bits_max = 10;
  static unsigned bits_for(std::size_t entries_expected);
  void publish(std::uint32_t i, std::unique_ptr<Shard> shard);

  unsigned bits_;                                         // shards_count = 2^bits_
  alignas(
      64) std::array<std::atomic<Head>, std::size_t{1} << shard_bits_max> heads_;  // of shards_; stored behind them, release by the writer, acquire by readers
  std::unique_ptr<std::atomic<Shard*>[]> shards_;  // release by the writer, acquire by readers
  std::vector<std::uint32_t> generations_;  // how often a shard was rebuilt
  std::vector<FreedPlace> freed_;  // of the batch that is open
  std::deque<FreedBatch> freed_batches_;  // oldest first
  Retired retired_;
  std::size_t pins_{};
};

}  // namespace viaduct::assign
