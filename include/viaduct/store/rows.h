// SPDX-License-Identifier: Apache-2.0
// Rows of octets by client key in a file of their own: what should survive, and may lose its last moments.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "viaduct/store/lmdb.h"

namespace viaduct::store {

/// A row as it is to stand; empty octets: it goes.
struct Row {
  base::Hash128 key;
  std::string octets;
};

/// Thread: any; who writes waits for who writes before. The folder belongs to whoever has the store of lmdb.h open there, which guards it against others.
class Rows {
 public:
  virtual ~Rows() = default;
  /// All of them or none. Fastest in ascending order of keys. Errors: disk_full, failed; map_full: the file would become larger than it may, or these are very many
  /// and it has no room to write them anew. Nothing has changed then.
  [[nodiscard]] virtual Result<void> write(std::span<const Row> rows) = 0;
  /// Whether there is a row, for each of these keys.
  [[nodiscard]] virtual Result<std::vector<bool>> stand(std::span<const Row> rows) const = 0;
  /// Calls f for each row whose checksum is right. Returns how many others there were. Errors: corrupt.
  [[nodiscard]] virtual Result<std::uint64_t> each(const std::function<void(const base::Hash128& key, std::string_view octets)>& f) const = 0;
};

/// Open or make `NAME.mdb` in the folder; with Access::read, or when the disk has no room for what a writer needs, the rows that are there are to be read, and every
/// write is refused (read_only). Errors: foreign, fleet, corrupt, read_only, failed.
[[nodiscard]] Result<std::unique_ptr<Rows>> open_rows(const LmdbOptions& options, std::string_view name);

}  // namespace viaduct::store
