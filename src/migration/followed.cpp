// SPDX-License-Identifier: Apache-2.0
// What the other nodes of a fleet do, to who is on his way here.
#include <algorithm>
#include <utility>

#include "viaduct/base/clocks.h"
#include "viaduct/migration/mover.h"

namespace viaduct::migration {

/// Whoever has the pen calls it, so it waits for nobody who may wait for that: of this node's own moves it only leaves word.
void Mover::follow(const control::Entry& entry, const std::vector<control::FollowedClient>& clients, bool is_past) {
  const std::uint64_t now = base::unset_wall_s();
  const std::uint64_t age_s = is_past ? base::wall_s() - std::min(base::wall_s(), entry.head().at_s) : 0;
  const std::unique_lock lock(mutex_);
  const std::uint64_t deadline_s = now + settings_.deadline_s - std::min<std::uint64_t>(settings_.deadline_s, age_s);
  std::vector<assign::HomeIndex> by_slot;
  loop_.call([&] {
    for (const control::FollowedClient& c : clients) by_slot.push_back(commons_.assignment.slot_home(c.key));
  });
  for (std::size_t i = 0; i < clients.size(); ++i) {
    const control::FollowedClient& c = clients[i];
    const bool has_slot = commons_.assignment.policy() != assign::Policy::explicit_;
    const assign::HomeIndex to = c.row.home.value_or(has_slot ? by_slot[i] : assign::no_home);
    if (const auto rest = rests_.find(c.key); rest != rests_.end()) rest->second.both_until_s = 0;   // he moves again, or is placed
    if (const Step* const step = find(c.key, false); step != nullptr && step->state == StepState::committed) {
      if (!is_past) turned_[c.key] = to;
    } else if (entry.head().sets_out) {
      const Step* const whole = find(c.key, true);   // this node's own plan has his slot on its way
      const bool is_with_slot = whole != nullptr && whole->state == StepState::committed && whole->to == c.row.previous;
      guests_.set_out(c.key, is_with_slot ? whole->from : c.row.previous, to, deadline_s);
    } else {
      guests_.place(c.key, to);
    }
  }
  if (entry.head().sets_out)
    for (const control::SlotRow& row : entry.slots())
      if (find({.low = 0, .high = std::uint64_t{row.slot} << (64 - 17)}, true) == nullptr) guests_.set_out_slot(row.slot, row.previous, row.home, deadline_s);
  for (const assign::Confirmation& arrival : entry.arrivals())
    if (!guests_.arrive(arrival.client, arrival.home, settings_.settled_s)) arrived_.push_back(arrival);
  guests_.show();
  wake_.notify_all();
}

std::vector<assign::Confirmation> Mover::take_arrivals() {
  const std::lock_guard lock(mutex_);
  return std::exchange(seen_, {});
}

}  // namespace viaduct::migration
