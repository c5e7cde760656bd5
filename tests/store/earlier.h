// SPDX-License-Identifier: Apache-2.0
// A file as an earlier build has left it, or with a row that nobody wrote.
#pragma once
#include "environment.h"

namespace viaduct::store::test {

/// Without a row that builds of its time did not write.
inline void take_away(const LmdbOptions& options, const std::filesystem::path& file, const char* table, std::string_view row) {
  const Environment env = open_environment(options, file, 0);
  Transaction txn = begin_transaction(env.get(), 0);
  MDB_dbi dbi{};
  require(mdb_dbi_open(txn.get(), table, 0, &dbi), table);
  MDB_val key = value_of(row);
  require(mdb_del(txn.get(), dbi, &key, nullptr), row);
  require(mdb_txn_commit(txn.release()), table);
}

/// With these octets in a row's place.
inline void write_row(const LmdbOptions& options, const std::filesystem::path& file, const char* table, std::string_view row, std::string_view octets) {
  const Environment env = open_environment(options, file, 0);
  Transaction txn = begin_transaction(env.get(), 0);
  MDB_dbi dbi{};
  require(mdb_dbi_open(txn.get(), table, 0, &dbi), table);
  MDB_val key = value_of(row);
  MDB_val value = value_of(octets);
  require(mdb_put(txn.get(), dbi, &key, &value, 0), row);
  require(mdb_txn_commit(txn.release()), table);
}

}  // namespace viaduct::store::test
