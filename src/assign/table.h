// SPDX-License-Identifier: Apache-2.0
// The sharded table of clients that have an entry of their own: wait-free to read, one writer, made anew shard by shard. It knows nothing of slots or policy.
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

/// Thread: find and prefetch any reader registered with the Epoch; draft one thread at a time; all else the control core.
/// A table stands in the order of the keys' high words: shard by shard, line by line.
class Table {
 public:
  /// Shards are as many as the expected entries ask for, each of the smallest size: a draft gives a shard the size of its records.
  explicit Table(std::size_t entries_expected);
  ~Table();
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  [[nodiscard]] std::uint32_t shards_count() const { return std::uint32_t{1} << bits_; }
  [[nodiscard]] std::uint32_t index(const ClientKey& key) const { return static_cast<std::uint32_t>(key.high >> (64 - bits_)); }

  /// The home line, which says all of 24 clients in 25, into the second-level cache: more lines can be on their way there than to the first level, out of which
  /// a burst's messages would push them again.
  void prefetch(const ClientKey& key) const {
    constexpr int reads = 0, second_level = 2;
    const Head head = heads_[index(key)].load(std::memory_order_acquire);
    __builtin_prefetch(&head.lines()[home_line(key, bits_, head.lines_count())], reads, second_level);
  }
  /// The three lines behind it on the way of a client whose home line does not say all.
  void prefetch_further(const ClientKey& key) const {
    const Head head = heads_[index(key)].load(std::memory_order_acquire);
    const Walk lines(tag_of(key), home_line(key, bits_, head.lines_count()), head.lines_count());
    for (unsigned step = 1; step < 4; ++step) __builtin_prefetch(&head.lines()[lines[step]]);
  }
  [[nodiscard]] Told read_home(const ClientKey& key) const {
    const Head head = heads_[index(key)].load(std::memory_order_acquire);
    return read(head.lines()[home_line(key, bits_, head.lines_count())], tag_of(key));
  }
  [[nodiscard]] Glance glance_home(const ClientKey& key) const {
    const Head head = heads_[index(key)].load(std::memory_order_acquire);
    return glance(head.lines()[home_line(key, bits_, head.lines_count())], tag_of(key));
  }
  /// Most clients' home line says all of them. Else the walk begins anew: lines and side table must be of one shard.
  [[nodiscard]] Found find(const ClientKey& key) const {
    const Told told = read_home(key);
    return told.where == Told::Where::here ? told.found : shard(key).find(key);
  }

  void prefetch_to_write(const ClientKey& key) const { shard(key).prefetch_to_write(key); }
  /// Insert or change; true when home or pin differ from before. A shard that is full or cannot hold the client is stale.
  bool put(const ClientKey& key, const Found& next, bool is_new, share::Epoch& epoch);
  /// Does nothing when there is nothing to remove.
  void erase(const ClientKey& key, share::Epoch& epoch);
  /// Whether the client's shard could not hold somebody: it takes no changes before it is made anew. Then it misses this one, and is stale.
  [[nodiscard]] bool refuses(const ClientKey& key);
  /// The end of a batch: from now on the grace period of its freed entries runs. Returns the shards that are stale since the last time, ascending.
  [[nodiscard]] std::vector<std::uint32_t> close_batch(share::Epoch& epoch);
  /// Returns how many retired pieces and batches of freed entries still wait.
  std::size_t reclaim(share::Epoch& epoch);

  struct Draft {
    std::unique_ptr<Shard> shard;
    std::uint32_t index;
    std::uint32_t version;  // of the shard as it was
  };
  /// A new shard of exactly these records.
  [[nodiscard]] Draft draft(std::uint32_t i, std::span<const store::Record> records) const;
  void publish(Draft draft, share::Epoch& epoch);

  struct Statistics {
    std::size_t pins{}, clients{}, capacity{}, bytes{}, bytes_reserved{};
  };
  [[nodiscard]] Statistics statistics() const;

 private:
  struct FreedPlace {
    std::uint32_t shard;
    std::uint32_t generation;  // of the shard: one that was made anew since has no freed entries
    std::uint32_t place;
  };
  using FreedBatch = std::pair<share::GraceToken, std::vector<FreedPlace>>;
  /// What the writer keeps of a shard.
  struct State {
    std::uint32_t generation{};  // how often it was made anew
    std::atomic<std::uint32_t> version{};  // changes, missed ones too, and generations; relaxed: a draft must not meet one, and this is how it shows
    bool is_stale{}, is_closed{};
  };

  [[nodiscard]] const Shard& shard(const ClientKey& key) const { return *shards_[index(key)].load(std::memory_order_acquire); }
  [[nodiscard]] Shard& writable(std::uint32_t i) const { return *shards_[i].load(std::memory_order_relaxed); }
  void retire(Shard::Effect& effect, share::Epoch& epoch);
  void set_stale(std::uint32_t i);
  void store(std::uint32_t i, std::unique_ptr<Shard> shard);

  static constexpr unsigned shard_bits_min = 4;
  static unsigned bits_for(std::size_t entries_expected);

  unsigned bits_;  // shards_count = 2^bits_
  alignas(
      64) std::array<std::atomic<Head>, std::size_t{1} << shard_bits_max> heads_;  // of shards_; stored behind them, release by the writer, acquire by readers
  std::unique_ptr<std::atomic<Shard*>[]> shards_;  // release by the writer, acquire by readers
  std::vector<State> states_;
  bool is_any_stale_{};
  mutable std::atomic<bool> is_drafting_{};
  std::vector<FreedPlace> freed_;  // of the batch that is open
  std::deque<FreedBatch> freed_batches_;  // oldest first
  Retired retired_;
};

}  // namespace viaduct::assign
