// SPDX-License-Identifier: Apache-2.0
// Placing many clients at once from the lines of a file: checked one by one as they come, then committed in one batch, or not at all.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "viaduct/control/placements.h"

namespace viaduct::control {

/// What each line says.
enum class LineKind : std::uint8_t {
  placement,   ///< aor,home[,pin]
  assign,      ///< aor: to the home that ImportOptions names
  pin,         ///< the same, pinned
  unassign,    ///< aor: back to its slot
};

struct ImportOptions {
  LineKind kind{};
  std::string home;             ///< of assign and pin
  bool dry_run{};               ///< check only
  bool skip_rejected{};         ///< place the others; else one rejected line stops all
};

struct ImportReport {
  std::uint64_t lines{};        ///< of the file
  std::uint64_t rows{};         ///< that name a client
  std::uint64_t rejected{};
  std::uint64_t repeated{};     ///< rows whose client has a later row
  Outcome outcome;
};

/// Called for each rejected line: its number, from 1, and why.
using TellReject = std::function<void(std::uint64_t line, const std::string& why)>;

/// Memory: bounded, whatever the file; rows wait in `folder` when there are many. Thread: one that may wait.
class Import {
 public:
  /// Errors: the home is none.
  [[nodiscard]] static Expected<std::unique_ptr<Import>> begin(Placements& placements, const site::Site& site, ImportOptions options,
                                                               const std::filesystem::path& folder, TellReject tell_reject);
  ~Import();
  /// The next octets of the file, cut anywhere. Errors: the disk is full.
  [[nodiscard]] Expected<void> take(std::string_view octets);
  /// The file has ended: commit `batch` with its rows as moves. Errors: lines were rejected, or what Placements::commit says; nothing was changed.
  [[nodiscard]] Expected<ImportReport> finish(Batch batch);
  [[nodiscard]] const ImportReport& report() const;

 private:
  struct Impl;
  explicit Import(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace viaduct::control
