// SPDX-License-Identifier: Apache-2.0
// Clients whom other nodes of the fleet have set on their way: to this node's workers they are at both homes too, until one of the nodes has seen them arrive.
#pragma once
#include <cstdint>
#include <mutex>
#include <optional>
#include <queue>
#include <unordered_map>
#include <vector>

#include "viaduct/control/loop.h"
#include "viaduct/migration/plan.h"
#include "viaduct/site/post.h"

namespace viaduct::migration {

/// Thread: any but the control core. What is changed is what workers see once show() is called.
class Guests {
 public:
  Guests(site::Commons& commons, control::Loop& loop) : commons_(commons), loop_(loop) {}

  /// From `previous` to `to`, until then at the latest; who is on his way already goes there instead, from where he came. Home again, or nowhere: it is over.
  void set_out(const sip::ClientKey& client, assign::HomeIndex previous, assign::HomeIndex to, std::uint64_t deadline_s);
  /// The same for those of a slot who have no placement of their own.
  void set_out_slot(std::size_t slot, assign::HomeIndex previous, assign::HomeIndex to, std::uint64_t deadline_s);
  /// He has another home now, without a move; one on his way goes there instead.
  void place(const sip::ClientKey& client, assign::HomeIndex home);
  /// He is on a move of this node's own.
  void drop(const sip::ClientKey& client);
  /// A home has accepted him. Returns whether that ends a move; CANCEL and ACK go to both for a while longer (`both_s`).
  bool arrive(const sip::ClientKey& client, assign::HomeIndex home, std::uint32_t both_s);
  /// Moves that nobody has confirmed in time, and what their end meant for a while.
  void end_overdue(std::uint32_t both_s);
  /// Bring to the workers what has changed.
  void show();
  /// Whether he is on his way.
  [[nodiscard]] bool contains(const sip::ClientKey& client) const;
  /// Where those of a slot come from who are on their way with it; no_home: it is on none.
  [[nodiscard]] assign::HomeIndex previous_of_slot(std::size_t slot) const;
  /// Clients, and slots.
  [[nodiscard]] std::size_t count() const;

 private:
  struct Guest {
    assign::HomeIndex previous{assign::no_home}, to{assign::no_home};
    std::uint64_t until_s{};  // base::unset_wall_s()
    bool is_settled{};
  };
  struct End {
    std::uint64_t s;
    base::Hash128 key;
    bool operator>(const End& other) const { return s > other.s; }
  };
  void note(const base::Hash128& key, const Guest& guest);
  void settle(const base::Hash128& key, Guest& guest, std::uint32_t both_s);
  void forget(const base::Hash128& key);

  site::Commons& commons_;
  control::Loop& loop_;
  mutable std::mutex mutex_;
  std::unordered_map<base::Hash128, Guest, KeyHash> clients_;
  std::unordered_map<std::size_t, Guest> slots_;
  std::priority_queue<End, std::vector<End>, std::greater<>> ends_;  // of clients; his may be over before
  std::unordered_map<base::Hash128, std::optional<assign::Move>, KeyHash> unshown_;  // nullopt: it is over
  std::unordered_map<std::size_t, assign::HomeIndex> unshown_slots_;
};

}  // namespace viaduct::migration
