// SPDX-License-Identifier: Apache-2.0
// Chunks of the log: packing, appending, pruning, and a client's past read from them.
#include "log.h"

#include <algorithm>

#include "block.h"

namespace viaduct::store {
namespace {

struct __attribute__((packed)) Packed {
  std::uint64_t bits;            // the identity behind its block, as in a record
  std::uint32_t block;           // 20 bits; bit 30: was pinned, bit 31: is pinned
  std::uint32_t epoch_before;
  std::uint16_t before;
  std::uint16_t after;           // 0xffff: none
};
static_assert(sizeof(Packed) == 20);

constexpr std::uint16_t no_home = 0xffff;
constexpr std::uint32_t bit_pin_before = std::uint32_t{1} << 30;
constexpr std::uint32_t bit_pin_after = std::uint32_t{1} << 31;
// A chunk stays inside a page beside another: LMDB moves larger values to pages of their own.
constexpr std::size_t chunk_bytes = 100 * sizeof(Packed);
// Chunks taken away by one batch beyond those that it adds, so that no commit pays for all.
constexpr unsigned prune_chunks_extra = 16;

std::uint64_t inner_bits(const base::Hash128& client) {
  return client.high << block_bits >> (64 - (high_bits - block_bits)) << low_bits | client.low >> (64 - low_bits);
}

std::uint64_t place(std::uint32_t epoch, std::uint32_t chunk) { return std::uint64_t{epoch} << 32 | chunk; }

std::optional<std::uint16_t> home_or_none(std::uint16_t home) { return home == no_home ? std::nullopt : std::optional(home); }

/// Who made a batch, and when; unknown when it is so old that it is gone.
void name_author(MDB_txn* txn, const Tables& tables, Event& event) {
  const auto sealed = get(txn, tables.batches, key_of(event.epoch));
  if (!sealed) return;
  const auto row = unsealed(event.epoch, *sealed);
  if (!row || row->size() < sizeof event.at_s) fail_corrupt("a batch's author");
  std::memcpy(&event.at_s, row->data(), sizeof event.at_s);
  const std::string_view names = row->substr(sizeof event.at_s);
  const std::size_t zero = std::min(names.find('\0'), names.size());
  event.author = {std::string(names.substr(0, zero)), std::string(names.substr(std::min(zero + 1, names.size())))};
}

}  // namespace

void LogWriter::add(const LogEntry& e) {
  const Packed p{.bits = inner_bits(e.client),
                 .block = block_of(e.client) | (e.pin_before ? bit_pin_before : 0) | (e.pin_after ? bit_pin_after : 0),
                 .epoch_before = e.epoch_before,
                 .before = e.before.value_or(no_home),
                 .after = e.after.value_or(no_home)};
  waiting_.append(reinterpret_cast<const char*>(&p), sizeof p);
  ++added_;
  if (waiting_.size() >= chunk_bytes) flush();
}

void LogWriter::flush() {
  if (waiting_.empty()) return;
  const std::uint64_t at = place(epoch_, chunk_++);
  seal(at, waiting_);
  MDB_val key = key_of(at);
  MDB_val value = value_of(waiting_);
  require(mdb_put(txn_, tables_.log, &key, &value, MDB_APPEND), "write the log");
  waiting_.clear();
}

std::uint64_t LogWriter::prune(std::uint64_t entries, const LogBounds& bounds) {
  const Cursor cursor = open_cursor(txn_, tables_.log);
  MDB_val key, value;
  for (unsigned left = chunk_ + prune_chunks_extra; left > 0 && entries > bounds.entries_max; --left) {
    if (mdb_cursor_get(cursor.get(), &key, &value, MDB_FIRST) != MDB_SUCCESS) break;
    entries -= std::min<std::uint64_t>(entries, value.mv_size / sizeof(Packed));
    require(mdb_cursor_del(cursor.get(), 0), "prune the log");
  }
  const Cursor batches = open_cursor(txn_, tables_.batches);
  MDB_stat stat;
  require(mdb_stat(txn_, tables_.batches, &stat), "prune the batches");
  for (std::size_t count = stat.ms_entries; count > bounds.batches_max; --count) {
    require(mdb_cursor_get(batches.get(), &key, &value, MDB_FIRST), "prune the batches");
    require(mdb_cursor_del(batches.get(), 0), "prune the batches");
  }
  return entries;
}

std::uint64_t LogWriter::finish(const Author& author, std::uint64_t now_s, std::uint64_t entries_before) {
  flush();
  std::string row(reinterpret_cast<const char*>(&now_s), sizeof now_s);
  row += author.who;
  row += '\0';
  row += author.why;
  seal(epoch_, row);
  MDB_val key = key_of(epoch_);
  MDB_val value = value_of(row);
  require(mdb_put(txn_, tables_.batches, &key, &value, MDB_APPEND), "write the batch");
  return prune(entries_before + added_, bounds_);
}

std::uint64_t LogWriter::make_room(std::uint64_t entries) {
  MDB_stat batches;
  require(mdb_stat(txn_, tables_.batches, &batches), "prune the batches");
  constexpr std::size_t batches_gone = 2;
  return prune(entries,
               {.entries_max = entries - std::min(entries, 2 * added_), .batches_max = batches.ms_entries - std::min(batches.ms_entries, batches_gone)});
}

std::vector<Event> history_of(MDB_txn* txn, const Tables& tables, const base::Hash128& client, const std::optional<Record>& now) {
  std::vector<Event> events;
  const std::uint64_t bits = inner_bits(client);
  const std::uint32_t block = block_of(client);
  std::uint32_t first_epoch = now ? now->epoch : 0;
  std::optional<std::uint16_t> first_home = now ? std::optional(now->home) : std::nullopt;
  bool first_pin = now && now->pin;
  const auto first_placement = [&] {
    if (first_home) events.push_back({.epoch = first_epoch, .after = first_home, .pin_after = first_pin});
  };
  const Cursor cursor = open_cursor(txn, tables.log);
  MDB_val key, value;
  for (int code = mdb_cursor_get(cursor.get(), &key, &value, MDB_LAST); code != MDB_NOTFOUND; code = mdb_cursor_get(cursor.get(), &key, &value, MDB_PREV)) {
    require(code, "read the log");
    const auto at = number_of<std::uint64_t>(key);
    const auto octets = unsealed(at, octets_of(value));
    if (!octets || octets->size() % sizeof(Packed) != 0) fail_corrupt("the log of changes");
    for (std::size_t i = 0; i < octets->size(); i += sizeof(Packed)) {
      Packed p;
      std::memcpy(&p, octets->data() + i, sizeof p);
      if (p.bits != bits || (p.block & (bit_pin_before - 1)) != block) continue;
      const auto after = home_or_none(p.after);
      // Between two entries the client may have come anew: then this one's end is not the other's beginning.
      if (!after) first_placement();
      events.push_back({.epoch = static_cast<std::uint32_t>(at >> 32),
                        .before = home_or_none(p.before),
                        .after = after,
                        .pin_before = (p.block & bit_pin_before) != 0,
                        .pin_after = (p.block & bit_pin_after) != 0});
      first_epoch = p.epoch_before;
      first_home = home_or_none(p.before);
      first_pin = (p.block & bit_pin_before) != 0;
    }
  }
  first_placement();
  for (Event& event : events) name_author(txn, tables, event);
  return events;
}

}  // namespace viaduct::store
