// SPDX-License-Identifier: Apache-2.0
#include "environment.h"

namespace viaduct::store {

static constexpr unsigned tables_max = 8;

Environment open_environment(const LmdbOptions& o, const std::filesystem::path& file, unsigned flags) {
  MDB_env* raw = nullptr;
  require(mdb_env_create(&raw), "create");
  Environment env(raw);
  // LMDB would take one for new, and write over it.
  if (std::error_code none; std::filesystem::exists(file, none) && std::filesystem::file_size(file) == 0)
    throw Failure{{Fault::corrupt, "store: " + file.string() + ": is cut off: it has no octets; remove it if nothing was ever stored in it"}};
  require(mdb_env_set_maxdbs(raw, tables_max), "set tables");
  require(mdb_env_set_mapsize(raw, o.bytes_max), "set size");
  const unsigned fsync = o.fsync == Fsync::deferred ? MDB_NOMETASYNC : 0;
  require(mdb_env_open(raw, file.c_str(), MDB_NOSUBDIR | MDB_NOTLS | fsync | flags, file_mode), file.string());
  int dead = 0;
  mdb_reader_check(raw, &dead);
  return env;
}

void check_whole(MDB_env* env, const std::filesystem::path& file) {
  MDB_envinfo info;
  MDB_stat stat;
  mdb_env_info(env, &info);
  mdb_env_stat(env, &stat);
  if (std::filesystem::file_size(file) < (info.me_last_pgno + 1) * stat.ms_psize) throw Failure{{Fault::corrupt, "store: " + file.string() + ": is cut off"}};
}

bool is_empty(MDB_txn* txn) {
  MDB_dbi main{};
  require(mdb_dbi_open(txn, nullptr, 0, &main), "open");
  MDB_stat stat;
  require(mdb_stat(txn, main, &stat), "open");
  return stat.ms_entries == 0;
}

}  // namespace viaduct::store
