// SPDX-License-Identifier: Apache-2.0
// Who is placed where, from the first byte on disk to the last worker: durable, then visible, then acknowledged. Only here are placements changed.
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

#include "viaduct/control/loop.h"
#include "viaduct/site/post.h"
#include "viaduct/store/store.h"

namespace viaduct::control {

/// Errors are sentences for the operator.
template <typename T>
using Expected = std::expected<T, std::string>;

/// A client as the operator named him.
struct Client {
  std::string aor;   ///< canonical
  sip::ClientKey key;
};

/// The client that a text names: `sip:alice@example.com`, or `alice@example.com`. Errors: why it names none.
[[nodiscard]] Expected<Client> client_named(std::string_view text, const sip::Domains& domains, const base::Key128& fleet_seed);

/// What a batch came to.
struct Outcome {
  std::uint32_t epoch{};
  std::uint64_t changed{};   ///< clients
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

/// All of it or nothing.
struct Batch {
  store::Author author;
  std::function<Expected<void>(store::Writer&)> fleet;   ///< puts homes and slots into it; may be empty
  std::function<void(std::uint32_t epoch)> show_fleet;   ///< makes them visible, on the control core, once they are durable; may be empty
  Source moves;                                          ///< may be empty
  Tell tell;                                             ///< moves written; may be empty
};

/// What a comparison of store and table found.
struct Verified {
  std::uint64_t clients{};
  std::vector<std::string> faults;   ///< the first of them
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

  /// On return every worker sees it and the disk has it. Waits until the table is loaded.
  [[nodiscard]] Expected<Outcome> commit(Batch batch);
  /// One client. nullopt: back to his slot.
  [[nodiscard]] Expected<Outcome> place(const Client& client, std::optional<assign::HomeIndex> home, bool pin, store::Author author);
  /// Nothing is changed while it is held. Waits until the table is loaded. Errors: the node is stopping.
  [[nodiscard]] Expected<std::unique_lock<std::mutex>> take_pen();

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
  [[nodiscard]] Expected<void> put_all(store::Writer& writer, const Batch& batch, Showing& showing);
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
  std::mutex pen_;                         // held by whoever changes store or table
  std::condition_variable loaded_;
  std::atomic<bool> is_loaded_{};
  std::atomic<std::uint32_t> shards_loaded_{};
  std::uint64_t clients_loaded_{};
  std::atomic<bool> stopping_{};
  mutable std::mutex counts_mutex_;
  std::vector<HomeCount> counts_;
};

}  // namespace viaduct::control
