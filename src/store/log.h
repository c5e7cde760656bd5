// SPDX-License-Identifier: Apache-2.0
// The log of changes: which batch moved whom from where to where, appended in chunks; and who made each batch. Bounded: the oldest chunks go.
#pragma once
#include <optional>
#include <vector>

#include "tables.h"
#include "viaduct/base/limits.h"

namespace viaduct::store {

/// One change of a placement that stood. (A client's first placement needs none: his record, or the next change, names its batch.)
struct LogEntry {
  base::Hash128 client;
  std::uint32_t epoch_before{};
  std::optional<std::uint16_t> before;   ///< always there in what is written; nullopt only in what is not yet
  std::optional<std::uint16_t> after;    ///< nullopt: taken away
  bool pin_before{}, pin_after{};
};

struct LogBounds {
  std::uint64_t entries_max{base::history_entries_max};
  std::uint64_t batches_max{base::history_batches_max};
};

/// The entries of one batch on their way to the table. Thread: its Writer's.
class LogWriter {
 public:
  LogWriter(MDB_txn* txn, const Tables& tables, std::uint32_t epoch, LogBounds bounds = {}) : txn_(txn), tables_(tables), epoch_(epoch), bounds_(bounds) {}
  /// The batch has another epoch than was thought. Shape: before anything is added.
  void set_epoch(std::uint32_t epoch) { epoch_ = epoch; }
  void add(const LogEntry& entry);
  /// The table has been emptied: nothing was added.
  void clear() { chunk_ = 0, added_ = 0, waiting_.clear(); }
  /// Write what waits, and the batch's author; take the oldest entries away while there are more than may be. Returns the entries there are now.
  std::uint64_t finish(const Author& author, std::uint64_t now_s, std::uint64_t entries_before);

  /// After `finish`, where the file has no room: take twice as much away as this batch has added, the oldest first. Returns the entries there are now.
  std::uint64_t make_room(std::uint64_t entries);

 private:
  void flush();
  std::uint64_t prune(std::uint64_t entries, const LogBounds& bounds);

  MDB_txn* txn_;
  const Tables& tables_;
  std::uint32_t epoch_;
  LogBounds bounds_;
  std::uint32_t chunk_{};
  std::uint64_t added_{};
  std::string waiting_;
};

/// A client's past, newest first: what the log and, for the first placement, `now` tell.
[[nodiscard]] std::vector<Event> history_of(MDB_txn* txn, const Tables& tables, const base::Hash128& client, const std::optional<Record>& now);

}  // namespace viaduct::store
