// SPDX-License-Identifier: Apache-2.0
// What must survive: placements of clients, slots, homes, and who changed them. One interface; lmdb.h opens the embedded store behind it.
#pragma once
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "viaduct/store/record.h"

namespace viaduct::store {

enum class Fault : std::uint8_t {
  foreign,     ///< not a store of ours: left as it is
  format,      ///< a format that this build does not read
  fleet,       ///< written under another fleet seed
  in_use,      ///< another process writes it
  corrupt,     ///< a checksum or a structure is wrong
  disk_full,   ///< no room on the disk: nothing was changed
  map_full,    ///< larger than store.size_max: nothing was changed
  read_only,   ///< disk or file cannot be written
  twin,        ///< another client's key has the same kept bits (a chance of 2.6e-10 among 100 million)
  unreachable, ///< the fleet's log: no server answers in time
  failed,      ///< anything else that the system said
};

/// Why an operation was not done; `text` is a sentence for the operator.
struct Error {
  Fault fault{};
  std::string text;
};
template <typename T>
using Result = std::expected<T, Error>;

/// Who makes a change, and why: kept with its batch.
struct Author {
  std::string who;
  std::string why;
};

/// One change of a client's placement.
struct Move {
  base::Hash128 key;                  ///< whole key or identity
  std::string_view aor;               ///< canonical; what `key` is the hash of
  std::optional<std::uint16_t> home;  ///< nullopt: the placement is taken away
  bool pin{};
};

/// One batch: all of it or nothing. Destroyed without commit, nothing has happened. Shape: one at a time; destroyed by the thread that began it.
/// Errors end a batch: after one, only destroy it.
class Writer {
 public:
  virtual ~Writer() = default;
  /// Returns what stood before. Fastest in ascending order of identities. A move that names what stands keeps its record's epoch.
  [[nodiscard]] virtual Result<std::optional<Record>> put(const Move& move) = 0;
  /// Keep a home's description, whatever it says, under its index.
  [[nodiscard]] virtual Result<void> set_home(std::uint16_t index, std::string_view description) = 0;
  /// Shape: base::slots_count homes.
  [[nodiscard]] virtual Result<void> set_slots(std::span<const std::uint16_t> homes) = 0;
  /// Put a record as another store has it, its epoch with it.
  [[nodiscard]] virtual Result<void> keep(const Record& record, std::string_view aor) = 0;
  /// Forget all clients, homes and slots, and every change of them.
  [[nodiscard]] virtual Result<void> clear() = 0;
  /// Which fleet's log (shared_log.h) this store follows from now on.
  [[nodiscard]] virtual Result<void> set_fleet(const base::Hash128& mark) = 0;
  /// Make it durable. Returns the epoch: raised by one, or as it was when nothing has changed.
  [[nodiscard]] virtual Result<std::uint32_t> commit() = 0;
  /// The same under the epoch that the fleet has given it, whether or not it has changed anything. Shape: above that of the last, or else refused, unless the batch
  /// has cleared; and the next one where anything was put since.
  [[nodiscard]] virtual Result<void> commit_as(std::uint32_t epoch) = 0;
};

/// A change in a client's past.
struct Event {
  std::uint32_t epoch{};
  std::uint64_t at_s{};  ///< seconds since 1970; 0: its batch is no longer known
  Author author;
  std::optional<std::uint16_t> before;  ///< home; nullopt: no placement
  std::optional<std::uint16_t> after;
  bool pin_before{}, pin_after{};
};

/// A consistent view of the store while it is written. Thread: one at a time. It pins old pages: the file grows when it is held under many changes.
class Snapshot {
 public:
  virtual ~Snapshot() = default;
  [[nodiscard]] virtual std::uint32_t epoch() const = 0;
  /// What tells this store from any other, however alike, by which files beside it know that they are its own; a copy has it too. nullopt: it was written by an
  /// earlier build, and has had no room for one since. Errors: corrupt.
  [[nodiscard]] virtual Result<std::optional<base::Hash128>> mark() const = 0;
  /// The fleet's log that it follows; nullopt: none. Errors: corrupt.
  [[nodiscard]] virtual Result<std::optional<base::Hash128>> fleet() const = 0;
  /// How many records there are: who has read them all compares, for a broken page may hide whole blocks that are whole in themselves.
  [[nodiscard]] virtual std::uint64_t clients() const = 0;
  /// Append the records of blocks `first` to `end` - 1, ascending.
  [[nodiscard]] virtual Result<void> records(std::uint32_t first, std::uint32_t end, std::vector<Record>& out) const = 0;
  /// Call `f` for each record of blocks `first` to `end` - 1, ascending, with its client's AoR, until it returns false. Errors: corrupt, also when a record
  /// has no AoR or an AoR no record.
  [[nodiscard]] virtual Result<void> clients(std::uint32_t first, std::uint32_t end,
                                             const std::function<bool(const Record&, std::string_view aor)>& f) const = 0;
  /// One client's record. Errors: corrupt.
  [[nodiscard]] virtual Result<std::optional<Record>> find(const base::Hash128& key) const = 0;
  /// What is still known of a client's past, newest first. Cost: reads the log of changes, some 0.1 s at its bound.
  [[nodiscard]] virtual Result<std::vector<Event>> history(const base::Hash128& key) const = 0;
  /// Descriptions of homes by index; empty where there is none.
  [[nodiscard]] virtual Result<std::vector<std::string>> homes() const = 0;
  /// Shape: base::slots_count homes, or none before they were set.
  [[nodiscard]] virtual Result<std::vector<std::uint16_t>> slots() const = 0;
};

/// Thread: any; one Writer at a time, others wait for it.
class Store {
 public:
  virtual ~Store() = default;
  [[nodiscard]] virtual Result<std::unique_ptr<Writer>> begin(Author author) = 0;
  [[nodiscard]] virtual Result<std::unique_ptr<Snapshot>> snapshot() const = 0;
  [[nodiscard]] virtual bool is_read_only() const = 0;
  /// Octets of the store on disk.
  [[nodiscard]] virtual std::uint64_t bytes() const = 0;
};

}  // namespace viaduct::store
