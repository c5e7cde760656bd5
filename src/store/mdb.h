// SPDX-License-Identifier: Apache-2.0
// LMDB's handles as objects that close themselves, and its error codes as exceptions that do not leave this area.
#pragma once
#include <lmdb.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "viaduct/store/store.h"

namespace viaduct::store {

/// Thrown inside this area, caught where it is left (see `attempt`).
struct Failure {
  Error error;
};

/// Throw unless `code` is MDB_SUCCESS. `what` says what was tried.
void require(int code, std::string_view what);
[[noreturn]] void fail_corrupt(std::string_view what);

/// Run `f`, giving what it throws as an error.
template <typename F>
auto attempt(F&& f) -> Result<decltype(f())> {
  try {
    if constexpr (std::is_void_v<decltype(f())>) {
      f();
      return {};
    } else {
      return f();
    }
  } catch (const Failure& failure) {
    return std::unexpected(failure.error);
  }
}

struct CloseEnvironment {
  void operator()(MDB_env* e) const { mdb_env_close(e); }
};
using Environment = std::unique_ptr<MDB_env, CloseEnvironment>;

struct AbortTransaction {
  void operator()(MDB_txn* t) const { mdb_txn_abort(t); }
};
using Transaction = std::unique_ptr<MDB_txn, AbortTransaction>;

struct CloseCursor {
  void operator()(MDB_cursor* c) const { mdb_cursor_close(c); }
};
using Cursor = std::unique_ptr<MDB_cursor, CloseCursor>;

/// Why what is open to be read alone refuses a change.
[[nodiscard]] Error not_writable(const std::filesystem::path& file);

[[nodiscard]] Transaction begin_transaction(MDB_env* env, unsigned flags);
/// Whoever commits says what. Errors: also disk_full where LMDB says something else.
void commit(Transaction txn, std::string_view what);
[[nodiscard]] Cursor open_cursor(MDB_txn* txn, MDB_dbi dbi);

[[nodiscard]] inline MDB_val value_of(std::string_view octets) { return {octets.size(), const_cast<char*>(octets.data())}; }
[[nodiscard]] inline std::string_view octets_of(const MDB_val& v) { return {static_cast<const char*>(v.mv_data), v.mv_size}; }
/// A number as a key of a table with MDB_INTEGERKEY; it must outlive the value.
template <typename N>
[[nodiscard]] MDB_val key_of(const N& number) {
  return {sizeof number, const_cast<N*>(&number)};
}
template <typename N>
[[nodiscard]] N number_of(const MDB_val& v) {
  N number{};
  if (v.mv_size != sizeof number) fail_corrupt("a key of a wrong size");
  std::memcpy(&number, v.mv_data, sizeof number);
  return number;
}

/// The value under a key; nullopt when there is none.
[[nodiscard]] std::optional<std::string_view> get(MDB_txn* txn, MDB_dbi dbi, MDB_val key);

}  // namespace viaduct::store
