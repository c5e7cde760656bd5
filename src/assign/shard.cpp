// SPDX-License-Identifier: Apache-2.0
// A shard's walks: a reader's beyond the first line, and the writer's side: where a client is put, how collisions are found and kept exact.
#include "shard.h"

#include <array>

#include "viaduct/base/check.h"

namespace viaduct::assign {
namespace {

/// Load at which a shard grows, in percent of its entries: above it the walks become long (see lines_per_find_max).
constexpr std::size_t load_percent_max = 85;
constexpr std::uint32_t nowhere = UINT32_MAX;

}  // namespace

Found Shard::find(const ClientKey& key) const {
  const Walk lines = walk(key);
  for (unsigned step = 0; step < lines_per_find_max; ++step) {
    const Told told = read(lines_[lines[step]], tag_of(key));
    if (told.where == Told::Where::here) return told.found;
    if (told.where == Told::Where::aside) break;
  }
  return find_aside(key);
}

/// What stands on a key's walk: the first free place, and the places whose bits a reader cannot tell from the key's.
struct Shard::Scan {
  std::uint32_t free{nowhere};
  unsigned steps_passed{};    // lines before that place, all full
  std::array<std::uint32_t, lines_per_find_max * entries_per_line> alike;
  std::size_t alike_count{};
};

Shard::Shard(std::uint32_t lines_count, unsigned bits)
    : lines_(lines_count, Pages::huge), lines_count_(lines_count), bits_(bits), side_(new Side), keys_(std::size_t{lines_count} * entries_per_line) {}

Shard::~Shard() { delete side_.load(std::memory_order_relaxed); }

void Shard::prefetch_to_write(const ClientKey& key) const {
  const std::uint32_t line = home_line(key, bits_, lines_count_);
  __builtin_prefetch(&lines_[line], 1);
  keys_.prefetch(line * entries_per_line);
}

bool Shard::is_full() const { return (used_ + 1) * 100 > std::size_t{lines_count_} * entries_per_line * load_percent_max; }

std::size_t Shard::bytes() const { return sizeof *this + lines_.bytes() + keys_.bytes() + side_.load(std::memory_order_relaxed)->bytes(); }

/// Replace an entry's word, keeping what its line's first entry says of the line.
void Shard::store_word(std::uint32_t place, std::uint64_t bits) {
  std::atomic<std::uint64_t>& w = entry(place).word;
  w.store(bits | (w.load(std::memory_order_relaxed) & word::passed), std::memory_order_release);
}

Found Shard::stored(std::uint32_t place) const {
  const std::uint64_t w = entry(place).word.load(std::memory_order_relaxed);
  return {word::home(w), (w & word::pinned) != 0, entry(place).epoch.load(std::memory_order_relaxed)};
}

/// The place of a client that stands in the lines under its own bits alone.
std::optional<std::uint32_t> Shard::locate(const ClientKey& key) const {
  const Walk lines = walk(key);
  for (unsigned step = 0; step < lines_per_find_max; ++step) {
    const std::uint32_t first = lines[step] * entries_per_line;
    for (std::uint32_t place = first; place < first + entries_per_line; ++place) {
      const std::uint64_t w = entry(place).word.load(std::memory_order_relaxed);
      if (word::tag(w) == tag_of(key) && !(w & word::collided) && keys_[place] == key) return place;
    }
    if (!is_passed(lines[step])) break;
  }
  return std::nullopt;
}

/// Walk as far as this key's readers will, once it is inserted, or as those of a client with its tag may.
Shard::Scan Shard::scan(const ClientKey& key) const {
  Scan met;
  const Walk lines = walk(key);
  for (unsigned step = 0; step < lines_per_find_max; ++step) {
    const std::uint32_t first = lines[step] * entries_per_line;
    for (std::uint32_t place = first; place < first + entries_per_line; ++place) {
      const std::uint64_t w = entry(place).word.load(std::memory_order_relaxed);
      if (word::tag(w) == tag_of(key)) met.alike[met.alike_count++] = place;
      if (met.free == nowhere && word::is_free(w)) met.free = place;
    }
    if (met.free == nowhere)
      met.steps_passed = step + 1;
    else if (!is_passed(lines[step]))
      break;
  }
  return met;
}

/// Write a place that no reader can know: the epoch first, so that whoever meets the word has it.
void Shard::place_new(std::uint32_t place, const ClientKey& key, const Found& next, std::uint64_t flags) {
  keys_.set(place, key);
  Entry& e = entry(place);
  e.previous.store(no_home, std::memory_order_relaxed);
  e.count.store(0, std::memory_order_relaxed);
  e.epoch.store(next.epoch, std::memory_order_relaxed);
  store_word(place, word::make(tag_of(key), next.home, flags | (next.pinned ? word::pinned : 0)));
  ++used_;
}

std::unique_ptr<const Side> Shard::publish(std::unique_ptr<const Side> next) {
  return std::unique_ptr<const Side>(side_.exchange(next.release(), std::memory_order_acq_rel));
}

/// Put a client and those alike into the side table, then mark these: a reader that meets a mark finds all of them aside.
std::unique_ptr<const Side> Shard::set_aside(const ClientKey& key, const Found& next, const Scan& met) {
  std::array<SideEntry, lines_per_find_max * entries_per_line + 1> entries;
  std::size_t count = 0;
  entries[count++] = {key, next};
  const std::span alike(met.alike.data(), met.alike_count);
  for (const std::uint32_t place : alike)
    if (!(entry(place).word.load(std::memory_order_relaxed) & word::collided)) entries[count++] = {keys_[place], stored(place)};
  auto old = publish(side_.load(std::memory_order_relaxed)->with(std::span(entries.data(), count)));
  for (const std::uint32_t place : alike) store_word(place, entry(place).word.load(std::memory_order_relaxed) | word::collided);
  return old;
}

std::unique_ptr<const Side> Shard::insert(const ClientKey& key, const Found& next) {
  const Scan met = scan(key);
  std::unique_ptr<const Side> old_side;
  const bool aside = met.alike_count > 0 || met.free == nowhere;
  if (aside) old_side = set_aside(key, next, met);
  const Walk lines = walk(key);
  for (unsigned step = 0; step < met.steps_passed; ++step) {
    std::atomic<std::uint64_t>& w = lines_[lines[step]].entries[0].word;
    w.store(w.load(std::memory_order_relaxed) | word::passed, std::memory_order_release);
  }
  if (met.free != nowhere) place_new(met.free, key, next, aside ? word::collided : 0);
  ++clients_;
  return old_side;
}

Shard::Effect Shard::put(const ClientKey& key, const Found& next) {
  const auto place = locate(key);
  const Found before = place ? stored(*place) : find_aside(key);
  if (before.home == next.home && before.pinned == next.pinned) return {before, nullptr, std::nullopt};
  if (before.home == no_home) return {before, insert(key, next), std::nullopt};
  if (!place) {
    const SideEntry changed{key, next};
    return {before, publish(side_.load(std::memory_order_relaxed)->with({&changed, 1})), std::nullopt};
  }
  store_word(*place, word::make(tag_of(key), next.home, next.pinned ? word::pinned : 0));
  entry(*place).epoch.store(next.epoch, std::memory_order_release);
  return {before, nullptr, std::nullopt};
}

Shard::Effect Shard::erase(const ClientKey& key) {
  const auto place = locate(key);
  const Found before = place ? stored(*place) : find_aside(key);
  if (before.home == no_home) return {before, nullptr, std::nullopt};
  --clients_;
  // A collided client's mark stays in the lines: those that share its bits must still be looked up aside.
  if (!place) return {before, publish(side_.load(std::memory_order_relaxed)->without(key)), std::nullopt};
  store_word(*place, word::freed);
  return {before, nullptr, place};
}

void Shard::release(std::uint32_t place) {
  base::check(entry(place).word.load(std::memory_order_relaxed) >> 8 == word::freed >> 8, "a place released twice");
  std::atomic<std::uint64_t>& w = entry(place).word;
  w.store(w.load(std::memory_order_relaxed) & word::passed, std::memory_order_relaxed);
  --used_;
}

std::unique_ptr<Shard> Shard::rebuilt(std::uint32_t lines_count) const {
  auto next = std::make_unique<Shard>(lines_count, bits_);
  const std::uint32_t places = lines_count_ * entries_per_line;
  for (std::uint32_t place = 0; place < places; ++place) {
    const std::uint64_t w = entry(place).word.load(std::memory_order_relaxed);
    if (word::tag(w) == 0 || w & word::collided) continue;
    static_cast<void>(next->insert(keys_[place], stored(place)));
  }
  for (const SideEntry& e : side_.load(std::memory_order_relaxed)->entries()) static_cast<void>(next->insert(e.key, e.found));
  return next;
}

}  // namespace viaduct::assign
