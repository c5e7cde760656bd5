// SPDX-License-Identifier: Apache-2.0
// States of homes that the store has refused: they hold all the same, and are written when it takes changes again.
#include <utility>

#include "viaduct/control/build_site.h"
#include "viaduct/control/fleet.h"
#include "viaduct/control/homes.h"

namespace viaduct::control {

using assign::Home;
using assign::HomeIndex;

/// As `change`, for what must not wait for a store that has no room or cannot be written: then it is done all the same, and owed to the store.
Expected<StateOutcome> Fleet::change_state(store::Author author, const Edit& edit) {
  if (!placements_.may_agree()) return show_unkept(std::move(author), edit, "the fleet's log is out of reach");
  bool is_edited = true;
  const auto checked = [&](Now& n) {
    auto done = edit(n);
    is_edited = done.has_value();
    return done;
  };
  const auto kept = change(author, checked);
  if (kept) return StateOutcome{.epoch = kept->epoch, .refusal = {}};
  if (!is_edited) return std::unexpected(kept.error());
  return show_unkept(std::move(author), edit, kept.error());
}

/// What this node's health has seen: in a fleet the others go by their own.
Expected<StateOutcome> Fleet::change_here(store::Author author, const Edit& edit) {
  if (!placements_.is_shared()) return change_state(std::move(author), edit);
  auto shown = show_here(edit);
  if (!shown) return std::unexpected(shown.error());
  return StateOutcome{.epoch = shown->epoch, .refusal = {}};
}

Expected<StateOutcome> Fleet::show_unkept(store::Author author, const Edit& edit, std::string refusal) {
  auto shown = show_here(edit);
  if (!shown) return std::unexpected(shown.error());
  {
    const std::lock_guard lock(owed_mutex_);
    owed_[shown->changed] = std::move(author);
  }
  return StateOutcome{.epoch = shown->epoch, .refusal = std::move(refusal)};
}

Expected<Fleet::Shown> Fleet::show_here(const Edit& edit) {
  auto pen = placements_.take_pen();
  if (!pen) return std::unexpected(pen.error());
  Now next = now();
  if (auto edited = edit(next); !edited) return std::unexpected(edited.error());
  auto built = site_of(std::move(next.homes));
  if (!built) return std::unexpected(built.error());
  Shown out{.epoch = {}, .changed = next.changed};
  loop_.call([&] {
    commons_.site.publish(std::move(*built), commons_.epoch);
    out.epoch = commons_.assignment.epoch();
  });
  pen->unlock();
  loop_.wait_until_seen();
  return out;
}

void Fleet::settle(HomeIndex home) {
  const std::lock_guard lock(owed_mutex_);
  owed_.erase(home);
}

bool Fleet::is_kept(HomeIndex home) const {
  const std::lock_guard lock(owed_mutex_);
  return !owed_.contains(home);
}

std::size_t Fleet::unkept() const {
  const std::lock_guard lock(owed_mutex_);
  return owed_.size();
}

std::vector<std::string> Fleet::write_owed() {
  if (!placements_.may_agree()) return {};
  std::map<HomeIndex, store::Author> owed;
  {
    const std::lock_guard lock(owed_mutex_);
    owed = owed_;
  }
  std::vector<std::string> written;
  for (auto& [index, author] : owed) {
    Home home;
    const auto write = [&, at = index](store::Writer& writer) -> Expected<void> {
      loop_.call([&] { home = commons_.site.read().homes[at]; });
      if (const auto set = writer.set_home(at, described(home)); !set) return std::unexpected(set.error().text);
      return {};
    };
    const auto settled = [&, at = index](std::uint32_t) { settle(at); };
    if (!placements_.commit({.author = std::move(author), .fleet = write, .show_fleet = settled, .moves = {}, .tell = {}})) break;
    written.push_back(home.name);
  }
  return written;
}

}  // namespace viaduct::control
