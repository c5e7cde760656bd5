// SPDX-License-Identifier: Apache-2.0
// One batch: blocks read, changed and written back in turn, AoRs beside them, the log behind.
#include <algorithm>
#include <array>

#include "block.h"
#include "environment.h"
#include "lmdb_store.h"
#include "log.h"
#include "viaduct/base/check.h"
#include "viaduct/base/clocks.h"
#include "viaduct/base/limits.h"

namespace viaduct::store {
namespace {

/// The last key of a table, whose followers can be appended without a search; empty when there is none.
std::string last_key(MDB_txn* txn, MDB_dbi dbi) {
  const Cursor cursor = open_cursor(txn, dbi);
  MDB_val key, value;
  return mdb_cursor_get(cursor.get(), &key, &value, MDB_LAST) == MDB_SUCCESS ? std::string(octets_of(key)) : std::string();
}

class LmdbWriter final : public Writer {
 public:
  LmdbWriter(MDB_env* env, const Tables& tables, Author author)
      : txn_(begin_transaction(env, 0)),
        tables_(tables),
        author_(std::move(author)),
        meta_(read_meta(txn_.get(), tables_)),
        last_aor_(last_key(txn_.get(), tables_.aors)),
        log_(txn_.get(), tables_, meta_.epoch + 1) {
    if (const std::string last = last_key(txn_.get(), tables_.blocks); !last.empty()) last_block_ = number_of<std::uint32_t>(value_of(last));
  }

  Result<std::optional<Record>> put(const Move& move) override {
    return attempt([&] { return put_one(move); });
  }
  Result<void> set_home(std::uint16_t index, std::string_view description) override {
    return attempt([&] { keep(tables_.homes, std::uint32_t{index}, std::string(description)); });
  }
  Result<void> set_slots(std::span<const std::uint16_t> homes) override {
    return attempt([&] {
      for (std::uint32_t chunk = 0; chunk < base::slots_count / slots_per_chunk; ++chunk) {
        const auto part = homes.subspan(chunk * slots_per_chunk, slots_per_chunk);
        keep(tables_.slots, chunk, {reinterpret_cast<const char*>(part.data()), part.size_bytes()});
      }
    });
  }
  Result<void> keep(const Record& record, std::string_view aor) override {
    return attempt([&] { keep_one(record, aor); });
  }
  Result<void> clear() override {
    return attempt([&] { clear_all(); });
  }
  Result<void> set_fleet(const base::Hash128& mark) override {
    return attempt([&] {
      write_fleet(txn_.get(), tables_, mark);
      changed_ = is_larger_ = true;
    });
  }
  Result<std::uint32_t> commit() override {
    return attempt([&] { return changed_ ? commit_all(meta_.epoch + 1) : meta_.epoch; });
  }
  Result<void> commit_as(std::uint32_t epoch) override {
    return attempt([&] { commit_all(epoch); });
  }

 private:
  std::optional<Record> put_one(const Move& move);
  void keep_one(const Record& record, std::string_view aor);
  void clear_all();
  void insert(std::vector<Record>::iterator at, const Record& record, std::string_view aor);
  void change(Record& record, const Move& move);
  void remove(std::vector<Record>::iterator at);
  void check_same_client(const base::Hash128& client, std::string_view aor) const;
  void go_to(std::uint32_t block);
  void write_block();
  void keep(MDB_dbi table, std::uint32_t key, std::string row);
  std::uint32_t commit_all(std::uint32_t epoch);

  Transaction txn_;
  const Tables& tables_;
  Author author_;
  Meta meta_;
  std::string last_aor_;
  std::optional<std::uint32_t> last_block_;
  LogWriter log_;
  bool changed_{};
  bool has_put_{};     // what bears the next epoch: records, and entries of the log
  bool is_larger_{};   // by more than a log entry
  // The block in hand.
  std::optional<std::uint32_t> block_;
  bool block_changed_{};
  std::vector<Record> records_;
  std::string octets_;
};

void LmdbWriter::go_to(std::uint32_t block) {
  if (block_ == block) return;
  write_block();
  records_.clear();
  block_ = block;
  const auto octets = get(txn_.get(), tables_.blocks, key_of(block));
  if (octets && !unpack(block, *octets, records_)) fail_corrupt("block " + std::to_string(block));
}

void LmdbWriter::write_block() {
  if (!std::exchange(block_changed_, false)) return;
  MDB_val key = key_of(*block_);
  if (records_.empty()) {
    // One that came and went within this batch is not in the table.
    if (const int code = mdb_del(txn_.get(), tables_.blocks, &key, nullptr); code != MDB_NOTFOUND) require(code, "write");
    return;
  }
  pack(*block_, records_, octets_);
  MDB_val value = value_of(octets_);
  const bool is_last = !last_block_ || *block_ > *last_block_;
  require(mdb_put(txn_.get(), tables_.blocks, &key, &value, is_last ? MDB_APPEND : 0), "write");
  if (is_last) last_block_ = *block_;
}

void LmdbWriter::check_same_client(const base::Hash128& client, std::string_view aor) const {
  const AorKey key = aor_key(client);
  const auto known = get(txn_.get(), tables_.aors, value_of(text_of(key)));
  if (!known) fail_corrupt("a client without an address-of-record");
  if (*known != aor)
    throw Failure{{Fault::twin, std::string(aor) + ": its key has the same 84 bits as that of " + std::string(*known) + ": one of them cannot be placed"}};
}

std::optional<Record> LmdbWriter::put_one(const Move& move) {
  const base::Hash128 client = identity(move.key);
  go_to(block_of(client));
  const auto at = std::ranges::lower_bound(records_, client, is_before, &Record::client);
  if (at == records_.end() || at->client != client) {
    if (!move.home) return std::nullopt;
    insert(at, {.client = client, .epoch = meta_.epoch + 1, .home = *move.home, .pin = move.pin}, move.aor);
    has_put_ = true;
    return std::nullopt;
  }
  check_same_client(client, move.aor);
  const Record before = *at;
  if (!move.home)
    remove(at);
  else if (before.home != *move.home || before.pin != move.pin)
    change(*at, move);
  return before;
}

void LmdbWriter::keep_one(const Record& record, std::string_view aor) {
  go_to(block_of(record.client));
  const auto at = std::ranges::lower_bound(records_, record.client, is_before, &Record::client);
  if (at == records_.end() || at->client != record.client) return insert(at, record, aor);
  check_same_client(record.client, aor);
  *at = record;
  block_changed_ = changed_ = true;
}

void LmdbWriter::clear_all() {
  for (const MDB_dbi table : {tables_.blocks, tables_.aors, tables_.homes, tables_.slots, tables_.batches, tables_.log})
    require(mdb_drop(txn_.get(), table, 0), "write");
  meta_.clients = meta_.log_entries = 0;
  log_.clear();
  block_.reset();
  last_block_.reset();
  last_aor_.clear();
  records_.clear();
  block_changed_ = has_put_ = false;
  changed_ = true;
}

void LmdbWriter::insert(std::vector<Record>::iterator at, const Record& record, std::string_view aor) {
  const AorKey octets = aor_key(record.client);
  records_.insert(at, record);
  MDB_val key = value_of(text_of(octets));
  MDB_val value = value_of(aor);
  const bool is_last = text_of(octets) > last_aor_;
  require(mdb_put(txn_.get(), tables_.aors, &key, &value, is_last ? MDB_APPEND : MDB_NOOVERWRITE), "write");
  if (is_last) last_aor_ = text_of(octets);
  ++meta_.clients;
  block_changed_ = changed_ = is_larger_ = true;
}

void LmdbWriter::change(Record& record, const Move& move) {
  log_.add({.client = record.client, .epoch_before = record.epoch, .before = record.home, .after = move.home, .pin_before = record.pin, .pin_after = move.pin});
  record.epoch = meta_.epoch + 1;
  record.home = *move.home;
  record.pin = move.pin;
  block_changed_ = changed_ = has_put_ = true;
}

void LmdbWriter::remove(std::vector<Record>::iterator at) {
  log_.add({.client = at->client, .epoch_before = at->epoch, .before = at->home, .pin_before = at->pin});
  const AorKey octets = aor_key(at->client);
  MDB_val key = value_of(text_of(octets));
  require(mdb_del(txn_.get(), tables_.aors, &key, nullptr), "write");
  if (text_of(octets) == last_aor_) last_aor_ = last_key(txn_.get(), tables_.aors);
  records_.erase(at);
  --meta_.clients;
  block_changed_ = changed_ = has_put_ = true;
  if (records_.empty() && last_block_ == block_) last_block_ = UINT32_MAX;  // no more appending: which block is last is not known
}

/// Write a sealed row, unless it stands already.
void LmdbWriter::keep(MDB_dbi table, std::uint32_t number, std::string row) {
  seal(number, row);
  const auto before = get(txn_.get(), table, key_of(number));
  if (before == row) return;
  is_larger_ = is_larger_ || !before;
  MDB_val key = key_of(number);
  MDB_val value = value_of(row);
  require(mdb_put(txn_.get(), table, &key, &value, 0), "write");
  changed_ = true;
}

std::uint32_t LmdbWriter::commit_all(std::uint32_t epoch) {
  base::check(epoch == meta_.epoch + 1 || !has_put_, "what is put bears the next epoch");
  write_block();
  if (epoch != meta_.epoch + 1) log_.set_epoch(epoch);
  meta_.epoch = epoch;
  meta_.log_entries = log_.finish(author_, base::wall_s(), meta_.log_entries);
  const std::array tables{tables_.meta, tables_.blocks, tables_.aors, tables_.homes, tables_.slots, tables_.batches, tables_.log};
  if (!leaves(reserve_bytes, txn_.get(), tables)) {
    if (is_larger_ || !leaves(last_reserve_bytes, txn_.get(), tables)) require(MDB_MAP_FULL, "write");
    meta_.log_entries = log_.make_room(meta_.log_entries);
  }
  write_meta(txn_.get(), tables_, meta_);
  store::commit(std::move(txn_), "commit");
  return meta_.epoch;
}

}  // namespace

Result<std::unique_ptr<Writer>> LmdbStore::begin(Author author) {
  if (is_read_only_) return std::unexpected(not_writable(file_));
  return attempt([&]() -> std::unique_ptr<Writer> { return std::make_unique<LmdbWriter>(env_.get(), tables_, std::move(author)); });
}

}  // namespace viaduct::store
