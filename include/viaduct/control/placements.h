// SPDX-License-Identifier: Apache-2.0
// Who is placed where, from the first byte on disk to the last worker: agreed with the fleet, durable, then visible, then acknowledged. Only here are placements
// changed.
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <expected>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "viaduct/assign/moves.h"
#include "viaduct/control/loop.h"
#include "viaduct/site/post.h"
#include "viaduct/store/shared_log.h"

namespace viaduct::control {

/// Errors are sentences for the operator.
template <typename T>
using Expected = std::expected<T, std::string>;

/// A client as the operator named him.
struct Client {
  std::string aor;  ///< canonical
  sip::ClientKey key;
};

/// The client that a text names: `sip:alice@example.com`, or `alice@example.com`. Errors: why it names none.
[[nodiscard]] Expected<Client> client_named(std::string_view text, const sip::Domains& domains, const base::Key128& fleet_seed);

/// What a batch came to.
struct Outcome {
  std::uint32_t epoch{};
  std::uint64_t changed{};  ///< clients
};

/// Clients placed explicitly at a home.
struct HomeCount {
  std::uint64_t overrides{};
  std::uint64_t pins{};
};

/// How far something long is: called now and then with how many are done.
using Tell = std::function<void(std::uint64_t)>;

/// Moves in the order of their identities, each at most once: the next one into its argument, or false at the end. Its texts live until the next call.
using Source = std::function<Expected<bool>(store::Move&)>;

/// All of it or nothing. Where another node of the fleet is quicker, it is put together once more on what that has left: `fleet` is asked again, and `moves` are
/// those that were given, unless `again` makes them begin anew.
struct Batch {
  store::Author author;
  std::function<Expected<void>(store::Writer&)> fleet;  ///< puts homes and slots into it; may be empty
  std::function<void(std::uint32_t epoch)> show_fleet;  ///< makes them visible, on the control core, once they are durable; may be empty
  Source moves;  ///< may be empty
  Tell tell;  ///< moves written; may be empty
  std::function<void()> again{};  ///< may be empty
  bool sets_out{};  ///< who gets another home is at both until that has accepted him
  bool is_patient{true};  ///< else nobody is waited for: it is refused while somebody else changes anything
  bool only_as_leader{};  ///< of the fleet, where it has several nodes
  std::vector<assign::Confirmation> arrivals{};  ///< for the fleet's other nodes: who has been accepted where
};

/// How a node's changes are agreed with its fleet.
struct Sharing {
  store::SharedLog& log;
  std::string node;  ///< this one's name
  std::function<Expected<void>()> catch_up;  ///< takes over all that others have changed; called by who has the pen
  std::function<bool()> is_heard;  ///< whether the log's servers answer
};

/// A change that the fleet has agreed on, as this node knows it.
struct Agreed {
  std::uint32_t number{};
  std::uint64_t octets_hash{};
  bool operator==(const Agreed&) const = default;
};
[[nodiscard]] Agreed agreed(const store::LogItem& item);

/// What a comparison of store and table found.
struct Verified {
  std::uint64_t clients{};
  std::vector<std::string> faults;  ///< the first of them
  std::uint64_t faults_count{};
};

/// Thread: any that may wait for the disk and for the control core, but never the control core itself once its loop runs.
class Placements {
 public:
  Placements(site::Commons& commons, Loop& loop, store::Store& store) : commons_(commons), loop_(loop), store_(store) {}

  /// Bring shards from the store to the table until all are there (true), `until` has passed (false), or stop was called. Errors: the store is corrupt.
  [[nodiscard]] Expected<bool> load(std::chrono::steady_clock::time_point until);
  [[nodiscard]] bool is_loaded() const { return is_loaded_.load(std::memory_order_acquire); }
  [[nodiscard]] double loaded_ratio() const;

  /// From now on changes are the fleet's. Shape: before the first.
  void share(Sharing sharing) { sharing_.emplace(std::move(sharing)); }
  [[nodiscard]] bool is_shared() const { return sharing_.has_value(); }
  /// Whether a change can be agreed at the moment, if it is the fleet's.
  [[nodiscard]] bool may_agree() const { return !sharing_ || sharing_->is_heard(); }
  /// The last change that was agreed on since the start; number 0: none. Shape: the pen is held.
  [[nodiscard]] const Agreed& last_agreed() const { return last_agreed_; }

  /// On return every worker sees it and the disk has it, and the fleet's log. Waits until the table is loaded.
  [[nodiscard]] Expected<Outcome> commit(Batch batch);
  /// What another node has changed, under the number that it has in the log, the next one here. Shape: the pen is held.
  [[nodiscard]] Expected<Outcome> follow(Batch batch, const store::LogItem& item);
  /// One client. nullopt: back to his slot.
  [[nodiscard]] Expected<Outcome> place(const Client& client, std::optional<assign::HomeIndex> home, bool pin, store::Author author, bool sets_out);
  /// Nothing is changed while it is held. Waits until the table is loaded. Errors: the node is stopping.
  [[nodiscard]] Expected<std::unique_lock<std::mutex>> take_pen();

  /// The same, unless somebody has it. nullopt: he has.
  [[nodiscard]] std::optional<std::unique_lock<std::mutex>> try_pen();

  /// Compare every client of the store with the table, and every checksum on the way. While traffic and changes go on.
  [[nodiscard]] Expected<Verified> verify(const Tell& tell);
  /// By home. Exact once loaded.
  [[nodiscard]] std::vector<HomeCount> counts() const;
  [[nodiscard]] store::Store& store() { return store_; }
  /// Whatever still runs gives up, and nothing begins any more.
  void stop();
  [[nodiscard]] bool is_stopping() const { return stopping_.load(); }

 private:
  class Showing;
  class Recording;
  /// Called for each move that has been put; `before` stood there.
  using Put = std::function<void(const store::Move&, const std::optional<store::Record>& before)>;
  [[nodiscard]] Expected<void> put_all(store::Writer& writer, const Batch& batch, const Put& put, bool may_name_any_home);
  [[nodiscard]] Expected<Outcome> commit_alone(const Batch& batch);
  [[nodiscard]] Expected<Outcome> show_all(const Batch& batch, Showing& showing, std::uint32_t epoch);
  // agreement.cpp
  [[nodiscard]] Expected<Outcome> commit_shared(Batch& batch, std::unique_lock<std::mutex>& pen);
  [[nodiscard]] Expected<std::optional<Outcome>> offer(const Batch& batch, store::Appended& missed, std::string& given);
  [[nodiscard]] Expected<store::Appended> append(const store::LogItem& item, bool only_as_leader);
  [[nodiscard]] Expected<void> show(Showing& showing, std::uint32_t epoch);
  [[nodiscard]] Expected<void> redraft(const store::Snapshot& snapshot, std::uint32_t shard, std::uint32_t epoch, std::vector<store::Record>& records);
  void count(const std::vector<store::Record>& records);
  [[nodiscard]] std::vector<bool> usable_homes();
  struct Comparison;
  void compare(std::vector<Comparison>& batch, Verified& verified);
  void compare_again(const Comparison& c, Verified& verified);

  site::Commons& commons_;
  Loop& loop_;
  store::Store& store_;
  std::optional<Sharing> sharing_;
  Agreed last_agreed_;  // written by who has the pen
  std::mutex pen_;  // held by whoever changes store or table
  std::condition_variable loaded_;
  std::atomic<bool> is_loaded_{};
  std::atomic<std::uint32_t> shards_loaded_{};
  std::uint64_t clients_loaded_{};
  std::atomic<bool> stopping_{};
  mutable std::mutex counts_mutex_;
  std::vector<HomeCount> counts_;
};

}  // namespace viaduct::control
