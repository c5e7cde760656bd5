// SPDX-License-Identifier: Apache-2.0
// One shard of the assignment table: lines of entries that readers walk without a lock, and the writer's side of it. Growth and reclamation are the table's.
#pragma once
#include <atomic>
#include <bit>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "entry.h"
#include "head.h"
#include "keys.h"
#include "side.h"

namespace viaduct::assign {

/// Thread: find any reader; all else the one writer. Entries never move inside a shard.
class Shard {
 public:
  /// What the writer's change came to.
  struct Effect {
    Found before;                            ///< what the client had here
    std::unique_ptr<const Side> old_side;    ///< unpublished: to be destroyed after a grace period
    std::optional<std::uint32_t> freed;      ///< a place that may be used again after a grace period
  };

  /// Shape: lines_count is even, 2 to 2^30. `bits` are those of the key's high word that chose the shard.
  Shard(std::uint32_t lines_count, unsigned bits);
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  void prefetch_to_write(const ClientKey& key) const;

  /// Reads at most lines_per_find_max lines, then the side table.
  [[nodiscard]] Found find(const ClientKey& key) const;

  /// Insert or change. Needs a place free: see is_full. Does nothing when `next` differs from what stands only in its epoch.
  [[nodiscard]] Effect put(const ClientKey& key, const Found& next);
  [[nodiscard]] Effect erase(const ClientKey& key);
  /// A place freed by erase is free for others from now on.
  void release(std::uint32_t place);

  /// The same clients in a new shard of so many lines.
  [[nodiscard]] std::unique_ptr<Shard> rebuilt(std::uint32_t lines_count) const;

  [[nodiscard]] bool is_full() const;                                    ///< the load at which a shard must grow
  [[nodiscard]] std::uint32_t lines_count() const { return lines_count_; }
  [[nodiscard]] Head head() const { return {lines_.begin(), lines_count_}; }
  [[nodiscard]] std::size_t clients() const { return clients_; }
  [[nodiscard]] std::size_t bytes() const;
  /// Call `f(home)` for every client.
  template <typename F>
  void for_each_home(F&& f) const;

 private:
  struct Scan;  // what an insertion finds on its walk
  [[nodiscard]] Walk walk(const ClientKey& key) const { return {tag_of(key), home_line(key, bits_, lines_count_), lines_count_}; }
  [[nodiscard]] Entry& entry(std::uint32_t place) const { return lines_[place / entries_per_line].entries[place % entries_per_line]; }
  [[nodiscard]] bool is_passed(std::uint32_t line) const { return lines_[line].entries[0].word.load(std::memory_order_relaxed) & word::passed; }
  [[nodiscard]] Found find_aside(const ClientKey& key) const { return side_.load(std::memory_order_acquire)->find(key); }
  [[nodiscard]] Found stored(std::uint32_t place) const;
  [[nodiscard]] std::optional<std::uint32_t> locate(const ClientKey& key) const;
  [[nodiscard]] Scan scan(const ClientKey& key) const;
  [[nodiscard]] std::unique_ptr<const Side> insert(const ClientKey& key, const Found& next);
  [[nodiscard]] std::unique_ptr<const Side> set_aside(const ClientKey& key, const Found& next, const Scan& met);
  void place_new(std::uint32_t place, const ClientKey& key, const Found& next, std::uint64_t flags);
  void store_word(std::uint32_t place, std::uint64_t bits);
  [[nodiscard]] std::unique_ptr<const Side> publish(std::unique_ptr<const Side> next);

  // What readers use; written before the shard is published, but for the lines' inside and side_.
  alignas(64) RegionArray<Line> lines_;
  std::uint32_t lines_count_;
  unsigned bits_;
  std::atomic<const Side*> side_;     // release by the writer, acquire by readers
  // The writer's.
  alignas(64) Keys keys_;
  std::size_t used_{};                // entries not free: clients, and freed ones in their grace period
  std::size_t clients_{};
};

/// One bit for each entry with that tag, the first lowest. No branch: which of four matches cannot be predicted, and a wrong guess costs more than
/// the line.
inline unsigned match(const Line& line, std::uint64_t tag) {
  const std::uint64_t wanted = word::make(tag, 0, 0);
  unsigned matches = 0;
  const auto add = [&](std::size_t i) {
    const bool is_same = (line.entries[i].word.load(std::memory_order_acquire) ^ wanted) < word::make(1, 0, 0);
    matches = matches * 2 + static_cast<unsigned>(is_same);
  };
  static_assert(entries_per_line == 4);
  add(3);
  add(2);
  add(1);
  add(0);
  return matches;
}

/// What a line tells of a client.
struct Told {
  enum class Where : std::uint8_t { here, further, aside };
  Where where{};   ///< what is known of him, where it is found
  Found found{};   ///< when here; nothing when he has no entry
};

inline Told read(const Line& line, std::uint64_t tag) {
  const unsigned matches = match(line, tag);
  if (matches == 0) return {line.entries[0].word.load(std::memory_order_relaxed) & word::passed ? Told::Where::further : Told::Where::here, {}};
  const Entry& e = line.entries[static_cast<unsigned>(std::countr_zero(matches))];
  const std::uint32_t epoch = e.epoch.load(std::memory_order_acquire);
  const std::uint64_t w = e.word.load(std::memory_order_acquire);
  if (word::tag(w) != tag) return {};  // removed between two loads; its place is not given to another before we are quiescent
  if (w & word::collided) [[unlikely]]
    return {Told::Where::aside, {}};
  return {Told::Where::here, {word::home(w), (w & word::pinned) != 0, epoch}};
}

template <typename F>
void Shard::for_each_home(F&& f) const {
  for (const Line& line : lines_)
    for (const Entry& e : line.entries) {
      const std::uint64_t w = e.word.load(std::memory_order_relaxed);
      if (word::tag(w) != 0 && !(w & word::collided)) f(word::home(w));
    }
  for (const SideEntry& e : side_.load(std::memory_order_relaxed)->entries()) f(e.found.home);
}

}  // namespace viaduct::assign
