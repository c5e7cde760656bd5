// SPDX-License-Identifier: Apache-2.0
// The homes of the fleet: what the store has of them, how an empty store is seeded, and how the operator changes them while traffic flows.
#pragma once
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "viaduct/config/config.h"
#include "viaduct/control/entry.h"
#include "viaduct/control/placements.h"

namespace viaduct::control {

/// What a node starts with.
struct FleetState {
  std::vector<assign::Home> homes;
  std::vector<assign::HomeIndex> slots;   ///< slots_count
  std::uint32_t epoch{};
  std::uint64_t clients{};
  bool is_seed{};                         ///< the store is empty: this is the configuration's, and not yet durable
};

/// The store's fleet; of an empty store, what the configuration says, with the slots dealt. Where the store is a fleet's, which of its homes is this node's the
/// configuration says.
[[nodiscard]] Expected<FleetState> read_fleet(const store::Store& store, const config::Config& config);
/// The batch that makes a seed durable. Its moves are the caller's to add.
[[nodiscard]] Batch seeding(const FleetState& seed, const config::Config& config);

/// What a change of a home's state came to: it holds in any case.
struct StateOutcome {
  std::uint32_t epoch{};
  std::string refusal;  ///< why the store has not taken it, which is tried again (write_owed); empty: it is durable
};

/// How many of a hundred of a home's clients have gone back to it.
struct Returned {
  assign::HomeIndex home{};
  std::uint8_t percent{};
};

/// What is changed is durable on return, and every worker goes by it; what state a home has is more than the store's to say, so that a full disk keeps no dead
/// home in service. Thread: any that may wait, but the control core.
class Fleet {
 public:
  /// `config` is the one that now holds; it is changed only by who has the pen.
  Fleet(site::Commons& commons, Loop& loop, Placements& placements, const config::Config& config)
      : commons_(commons), loop_(loop), placements_(placements), config_(config) {}

  /// A home that is new, or was removed. `toml` is its table's text. It gets slots only when nobody has them: else a plan, or the operator, moves clients to it.
  [[nodiscard]] Expected<Outcome> add(std::string_view toml, store::Author author);
  /// Make a home what `toml` says of it as it stands when nobody else can change it; its state and its clients stay.
  using Described = std::function<std::string(const assign::Home& standing)>;
  [[nodiscard]] Expected<Outcome> set(std::string_view name, const Described& toml, store::Author author);
  /// Take a home away; its slots are dealt to the others. Errors: clients are placed there, or it is the last one with slots.
  [[nodiscard]] Expected<Outcome> remove(std::string_view name, store::Author author);
  /// Commit what a home is: draining (served as before, but no fail-over and no plan chooses it), down (its clients go to the next up home in the rendezvous
  /// order of their keys), up (of one that was down they come back by slow start; of one that is in it, all of them now). Health touches nothing that was
  /// set so. Errors: `removed` or `returning`, or it is so already.
  [[nodiscard]] Expected<StateOutcome> set_state(std::string_view name, assign::HomeState state, store::Author author);
  /// The same by health, which gives back only what it took down, also after a restart. In a fleet each node goes by what it sees itself, from its start on, and
  /// nothing of it is committed. Errors: it is not in service; health has not taken it down.
  [[nodiscard]] Expected<StateOutcome> take_down(std::string_view name, std::string why);
  [[nodiscard]] Expected<StateOutcome> give_back(std::string_view name, std::string why);
  /// Let clients of homes in slow start go back, never fewer than before; all of them is its end. Not committed: to the store such a home is up.
  [[nodiscard]] Expected<void> let_return(std::span<const Returned> returned);
  /// Offer the store what it has refused of homes' states. Returns the names of those that it has taken.
  std::vector<std::string> write_owed();
  /// Whether a home's state would survive a restart, and how many homes' would not.
  [[nodiscard]] bool is_kept(assign::HomeIndex home) const;
  [[nodiscard]] std::size_t unkept() const;
  /// The homes that stand, by index.
  [[nodiscard]] std::vector<assign::Home> homes();

  /// What another node of the fleet has changed of homes and slots; whom it has moved is the caller's to add. What this node's health has taken down stays so.
  /// Shape: the pen is held until it is committed. Errors: this node's configuration has not what these homes need.
  [[nodiscard]] Expected<Batch> followed(const Entry& entry);
  /// Whether this node knows what the fleet has: else nobody is redirected. Errors: somebody has the pen, who is not waited for.
  [[nodiscard]] Expected<void> set_stale(bool is_stale);
  /// The same before the first packet.
  void begin_stale() { is_stale_.store(true, std::memory_order_relaxed); }
  [[nodiscard]] bool is_stale() const { return is_stale_.load(std::memory_order_relaxed); }

 private:
  /// The fleet as it stands, to be changed.
  struct Now {
    std::vector<assign::Home> homes;
    std::vector<assign::HomeIndex> slots;
    base::Key128 seed;
    assign::HomeIndex changed{assign::no_home};  // the one home that is another
  };
  using Edit = std::function<Expected<void>(Now&)>;
  [[nodiscard]] Now now();
  [[nodiscard]] Expected<Outcome> change(store::Author author, const Edit& edit);
  [[nodiscard]] Expected<std::unique_ptr<const site::Site>> site_of(std::vector<assign::Home> homes) const;
  [[nodiscard]] std::string described(const assign::Home& home) const;
  // unkept.cpp
  [[nodiscard]] Expected<StateOutcome> change_state(store::Author author, const Edit& edit);
  [[nodiscard]] Expected<StateOutcome> change_here(store::Author author, const Edit& edit);
  struct Shown {
    std::uint32_t epoch{};
    assign::HomeIndex changed{assign::no_home};
  };
  [[nodiscard]] Expected<Shown> show_here(const Edit& edit);
  [[nodiscard]] Expected<StateOutcome> show_unkept(store::Author author, const Edit& edit, std::string refusal);
  void settle(assign::HomeIndex home);

  [[nodiscard]] std::uint32_t now_min() const { return commons_.now_min.load(std::memory_order_relaxed); }

  site::Commons& commons_;
  Loop& loop_;
  Placements& placements_;
  const config::Config& config_;
  std::atomic<bool> is_stale_{};
  mutable std::mutex owed_mutex_;  // of the next; it is written by who has the pen
  std::map<assign::HomeIndex, store::Author> owed_;  // homes whose state the store has refused, and who made it so
};

}  // namespace viaduct::control
