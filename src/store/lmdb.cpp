// SPDX-License-Identifier: Apache-2.0
// Opening the store's file: what is not ours, not whole or not of this fleet is refused before anything is written.
#include "viaduct/store/lmdb.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "block.h"
#include "environment.h"
#include "lmdb_store.h"

namespace viaduct::store {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view meta_key = "meta";
constexpr std::uint64_t meta_place = 0x6174656d;  // "meta"
constexpr std::string_view mark_key = "mark";
constexpr std::uint64_t mark_place = 0x6b72616d;  // "mark"
constexpr std::string_view fleet_key = "fleet";
constexpr std::uint64_t fleet_place = 0x65656c66;  // "flee"

/// The one writer of a folder, among processes. A reader needs none.
base::Descriptor lock_folder(const fs::path& folder) {
  base::Descriptor lock(open((folder / "writer.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, file_mode));
  if (lock.get() < 0) require(errno, folder.string());
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) throw Failure{{Fault::in_use, "store: " + folder.string() + ": another process writes this store"}};
  return lock;
}

MDB_dbi open_table(MDB_txn* txn, const char* name, unsigned flags) {
  MDB_dbi dbi{};
  const int code = mdb_dbi_open(txn, name, flags, &dbi);
  if (code == MDB_NOTFOUND || code == MDB_INCOMPATIBLE)
    throw Failure{{Fault::foreign, "store: not a store of Viaduct's: it has no table " + std::string(name)}};
  require(code, name);
  return dbi;
}

Tables open_tables(MDB_txn* txn, unsigned create) {
  return {.meta = open_table(txn, "meta", create),
          .blocks = open_table(txn, "blocks", create | MDB_INTEGERKEY),
          .aors = open_table(txn, "aors", create),
          .homes = open_table(txn, "homes", create | MDB_INTEGERKEY),
          .slots = open_table(txn, "slots", create | MDB_INTEGERKEY),
          .batches = open_table(txn, "batches", create | MDB_INTEGERKEY),
          .log = open_table(txn, "log", create | MDB_INTEGERKEY)};
}

void check_fleet(const Meta& meta, const base::Key128& seed) {
  if (meta.seed_mark != seed_mark(seed)) throw Failure{{Fault::fleet, "store: was written under another fleet.seed: no client's key would fit"}};
}

Tables prepare(MDB_env* env, const LmdbOptions& o, bool writable) {
  Transaction look = begin_transaction(env, MDB_RDONLY);
  if (!is_empty(look.get())) {
    const Tables tables = open_tables(look.get(), 0);
    check_fleet(read_meta(look.get(), tables), o.fleet_seed);
    require(mdb_txn_commit(look.release()), "open");  // handles live on only when the transaction that opened them is committed
    return tables;
  }
  if (!writable) throw Failure{{Fault::foreign, "store: is empty, and cannot be written"}};
  look.reset();
  Transaction txn = begin_transaction(env, 0);
  const Tables tables = open_tables(txn.get(), MDB_CREATE);
  write_meta(txn.get(), tables, {.seed_mark = seed_mark(o.fleet_seed)});
  commit(std::move(txn), "make");
  return tables;
}

/// A new store's, or one's that an earlier build has written. Where there is no room for it on the disk the next start makes it: placements can be read all the same.
void give_mark(MDB_env* env, const Tables& tables) {
  if (read_mark(begin_transaction(env, MDB_RDONLY).get(), tables)) return;
  std::string row(sizeof(base::Hash128), '\0');
  if (getrandom(row.data(), row.size(), 0) != std::ssize(row)) throw Failure{{Fault::failed, "store: the kernel gives no random octets"}};
  seal(mark_place, row);
  [[maybe_unused]] const auto written = attempt([&] {
    Transaction txn = begin_transaction(env, 0);
    MDB_val key = value_of(mark_key);
    MDB_val value = value_of(row);
    require(mdb_put(txn.get(), tables.meta, &key, &value, 0), "write");
    commit(std::move(txn), "make");
  });
}

std::unique_ptr<Store> open_with(const LmdbOptions& o, bool writable) {
  const fs::path file = o.folder / "clients.mdb";
  base::Descriptor lock = writable ? lock_folder(o.folder) : base::Descriptor{};
  Environment env = open_environment(o, file, writable ? 0 : MDB_RDONLY);
  check_whole(env.get(), file);
  const Tables tables = prepare(env.get(), o, writable);
  if (writable) give_mark(env.get(), tables);
  return std::make_unique<LmdbStore>(std::move(env), std::move(lock), tables, file, !writable);
}

}  // namespace

std::uint64_t seed_mark(const base::Key128& seed) { return base::siphash64(seed, "viaduct store"); }

namespace {

std::optional<base::Hash128> mark_at(MDB_txn* txn, const Tables& tables, std::string_view key, std::uint64_t place, std::string_view what) {
  const auto sealed = get(txn, tables.meta, value_of(key));
  if (!sealed) return std::nullopt;
  const auto row = unsealed(place, *sealed);
  base::Hash128 mark;
  if (!row || row->size() != sizeof mark) fail_corrupt(what);
  std::memcpy(&mark, row->data(), sizeof mark);
  return mark;
}

}  // namespace

std::optional<base::Hash128> read_mark(MDB_txn* txn, const Tables& tables) {
  return mark_at(txn, tables, mark_key, mark_place, "the row that says which store it is");
}

std::optional<base::Hash128> read_fleet(MDB_txn* txn, const Tables& tables) {
  return mark_at(txn, tables, fleet_key, fleet_place, "the row that says which fleet's log it follows");
}

void write_fleet(MDB_txn* txn, const Tables& tables, const base::Hash128& mark) {
  std::string row(reinterpret_cast<const char*>(&mark), sizeof mark);
  seal(fleet_place, row);
  MDB_val key = value_of(fleet_key);
  MDB_val value = value_of(row);
  require(mdb_put(txn, tables.meta, &key, &value, 0), "write");
}

Meta read_meta(MDB_txn* txn, const Tables& tables) {
  const auto sealed = get(txn, tables.meta, value_of(meta_key));
  if (!sealed) throw Failure{{Fault::foreign, "store: not a store of Viaduct's: it does not say what it is"}};
  const auto row = unsealed(meta_place, *sealed);
  Meta meta;
  if (!row || row->size() != sizeof meta) fail_corrupt("the row that says what it is");
  std::memcpy(&meta, row->data(), sizeof meta);
  if (meta.magic != Meta{}.magic) throw Failure{{Fault::foreign, "store: not a store of Viaduct's"}};
  if (meta.format != format)
    throw Failure{{Fault::format, "store: has format " + std::to_string(meta.format) + ", this build reads format " + std::to_string(format) +
                                      ": export with the build that wrote it, import with this one"}};
  return meta;
}

void write_meta(MDB_txn* txn, const Tables& tables, const Meta& meta) {
  std::string row(reinterpret_cast<const char*>(&meta), sizeof meta);
  seal(meta_place, row);
  MDB_val key = value_of(meta_key);
  MDB_val value = value_of(row);
  require(mdb_put(txn, tables.meta, &key, &value, 0), "write");
}

Result<std::unique_ptr<Store>> open_lmdb(const LmdbOptions& options) {
  if (options.access == Access::read) return attempt([&] { return open_with(options, false); });
  std::error_code failure;
  fs::create_directories(options.folder, failure);
  auto store = attempt([&] { return open_with(options, true); });
  if (store || (store.error().fault != Fault::read_only && store.error().fault != Fault::disk_full)) return store;
  auto to_read = attempt([&] { return open_with(options, false); });
  return to_read || store.error().fault == Fault::read_only ? std::move(to_read) : std::move(store);
}

std::uint64_t LmdbStore::bytes() const {
  struct stat found{};
  return stat(file_.c_str(), &found) == 0 ? static_cast<std::uint64_t>(found.st_blocks) * 512 : 0;
}

}  // namespace viaduct::store
