// SPDX-License-Identifier: Apache-2.0
// One file of LMDB's: opened, and looked at before it is trusted. Errors are thrown, as mdb.h says.
#pragma once
#include <filesystem>
#include <span>

#include "mdb.h"
#include "viaduct/store/lmdb.h"

namespace viaduct::store {

inline constexpr mdb_mode_t file_mode = 0640;

/// Errors: also disk_full, where there is no room for its lock file; what is to be read only is opened without one then.
[[nodiscard]] Environment open_environment(const LmdbOptions& options, const std::filesystem::path& file, unsigned flags);
/// What is left, beyond LmdbOptions::bytes_max, to changes that do not make a file larger: a small one writes some thirty pages anew, and those that it frees can
/// be had again by the next but one.
inline constexpr std::size_t reserve_bytes = std::size_t{1} << 20;
/// Of it, what also they leave: were all pages taken, nothing could be changed any more.
inline constexpr std::size_t last_reserve_bytes = reserve_bytes / 4;
/// Whether so much would be left after this transaction, which has written to no other than these tables. Nothing is changed.
[[nodiscard]] bool leaves(std::size_t bytes, MDB_txn* txn, std::span<const MDB_dbi> tables);
/// Pages of a table, as the transaction has it.
[[nodiscard]] std::size_t pages_of(MDB_txn* txn, MDB_dbi table);
/// LMDB trusts its file: pages behind the file's end would end this process.
void check_whole(MDB_env* env, const std::filesystem::path& file);
[[nodiscard]] bool is_empty(MDB_txn* txn);

}  // namespace viaduct::store
