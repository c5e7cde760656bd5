// SPDX-License-Identifier: Apache-2.0
// All shards of a node's registrar: one that shares the control core, or several with a core each, which share nothing but what every core reads.
#pragma once
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "viaduct/registrar/secrets.h"
#include "viaduct/registrar/shard.h"
#include "viaduct/store/rows.h"

namespace viaduct::registrar {

/// What a configuration says of a registrar, and a reload changes.
struct Settings {
  location::Rules rules;                              ///< bindings_max: of all shards
  notifier::WatchRules watch_rules;                   ///< subscriptions_max, open_max, notifies_per_s: of all shards
  std::string realm;
  std::shared_ptr<const Secrets> secrets;   ///< null: nobody has to prove who he is
};

/// Counters of all shards, as plain numbers.
struct ShardSums {
#define X(name, what) std::uint64_t name{};
  VIADUCT_SHARD_COUNTERS(X)
#undef X
  std::uint64_t sent{}, refused_by_wire{};
};

/// The same of those who tell watchers.
struct WatcherSums {
#define X(name, what) std::uint64_t name{};
  VIADUCT_WATCHER_COUNTERS(X)
#undef X
};

/// What there was before a restart, and is again.
struct Restored {
  std::size_t clients{}, subscriptions{};
};

/// Where it is kept: of the local home's clients, of who watches, and of what is seen of clients elsewhere.
struct Kept {
  std::unique_ptr<store::Rows> bindings, subscriptions, sightings;
};

/// What this node has of a client.
struct ClientStanding {
  std::uint32_t bindings{};
  std::uint32_t subscriptions{};   ///< to his registrations, those that end among them
  std::optional<std::uint32_t> registered_ago_s;   ///< since the last REGISTER that made or refreshed one of these bindings; nullopt: none did
};

/// Thread: the control core's, but for what says otherwise. As many shards as commons has rings for.
class Registrar {
 public:
  /// Does a job on the control core and waits for it.
  using OnControlCore = std::function<void(const std::function<void()>&)>;
  Registrar(site::Commons& commons, const Settings& settings, OnControlCore on_control_core);
  ~Registrar();
  Registrar(const Registrar&) = delete;
  Registrar& operator=(const Registrar&) = delete;

  /// Before the first REGISTER: put back what these rows keep, and keep there what changes from now on. Errors: as restore's.
  [[nodiscard]] std::expected<Restored, std::string> keep(Kept rows, std::uint64_t now_ms);
  /// Several shards: each begins on its own core, of those that EAL has, `first_core` and those behind it.
  void start(unsigned first_core);
  /// One shard: its share of the control core, up to `requests_max` requests. Returns how much there was to do.
  std::size_t poll(std::size_t requests_max, std::uint64_t now_ms);
  /// When nothing comes any more: wait until what waits in the rings is done, and all bindings are written.
  void stop();

  /// Run a job on the core of a client's shard, or on that of each in turn, and wait. Thread: any but the control core's and the shards'.
  void call(const location::ClientKey& client, const std::function<void(Shard&)>& job);
  void call_each(const std::function<void(Shard&)>& job);
  /// Tell those who watch these clients that they move (notifier::Watchers::moved), registered here or not. Returns, when all is in the store so that a restart tells it,
  /// how many subscriptions are being told. Errors: a store that cannot be written, or was not within 5 s; the same call again, within a minute, waits for it and tells
  /// nobody a second time.
  /// Thread: as `call`.
  [[nodiscard]] std::expected<std::size_t, std::string> moved(std::span<const location::ClientKey> clients, const notifier::Move& move);
  /// What there is here of each of these clients, in their order. Thread: as `call`.
  [[nodiscard]] std::vector<ClientStanding> standings(std::span<const location::ClientKey> clients);
  /// Thread: as `call`.
  void apply(const Settings& settings);
  /// Thread: any.
  [[nodiscard]] ShardSums sums() const;
  [[nodiscard]] WatcherSums watcher_sums() const;

 private:
  struct Core;
  void run(unsigned shard);
  void call_core(Core& core, const std::function<void()>& job);
  void call_for(std::span<const location::ClientKey> clients, const std::function<void(Shard&, std::size_t)>& job);
  site::Commons& commons_;
  OnControlCore on_control_core_;
  std::vector<std::unique_ptr<Core>> cores_;
  std::unique_ptr<class ToldMoves> told_moves_;
  unsigned first_core_{};
  std::atomic<bool> is_over_{};
};

}  // namespace viaduct::registrar
