// SPDX-License-Identifier: Apache-2.0
// A shard's walks: a reader's beyond the first line, and the writer's: where a client is put, changed and removed.
#include "shard.h"

#include <algorithm>

#include "ladder.h"
#include "viaduct/base/check.h"

namespace viaduct::assign {

Found Shard::find(const ClientKey& key) const {
  const Walk lines = walk(key);
  for (unsigned step = 0; step < lines_per_find_max; ++step) {
    const Told told = read(lines_[lines[step]], tag_of(key));
    if (told.where == Told::Where::here) return told.found;
    if (told.where == Told::Where::aside) break;
  }
  return side().find(key);
}

Shard::Shard(std::uint32_t lines_count, unsigned bits) : lines_(lines_count), lines_count_(lines_count), bits_(bits), side_(new Side) {}

Shard::~Shard() { delete side_.load(std::memory_order_relaxed); }

void Shard::prefetch_to_write(const ClientKey& key) const { __builtin_prefetch(&lines_[home_line(key, bits_, lines_count_)], 1); }

bool Shard::is_full() const { return (used_ + 1) * 1000 > std::size_t{lines_count_} * entries_per_line * load_full_per_mille; }

std::size_t Shard::bytes() const { return sizeof *this + lines_.bytes() + side().bytes(); }

Found Shard::stored(std::uint32_t place) const {
  const std::uint64_t w = word_at(place).load(std::memory_order_relaxed);
  return {word::home(w), (w & word::pinned) != 0, epoch_at(place).load(std::memory_order_relaxed)};
}

/// The place of a client that stands in the lines under its tag alone: the one that a reader would believe.
std::optional<std::uint32_t> Shard::locate(const ClientKey& key) const {
  const Walk lines = walk(key);
  for (unsigned step = 0; step < lines_per_find_max; ++step) {
    const unsigned matches = match(lines_[lines[step]], tag_of(key));
    if (matches != 0) {
      const std::uint32_t place = lines[step] * entries_per_line + static_cast<unsigned>(std::countr_zero(matches));
      if (word_at(place).load(std::memory_order_relaxed) & word::collided) break;
      return place;
    }
    if (!is_passed(lines_[lines[step]], tag_of(key))) break;
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
      const std::uint64_t w = word_at(place).load(std::memory_order_relaxed);
      if (word::tag(w) == tag_of(key)) met.alike[met.alike_count++] = place;
      if (met.free == nowhere && word::is_free(w)) met.free = place;
    }
    if (met.free == nowhere)
      met.steps_passed = step + 1;
    else if (!is_passed(lines_[lines[step]], tag_of(key)))
      break;
  }
  return met;
}

bool Shard::has_room_at_home(const ClientKey& key) const {
  return std::ranges::any_of(lines_[walk(key)[0]].words, [](const auto& word) { return word::is_free(word.load(std::memory_order_relaxed)); });
}

/// Say in the first lines of a walk, all full, that a client stands further on.
void Shard::pass(const ClientKey& key, unsigned steps) {
  const Walk lines = walk(key);
  for (unsigned step = 0; step < steps; ++step) {
    std::atomic<std::uint32_t>& marks = lines_[lines[step]].marks;
    marks.store(marks.load(std::memory_order_relaxed) | mark_of(tag_of(key)), std::memory_order_release);
  }
}

/// Write a place that no reader can know: the epoch first, so that whoever meets the word has it.
void Shard::place_new(std::uint32_t place, const ClientKey& key, const Found& next, std::uint64_t flags) {
  epoch_at(place).store(next.epoch, std::memory_order_relaxed);
  word_at(place).store(word::make(tag_of(key), next.home, flags | (next.pinned ? word::pinned : 0)), std::memory_order_release);
  ++used_;
}

std::unique_ptr<const Side> Shard::publish(std::unique_ptr<const Side> next) {
  return std::unique_ptr<const Side>(side_.exchange(next.release(), std::memory_order_acq_rel));
}

Shard::Effect Shard::insert(const ClientKey& key, const Found& next) {
  const Scan met = scan(key);
  // One who stands aside for want of a place has no mark on his walk: a client of his tag must not be put where his readers pass.
  if (met.alike_count > 0 || side().has_tag_of(key) || (met.free == nowhere && is_full())) return {.is_refused = true};
  ++clients_;
  pins_ += next.pinned;
  Effect effect;
  if (met.free == nowhere) effect.old_side = publish(side().with({store::identity(key), next}));
  pass(key, met.steps_passed);
  if (met.free != nowhere) place_new(met.free, key, next, 0);
  return effect;
}

Shard::Effect Shard::change(const ClientKey& key, const Found& next) {
  const auto place = locate(key);
  const Found before = place ? stored(*place) : side().find(key);
  if (before.home == no_home || (before.home == next.home && before.pinned == next.pinned)) return {.before = before};
  pins_ = pins_ - before.pinned + next.pinned;
  if (!place) return {.before = before, .old_side = publish(side().with({store::identity(key), next}))};
  word_at(*place).store(word::make(tag_of(key), next.home, next.pinned ? word::pinned : 0), std::memory_order_release);
  epoch_at(*place).store(next.epoch, std::memory_order_release);
  return {.before = before};
}

Shard::Effect Shard::erase(const ClientKey& key) {
  const auto place = locate(key);
  const Found before = place ? stored(*place) : side().find(key);
  if (before.home == no_home) return {.before = before};
  --clients_;
  pins_ -= before.pinned;
  // A collided client's mark stays in the lines: those that share its tag must still be looked up aside.
  if (!place) return {.before = before, .old_side = publish(side().without(key))};
  word_at(*place).store(word::freed, std::memory_order_release);
  return {.before = before, .freed = place};
}

void Shard::release(std::uint32_t place) {
  base::check(word_at(place).load(std::memory_order_relaxed) == word::freed, "a place released twice");
  word_at(place).store(0, std::memory_order_relaxed);
  --used_;
}

}  // namespace viaduct::assign
