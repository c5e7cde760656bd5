// SPDX-License-Identifier: Apache-2.0
#include "viaduct/migration/guests.h"

#include <algorithm>

#include "viaduct/base/clocks.h"

namespace viaduct::migration {

using assign::HomeIndex;

void Guests::set_out(const sip::ClientKey& client, HomeIndex previous, HomeIndex to, std::uint64_t deadline_s) {
  const std::lock_guard lock(mutex_);
  const auto at = clients_.find(client);
  const bool is_on_way = at != clients_.end() && !at->second.is_settled;
  HomeIndex from = is_on_way ? at->second.previous : previous;
  // Who has moved with his slot so far, and has not come, is still where that came from.
  if (const auto whole = slots_.find(assign::slot_of(client)); at == clients_.end() && whole != slots_.end() && whole->second.to == previous)
    from = whole->second.previous;
  if (from == to || from == assign::no_home || to == assign::no_home) return forget(client);
  const Guest guest{.previous = from, .to = to, .until_s = deadline_s};
  clients_[client] = guest;
  ends_.push({deadline_s, client});
  note(client, guest);
}

void Guests::set_out_slot(std::size_t slot, HomeIndex previous, HomeIndex to, std::uint64_t deadline_s) {
  const std::lock_guard lock(mutex_);
  const auto at = slots_.find(slot);
  const HomeIndex from = at != slots_.end() ? at->second.previous : previous;
  const bool is_over = from == to || from == assign::no_home || to == assign::no_home;
  if (is_over)
    slots_.erase(slot);
  else
    slots_[slot] = {.previous = from, .to = to, .until_s = deadline_s};
  unshown_slots_[slot] = is_over ? assign::no_home : from;
}

void Guests::place(const sip::ClientKey& client, HomeIndex home) {
  const std::lock_guard lock(mutex_);
  const auto at = clients_.find(client);
  if (at == clients_.end()) return;
  if (at->second.is_settled || home == at->second.previous || home == assign::no_home) return forget(client);
  at->second.to = home;
}

void Guests::drop(const sip::ClientKey& client) {
  const std::lock_guard lock(mutex_);
  clients_.erase(client);
  unshown_.erase(client);
}

bool Guests::arrive(const sip::ClientKey& client, HomeIndex home, std::uint32_t both_s) {
  const std::lock_guard lock(mutex_);
  if (const auto at = clients_.find(client); at != clients_.end()) {
    if (at->second.is_settled || at->second.to != home) return false;
    settle(client, at->second, both_s);
    return true;
  }
  // He moves with his slot, and is there before the others.
  const auto whole = slots_.find(assign::slot_of(client));
  if (whole == slots_.end() || whole->second.to != home) return false;
  bool is_by_slot = false;
  loop_.call([&] { is_by_slot = commons_.assignment.find(client).layer == assign::Layer::slot; });
  if (!is_by_slot) return false;
  Guest& guest = clients_[client];
  guest = whole->second;
  settle(client, guest, both_s);
  // As long as his slot is on its way, or he would be taken back by it.
  guest.until_s += std::max(whole->second.until_s, base::unset_wall_s()) - base::unset_wall_s();
  ends_.push({guest.until_s, client});
  return true;
}

void Guests::end_overdue(std::uint32_t both_s) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t now = base::unset_wall_s();
  for (; !ends_.empty() && ends_.top().s <= now; ends_.pop()) {
    const base::Hash128 key = ends_.top().key;
    const auto at = clients_.find(key);
    if (at == clients_.end() || at->second.until_s > now) continue;   // another move, or ended before
    if (at->second.is_settled)
      forget(key);
    else
      settle(key, at->second, both_s);
  }
  std::erase_if(slots_, [&](const auto& entry) {
    const auto& [slot, guest] = entry;
    if (guest.until_s > now) return false;
    unshown_slots_[slot] = assign::no_home;
    return true;
  });
}

HomeIndex Guests::previous_of_slot(std::size_t slot) const {
  const std::lock_guard lock(mutex_);
  const auto at = slots_.find(slot);
  return at != slots_.end() ? at->second.previous : assign::no_home;
}

bool Guests::contains(const sip::ClientKey& client) const {
  const std::lock_guard lock(mutex_);
  const auto at = clients_.find(client);
  return at != clients_.end() && !at->second.is_settled;
}

std::size_t Guests::count() const {
  const std::lock_guard lock(mutex_);
  return slots_.size() + static_cast<std::size_t>(std::ranges::count_if(clients_, [](const auto& entry) { return !entry.second.is_settled; }));
}

void Guests::settle(const base::Hash128& key, Guest& guest, std::uint32_t both_s) {
  guest.is_settled = true;
  guest.until_s = base::unset_wall_s() + both_s;
  ends_.push({guest.until_s, key});
  note(key, guest);
}

void Guests::forget(const base::Hash128& key) {
  if (clients_.erase(key) != 0) unshown_[key] = std::nullopt;
}

void Guests::note(const base::Hash128& key, const Guest& guest) { unshown_[key] = assign::Move{.previous = guest.previous, .is_settled = guest.is_settled}; }

void Guests::show() {
  const std::lock_guard lock(mutex_);
  if (unshown_.empty() && unshown_slots_.empty()) return;
  loop_.call([&] {
    for (const auto& [key, move] : unshown_) {
      if (move)
        commons_.moves.set(key, *move);
      else
        commons_.moves.end(key);
    }
    for (const auto& [slot, previous] : unshown_slots_) commons_.moves.set_slot(slot, previous);
  });
  unshown_.clear();
  unshown_slots_.clear();
}

}  // namespace viaduct::migration
