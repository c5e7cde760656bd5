// SPDX-License-Identifier: Apache-2.0
// What LMDB and the system say, as our errors.
#include "mdb.h"

#include <sys/statvfs.h>

#include <cerrno>

namespace viaduct::store {
namespace {

Fault fault_of(int code) {
  switch (code) {
    case ENOSPC:
    case EDQUOT:
      return Fault::disk_full;
    case MDB_MAP_FULL:
      return Fault::map_full;
    case EROFS:
    case EACCES:
    case EPERM:
      return Fault::read_only;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_BAD_VALSIZE:
      return Fault::corrupt;
    case MDB_INVALID:
      return Fault::foreign;
    case MDB_VERSION_MISMATCH:
      return Fault::format;
    default:
      return Fault::failed;
  }
}

/// What LMDB calls an input/output error is a full disk when the disk is full: it looks at how much was written, not at why.
bool has_no_room(MDB_env* env) {
  mdb_filehandle_t file{};
  struct statvfs disk{};
  return mdb_env_get_fd(env, &file) == MDB_SUCCESS && fstatvfs(file, &disk) == 0 && disk.f_bavail * disk.f_frsize < (std::uint64_t{1} << 20);
}

}  // namespace

void require(int code, std::string_view what) {
  if (code == MDB_SUCCESS) return;
  const Fault fault = fault_of(code);
  std::string text = "store: " + std::string(what) + ": " + mdb_strerror(code);
  if (fault == Fault::map_full) text += " (store.size_max is reached; raise it and restart)";
  throw Failure{{fault, std::move(text)}};
}

void fail_corrupt(std::string_view what) { throw Failure{{Fault::corrupt, "store: corrupt: " + std::string(what)}}; }

Error not_writable(const std::filesystem::path& file) {
  return {Fault::read_only, "store: " + file.string() + " cannot be written: the disk or the file is read-only, or the disk was full at the start"};
}

Transaction begin_transaction(MDB_env* env, unsigned flags) {
  MDB_txn* txn = nullptr;
  require(mdb_txn_begin(env, nullptr, flags, &txn), "begin");
  return Transaction(txn);
}

void commit(Transaction txn, std::string_view what) {
  MDB_env* env = mdb_txn_env(txn.get());
  const int code = mdb_txn_commit(txn.release());
  require(code == EIO && has_no_room(env) ? ENOSPC : code, what);
}

Cursor open_cursor(MDB_txn* txn, MDB_dbi dbi) {
  MDB_cursor* cursor = nullptr;
  require(mdb_cursor_open(txn, dbi, &cursor), "cursor");
  return Cursor(cursor);
}

std::optional<std::string_view> get(MDB_txn* txn, MDB_dbi dbi, MDB_val key) {
  MDB_val value;
  const int code = mdb_get(txn, dbi, &key, &value);
  if (code == MDB_NOTFOUND) return std::nullopt;
  require(code, "read");
  return octets_of(value);
}

}  // namespace viaduct::store
