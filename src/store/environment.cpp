// SPDX-License-Identifier: Apache-2.0
#include "environment.h"

#include <fcntl.h>

#include <array>
#include <cerrno>

#include "viaduct/base/descriptor.h"

namespace viaduct::store {
namespace {

namespace fs = std::filesystem;

constexpr unsigned tables_max = 8;
// LMDB's head and some sixty readers: what it writes of its lock file, through a map. Where the disk had no room for that, this process would end.
constexpr off_t lock_bytes_written = 4096;

/// False: the disk has no room for the lock file. What else may be wrong with it is LMDB's to say.
bool has_lock_room(const fs::path& file) {
  const base::Descriptor lock(open((file.native() + "-lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, file_mode));
  const bool is_given = lock.get() >= 0 && fallocate(lock.get(), 0, 0, lock_bytes_written) == 0;
  return is_given || (errno != ENOSPC && errno != EDQUOT);
}

/// The flags by which the file can be opened.
unsigned locked(const fs::path& file, unsigned flags) {
  const bool is_read = (flags & MDB_RDONLY) != 0;
  std::error_code none;
  if ((is_read && !fs::exists(file, none)) || has_lock_room(file)) return flags;
  if (!is_read) require(ENOSPC, file.string() + "-lock");
  return flags | MDB_NOLOCK;  // who has it open has a lock file
}

/// Whether so many values of such a size find room. They are put into a table in a transaction within this one, which is given up.
bool has_room(MDB_txn* txn, MDB_dbi table, std::size_t values, std::size_t bytes) {
  MDB_txn* raw = nullptr;
  require(mdb_txn_begin(mdb_txn_env(txn), txn, 0, &raw), "begin");
  const Transaction within(raw);
  int code = MDB_SUCCESS;
  for (std::uint64_t i = 0; i < values && code == MDB_SUCCESS; ++i) {
    const std::array<std::uint64_t, 2> octets{i, ~i};
    MDB_val key = key_of(octets);
    MDB_val value{bytes, nullptr};
    code = mdb_put(within.get(), table, &key, &value, MDB_RESERVE);
  }
  return code == MDB_SUCCESS;
}

}  // namespace

Environment open_environment(const LmdbOptions& o, const fs::path& file, unsigned flags) {
  MDB_env* raw = nullptr;
  require(mdb_env_create(&raw), "create");
  Environment env(raw);
  // LMDB would take one for new, and write over it.
  std::error_code none;
  if (fs::exists(file, none) && fs::file_size(file) == 0)
    throw Failure{{Fault::corrupt, "store: " + file.string() + ": is cut off: it has no octets; remove it if nothing was ever stored in it"}};
  require(mdb_env_set_maxdbs(raw, tables_max), "set tables");
  require(mdb_env_set_mapsize(raw, o.bytes_max + reserve_bytes), "set size");
  const unsigned fsync = o.fsync == Fsync::deferred ? MDB_NOMETASYNC : 0;
  const bool is_new = !fs::exists(file, none);
  const int code = mdb_env_open(raw, file.c_str(), MDB_NOSUBDIR | MDB_NOTLS | fsync | locked(file, flags), file_mode);
  if (code != MDB_SUCCESS && is_new) fs::remove(file, none);  // what there is of it would be taken for a damaged one
  require(code, file.string());
  int dead = 0;
  mdb_reader_check(raw, &dead);
  return env;
}

std::size_t pages_of(MDB_txn* txn, MDB_dbi table) {
  MDB_stat stat;
  require(mdb_stat(txn, table, &stat), "count");
  return stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages;
}

bool leaves(std::size_t bytes, MDB_txn* txn, std::span<const MDB_dbi> tables) {
  MDB_env* env = mdb_txn_env(txn);
  MDB_envinfo info;
  MDB_stat stat;
  mdb_env_info(env, &info);
  mdb_env_stat(env, &stat);
  std::size_t pages = info.me_last_pgno + 1;
  for (const MDB_dbi table : tables) pages += pages_of(txn, table);
  // Also if every page was written anew, behind those of the file: so it is nearly always.
  if (pages * stat.ms_psize + 2 * reserve_bytes <= info.me_mapsize) return true;
  // In one piece behind them, or page by page among those that are free.
  constexpr std::size_t page_head_bytes = 64;
  return has_room(txn, tables.front(), 1, bytes) || has_room(txn, tables.front(), bytes / stat.ms_psize, stat.ms_psize - page_head_bytes);
}

void check_whole(MDB_env* env, const fs::path& file) {
  MDB_envinfo info;
  MDB_stat stat;
  mdb_env_info(env, &info);
  mdb_env_stat(env, &stat);
  if (fs::file_size(file) < (info.me_last_pgno + 1) * stat.ms_psize) throw Failure{{Fault::corrupt, "store: " + file.string() + ": is cut off"}};
}

bool is_empty(MDB_txn* txn) {
  MDB_dbi main{};
  require(mdb_dbi_open(txn, nullptr, 0, &main), "open");
  MDB_stat stat;
  require(mdb_stat(txn, main, &stat), "open");
  return stat.ms_entries == 0;
}

}  // namespace viaduct::store
