// SPDX-License-Identifier: Apache-2.0
// One file of LMDB's: opened, and looked at before it is trusted. Errors are thrown, as mdb.h says.
#pragma once
#include <filesystem>

#include "mdb.h"
#include "viaduct/store/lmdb.h"

namespace viaduct::store {

inline constexpr mdb_mode_t file_mode = 0640;

/// Errors: also disk_full, where there is no room for its lock file; what is to be read only is opened without one then.
[[nodiscard]] Environment open_environment(const LmdbOptions& options, const std::filesystem::path& file, unsigned flags);
/// LMDB trusts its file: pages behind the file's end would end this process.
void check_whole(MDB_env* env, const std::filesystem::path& file);
[[nodiscard]] bool is_empty(MDB_txn* txn);

}  // namespace viaduct::store
