// SPDX-License-Identifier: Apache-2.0
// What a shard knows survives a restart: what has changed is written behind the registrar's back, at most once a period, on a thread of its own.
#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "viaduct/location/bindings.h"
#include "viaduct/location/row.h"
#include "viaduct/notifier/watchers.h"
#include "viaduct/store/rows.h"

namespace viaduct::registrar {

/// What a keeper keeps of a shard.
struct Things {
  /// Appends rows of up to so many that have changed since they were last asked for, and returns how many.
  std::function<std::size_t(std::size_t most, const location::RowBasis& basis, std::vector<store::Row>& out)> gather;
  /// From now on all have changed.
  std::function<void()> note_all;
};
[[nodiscard]] Things things_of(location::Bindings& bindings);
[[nodiscard]] Things things_of(notifier::Watchers& watchers);

/// Seconds since 1970 less those of the registrar's clock: another after a restart, and when somebody sets the clock.
[[nodiscard]] location::ClockOffset clock_offset_s();

/// What is lost when the process dies: the changes of one period and those that are being written then. What changes often is written once a period.
/// What the store refuses is tried again until it is taken, with what has changed since in its place; the log says when that begins and ends. What goes, and what
/// needs no more room than its row has, is not held up by what does. Memory: rows of what there is, and of what has a row, while the store refuses. When the clock of the machine is set, all is written again,
/// so that each row means the same clock.
class Keeper {
 public:
  using Clock = std::function<location::ClockOffset()>;
  /// Shape: `what` names what is kept, in the log; `listeners` are ours, by number.
  Keeper(std::string what, Things things, std::shared_ptr<store::Rows> rows, std::vector<base::Endpoint> listeners, Clock clock = clock_offset_s);
  ~Keeper();
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  /// Make ready what has changed, a little each time, and hand it over, when the last hand-over has been written and a period has passed. Never waits.
  /// Thread: the shard's, as `finish`.
  void tick();
  /// Write all that has changed, and wait for it. A store that refuses is asked until that time, or twice more, when it refused before or the time has passed; what
  /// is lost is in the log.
  void finish(std::chrono::steady_clock::time_point until);
  /// What has changed until now is to be written without waiting for the period; `wait` says when it is. Thread: the shard's.
  [[nodiscard]] std::uint64_t mark();
  /// Wait until all that had changed at a mark is in the store. False: it was not, at that time. Thread: any but the shard's.
  [[nodiscard]] bool wait(std::uint64_t mark, std::chrono::steady_clock::time_point until);

 private:
  void run();
  void tell(const store::Result<void>& written) const;
  [[nodiscard]] bool settle(std::unique_lock<std::mutex>& lock, std::chrono::steady_clock::time_point until);
  [[nodiscard]] bool gather(std::size_t most);
  void hand_over();
  std::string what_;
  Things things_;
  std::shared_ptr<store::Rows> rows_;  // all shards' keepers'
  std::vector<base::Endpoint> listeners_;
  Clock clock_;
  location::ClockOffset offset_s_;  // the shard's: that the rows are written by
  std::chrono::steady_clock::time_point due_{};
  std::vector<store::Row> gathered_;  // the shard's
  std::uint64_t marks_{};  // the shard's: how many have been set
  std::uint64_t marks_gathered_{};  // the shard's: all that had changed at these is in the rows so far

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<store::Row> batch_;  // not empty: to be written
  bool is_writing_{};  // what was in it
  std::uint64_t marks_in_batch_{}, marks_written_{};
  bool is_over_{};
  std::uint64_t refusals_{};
  bool is_refused_{};  // the last try was
  bool is_hurried_{};  // the next try is to be made at once
  std::thread thread_;
};

/// Put back what is kept, before the first REGISTER, each client at its shard, however many shards there were before; what came to a listener that is no more
/// is taken for the first one's. Returns those of whose bindings some have expired since. Errors: `file` cannot be read, which is its name.
[[nodiscard]] std::expected<std::vector<location::ClientKey>, std::string> restore(const store::Rows& rows, std::span<location::Bindings* const> shards,
                                                                                   std::uint64_t now_s, const location::RowBasis& basis, std::string_view file);
/// The same for subscriptions. Errors: a file that cannot be read.
[[nodiscard]] std::expected<void, std::string> restore(const store::Rows& rows, std::span<notifier::Watchers* const> shards, std::uint64_t now_ms,
                                                       const location::RowBasis& basis);

}  // namespace viaduct::registrar
