// SPDX-License-Identifier: Apache-2.0
// One shard of the assignment table: lines of entries that readers walk without a lock, and the writer's side of it. Making one anew is a Build's, reclamation the table's.
#pragma once
#include <immintrin.h>

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <memory>
#include <optional>

#include "entry.h"
#include "head.h"
#include "region.h"
#include "side.h"

namespace viaduct::assign {

/// Thread: find any reader; all else the one writer, but for what a Build does. Entries never move inside a shard.
/// The writer knows no whole keys: a client who has an entry is who a reader takes him for, which is exact for clients that were inserted.
class Shard {
 public:
  /// What the writer's change came to.
  struct Effect {
    Found before;  ///< what the client had here
    std::unique_ptr<const Side> old_side;  ///< unpublished: to be destroyed after a grace period
    std::optional<std::uint32_t> freed;  ///< a place that may be used again after a grace period
    bool is_refused{};  ///< nothing was changed: only a shard made anew can hold the client
  };

  /// Shape: lines_count is even, 2 to 2^30. `bits` are those of the key's high word that chose the shard.
  Shard(std::uint32_t lines_count, unsigned bits);
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  void prefetch_to_write(const ClientKey& key) const;

  /// Reads at most lines_per_find_max lines, then the side table.
  [[nodiscard]] Found find(const ClientKey& key) const;

  /// Insert a client who has no entry. Refused when an entry on his walk has his tag, for it cannot be said here whose that is, and when no place is left
  /// and the shard is full.
  [[nodiscard]] Effect insert(const ClientKey& key, const Found& next);
  /// Change a client's entry. Does nothing when there is none, or when `next` differs from what stands only in its epoch.
  [[nodiscard]] Effect change(const ClientKey& key, const Found& next);
  [[nodiscard]] Effect erase(const ClientKey& key);
  /// A place freed by erase is free for others from now on.
  void release(std::uint32_t place);

  [[nodiscard]] bool is_full() const;  ///< the load at which a shard must grow
  [[nodiscard]] std::uint32_t lines_count() const { return lines_count_; }
  [[nodiscard]] Head head() const { return {lines_.begin(), lines_count_}; }
  [[nodiscard]] std::size_t clients() const { return clients_; }
  [[nodiscard]] std::size_t pins() const { return pins_; }
  [[nodiscard]] std::size_t bytes() const;
  [[nodiscard]] std::size_t bytes_reserved() const { return lines_.bytes_reserved(); }

 private:
  friend class Build;
  static constexpr std::uint32_t nowhere = UINT32_MAX;
  /// What stands on a key's walk: the first free place, and the places with its tag.
  struct Scan {
    std::uint32_t free{nowhere};
    unsigned steps_passed{};  // lines before that place, all full
    std::array<std::uint32_t, lines_per_find_max * entries_per_line> alike;
    std::size_t alike_count{};
  };
  [[nodiscard]] Walk walk(const ClientKey& key) const { return {tag_of(key), home_line(key, bits_, lines_count_), lines_count_}; }
  [[nodiscard]] std::atomic<std::uint64_t>& word_at(std::uint32_t place) const { return lines_[place / entries_per_line].words[place % entries_per_line]; }
  [[nodiscard]] std::atomic<std::uint32_t>& epoch_at(std::uint32_t place) const { return lines_[place / entries_per_line].epochs[place % entries_per_line]; }
  [[nodiscard]] const Side& side() const { return *side_.load(std::memory_order_acquire); }
  [[nodiscard]] Found stored(std::uint32_t place) const;
  [[nodiscard]] std::optional<std::uint32_t> locate(const ClientKey& key) const;
  [[nodiscard]] Scan scan(const ClientKey& key) const;
  [[nodiscard]] bool has_room_at_home(const ClientKey& key) const;
  void pass(const ClientKey& key, unsigned steps);
  void place_new(std::uint32_t place, const ClientKey& key, const Found& next, std::uint64_t flags);
  [[nodiscard]] std::unique_ptr<const Side> publish(std::unique_ptr<const Side> next);

  // What readers use; written before the shard is published, but for the lines' inside and side_.
  alignas(64) RegionArray<Line> lines_;
  std::uint32_t lines_count_;
  unsigned bits_;
  std::atomic<const Side*> side_;  // release by the writer, acquire by readers
  // The writer's.
  alignas(64) std::size_t used_{};  // entries not free: clients, and freed ones in their grace period
  std::size_t clients_{};
  std::size_t pins_{};
};

/// One bit for each entry with that tag, the first lowest. No branch: which of five matches cannot be predicted, and a wrong guess costs more than
/// the line.
inline unsigned match(const Line& line, std::uint64_t tag) {
  const std::uint64_t wanted = word::make(tag, 0, 0);
  unsigned matches = 0;
  const auto add = [&](std::size_t i) {
    const bool is_same = (line.words[i].load(std::memory_order_acquire) ^ wanted) < word::make(1, 0, 0);
    matches = matches * 2 + static_cast<unsigned>(is_same);
  };
  static_assert(entries_per_line == 5);
  add(4);
  add(3);
  add(2);
  add(1);
  add(0);
  return matches;
}

/// The same, four words at a time. A vector's loads are one by one what an atomic load of each word is: x86-64 reads aligned words whole, and reads in order.
__attribute__((no_sanitize("thread"))) inline unsigned match_at_once(const Line& line, std::uint64_t tag) {
  const std::uint64_t wanted = word::make(tag, 0, 0);
  const __m256i words = _mm256_load_si256(reinterpret_cast<const __m256i*>(line.words.data()));
  const __m256i differ = _mm256_srli_epi64(_mm256_xor_si256(words, _mm256_set1_epi64x(static_cast<long long>(wanted))), word::tag_shift);
  const int first_four = _mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpeq_epi64(differ, _mm256_setzero_si256())));
  static_assert(entries_per_line == 5);
  const bool is_last = (line.words[4].load(std::memory_order_acquire) ^ wanted) < word::make(1, 0, 0);
  return static_cast<unsigned>(first_four) | static_cast<unsigned>(is_last) << 4;
}

/// Whether a client with that tag found the line full.
inline bool is_passed(const Line& line, std::uint64_t tag) { return (line.marks.load(std::memory_order_relaxed) & mark_of(tag)) != 0; }

/// What a line tells of a client.
struct Told {
  enum class Where : std::uint8_t { here, further, aside };
  Where where{};  ///< what is known of him, where it is found
  Found found{};  ///< when here; nothing when he has no entry
};

inline Told read(const Line& line, std::uint64_t tag) {
  const unsigned matches = match(line, tag);
  if (matches == 0) return {is_passed(line, tag) ? Told::Where::further : Told::Where::here, {}};
  const auto i = static_cast<unsigned>(std::countr_zero(matches));
  const std::uint32_t epoch = line.epochs[i].load(std::memory_order_acquire);
  const std::uint64_t w = line.words[i].load(std::memory_order_acquire);
  if (word::tag(w) != tag) return {};  // removed between two loads; its place is not given to another before we are quiescent
  if (w & word::collided) [[unlikely]]
    return {Told::Where::aside, {}};
  return {Told::Where::here, {word::home(w), (w & word::pinned) != 0, epoch}};
}

/// What `read` says, without a branch on whether a client has an entry here: that cannot be predicted, and a wrong guess throws away what has been begun for
/// the next clients.
struct Glance {
  Found found{};  ///< nothing when it is not here
  bool is_elsewhere{};  ///< then it may be further on, or aside
};
inline Glance glance(const Line& line, std::uint64_t tag) {
  const unsigned matches = match_at_once(line, tag);
  const auto i = static_cast<unsigned>(std::countr_zero(matches | 1U << (entries_per_line - 1)));
  const std::uint32_t epoch = line.epochs[i].load(std::memory_order_acquire);
  const std::uint64_t w = line.words[i].load(std::memory_order_acquire);
  // One that has come since the match would be met with the epoch that stood before it. Numbers, since of truths the compiler makes branches again.
  const unsigned is_its = unsigned{matches != 0} & unsigned{(w ^ word::make(tag, 0, 0)) < word::make(1, 0, 0)};
  const unsigned is_aside = is_its & static_cast<unsigned>((w & word::collided) != 0);
  const unsigned is_further = (is_its ^ 1) & line.marks.load(std::memory_order_relaxed) >> mark_place(tag);
  const unsigned nobody = (is_its & (is_aside ^ 1)) - 1;  // all bits unless he is told of: no_home
  return {.found = {static_cast<HomeIndex>(word::home(w) | nobody), (w & word::pinned) != 0, epoch}, .is_elsewhere = ((is_aside | is_further) & 1) != 0};
}

}  // namespace viaduct::assign
