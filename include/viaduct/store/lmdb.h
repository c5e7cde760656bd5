// SPDX-License-Identifier: Apache-2.0
// The embedded store: one LMDB file in a folder of its own.
#pragma once
#include <filesystem>

#include "viaduct/store/store.h"

namespace viaduct::store {

/// When a commit is on the disk.
enum class Fsync : std::uint8_t {
  full,       ///< when commit returns: survives loss of power
  deferred,   ///< with the next commit: survives the death of the process; loss of power may take the last commit, never more
};

enum class Access : std::uint8_t {
  write,      ///< made when it is not there; when disk or file cannot be written, or the disk has no room for what a writer needs, opened to be read
  read,       ///< beside a process that writes; must be there
};

struct LmdbOptions {
  std::filesystem::path folder;
  std::uint64_t bytes_max{};      ///< of the file: address space, not memory
  Fsync fsync{};
  Access access{};
  base::Key128 fleet_seed{};      ///< a store written under another is refused: no key would fit
};

/// Open or make the store. Errors: foreign, format, fleet, corrupt, in_use, read_only, disk_full, failed; what is refused is not touched.
/// Thread: one store of a folder a process (LMDB's locks belong to the process).
[[nodiscard]] Result<std::unique_ptr<Store>> open_lmdb(const LmdbOptions& options);

}  // namespace viaduct::store
