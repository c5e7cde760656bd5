// SPDX-License-Identifier: Apache-2.0
#include "environment.h"

#include <fcntl.h>

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
  require(mdb_env_set_mapsize(raw, o.bytes_max), "set size");
  const unsigned fsync = o.fsync == Fsync::deferred ? MDB_NOMETASYNC : 0;
  const bool is_new = !fs::exists(file, none);
  const int code = mdb_env_open(raw, file.c_str(), MDB_NOSUBDIR | MDB_NOTLS | fsync | locked(file, flags), file_mode);
  if (code != MDB_SUCCESS && is_new) fs::remove(file, none);  // what there is of it would be taken for a damaged one
  require(code, file.string());
  int dead = 0;
  mdb_reader_check(raw, &dead);
  return env;
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
