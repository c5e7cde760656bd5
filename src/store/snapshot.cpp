// SPDX-License-Identifier: Apache-2.0
// Reading: one LMDB read transaction, which sees the store as it was when it began.
#include "block.h"
#include "lmdb_store.h"
#include "log.h"
#include "viaduct/base/limits.h"

namespace viaduct::store {
namespace {

class LmdbSnapshot final : public Snapshot {
 public:
  LmdbSnapshot(MDB_env* env, const Tables& tables) : txn_(begin_transaction(env, MDB_RDONLY)), tables_(tables), meta_(read_meta(txn_.get(), tables_)) {}
  std::uint32_t epoch() const override { return meta_.epoch; }
  Result<std::optional<base::Hash128>> mark() const override {
    return attempt([&] { return read_mark(txn_.get(), tables_); });
  }
  Result<std::optional<base::Hash128>> fleet() const override {
    return attempt([&] { return read_fleet(txn_.get(), tables_); });
  }
  std::uint64_t clients() const override { return meta_.clients; }
  Result<void> records(std::uint32_t first, std::uint32_t end, std::vector<Record>& out) const override {
    return attempt([&] {
      for_each_block(first, end, [&](std::uint32_t block, std::string_view octets) {
        unpack_into(block, octets, out);
        return true;
      });
    });
  }
  Result<void> clients(std::uint32_t first, std::uint32_t end, const std::function<bool(const Record&, std::string_view)>& f) const override {
    return attempt([&] { join(first, end, f); });
  }
  Result<std::optional<Record>> find(const base::Hash128& key) const override {
    return attempt([&] { return find_one(identity(key)); });
  }
  Result<std::vector<Event>> history(const base::Hash128& key) const override {
    return attempt([&] { return history_of(txn_.get(), tables_, identity(key), find_one(identity(key))); });
  }
  Result<std::vector<std::string>> homes() const override {
    return attempt([&] { return all_homes(); });
  }
  Result<std::vector<std::uint16_t>> slots() const override {
    return attempt([&] { return all_slots(); });
  }

 private:
  static void unpack_into(std::uint32_t block, std::string_view octets, std::vector<Record>& out) {
    if (!unpack(block, octets, out)) fail_corrupt("block " + std::to_string(block));
  }
  /// Call `f(block, octets)` until it returns false.
  template <typename F>
  void for_each_block(std::uint32_t first, std::uint32_t end, F&& f) const;
  void join(std::uint32_t first, std::uint32_t end, const std::function<bool(const Record&, std::string_view)>& f) const;
  [[nodiscard]] std::optional<Record> find_one(const base::Hash128& client) const;
  [[nodiscard]] std::vector<std::string> all_homes() const;
  [[nodiscard]] std::vector<std::uint16_t> all_slots() const;

  Transaction txn_;
  const Tables& tables_;
  Meta meta_;
};

template <typename F>
void LmdbSnapshot::for_each_block(std::uint32_t first, std::uint32_t end, F&& f) const {
  const Cursor cursor = open_cursor(txn_.get(), tables_.blocks);
  MDB_val key = key_of(first);
  MDB_val value;
  std::uint32_t wanted = first;
  for (int code = mdb_cursor_get(cursor.get(), &key, &value, MDB_SET_RANGE); code != MDB_NOTFOUND;
       code = mdb_cursor_get(cursor.get(), &key, &value, MDB_NEXT)) {
    require(code, "read a block");
    const auto block = number_of<std::uint32_t>(key);
    if (block < wanted) fail_corrupt("block " + std::to_string(block) + " stands twice");
    wanted = block + 1;
    if (block >= end || !f(block, octets_of(value))) return;
  }
}

void LmdbSnapshot::join(std::uint32_t first, std::uint32_t end, const std::function<bool(const Record&, std::string_view)>& f) const {
  const Cursor cursor = open_cursor(txn_.get(), tables_.aors);
  const AorKey begin = aor_key({.low = 0, .high = std::uint64_t{first} << (64 - block_bits)});
  MDB_val key = value_of(text_of(begin));
  MDB_val value;
  int code = mdb_cursor_get(cursor.get(), &key, &value, MDB_SET_RANGE);
  std::vector<Record> records;
  bool is_wanted = true;
  for_each_block(first, end, [&](std::uint32_t block, std::string_view octets) {
    records.clear();
    unpack_into(block, octets, records);
    for (const Record& r : records) {
      const AorKey wanted = aor_key(r.client);
      if (code != MDB_SUCCESS || octets_of(key) != text_of(wanted)) fail_corrupt("records and addresses-of-record differ in block " + std::to_string(block));
      is_wanted = f(r, octets_of(value));
      if (!is_wanted) return false;
      code = mdb_cursor_get(cursor.get(), &key, &value, MDB_NEXT);
    }
    return true;
  });
  if (!is_wanted || code == MDB_NOTFOUND) return;
  require(code, "read an address-of-record");
  const AorKey behind = aor_key({.low = 0, .high = std::uint64_t{end} << (64 - block_bits)});
  const bool is_whole_range = end >= std::uint32_t{1} << block_bits;
  if (is_whole_range || octets_of(key) < text_of(behind)) fail_corrupt("an address-of-record without a record");
}

std::optional<Record> LmdbSnapshot::find_one(const base::Hash128& client) const {
  std::vector<Record> records;
  const auto octets = get(txn_.get(), tables_.blocks, key_of(block_of(client)));
  if (octets) unpack_into(block_of(client), *octets, records);
  for (const Record& r : records)
    if (r.client == client) return r;
  return std::nullopt;
}

std::vector<std::string> LmdbSnapshot::all_homes() const {
  std::vector<std::string> homes;
  const Cursor cursor = open_cursor(txn_.get(), tables_.homes);
  MDB_val key, value;
  for (int code = mdb_cursor_get(cursor.get(), &key, &value, MDB_FIRST); code != MDB_NOTFOUND; code = mdb_cursor_get(cursor.get(), &key, &value, MDB_NEXT)) {
    require(code, "read a home");
    const auto index = number_of<std::uint32_t>(key);
    const auto row = unsealed(index, octets_of(value));
    if (!row || index >= base::homes_max) fail_corrupt("home " + std::to_string(index));
    homes.resize(index + 1);
    homes[index] = *row;
  }
  return homes;
}

std::vector<std::uint16_t> LmdbSnapshot::all_slots() const {
  std::vector<std::uint16_t> slots;
  for (std::uint32_t chunk = 0; chunk < base::slots_count / slots_per_chunk; ++chunk) {
    const auto sealed = get(txn_.get(), tables_.slots, key_of(chunk));
    if (!sealed && chunk == 0) return slots;
    const auto row = sealed ? unsealed(chunk, *sealed) : std::nullopt;
    if (!row || row->size() != slots_per_chunk * sizeof(std::uint16_t)) fail_corrupt("slots " + std::to_string(chunk));
    slots.resize((chunk + 1) * slots_per_chunk);
    std::memcpy(&slots[chunk * slots_per_chunk], row->data(), row->size());
  }
  return slots;
}

}  // namespace

Result<std::unique_ptr<Snapshot>> LmdbStore::snapshot() const {
  return attempt([&]() -> std::unique_ptr<Snapshot> { return std::make_unique<LmdbSnapshot>(env_.get(), tables_); });
}

}  // namespace viaduct::store
