// SPDX-License-Identifier: Apache-2.0
// Homes and slots, from the store to the site that all cores read, and back.
#include "viaduct/control/fleet.h"

#include <algorithm>
#include <utility>

#include "viaduct/control/build_site.h"
#include "viaduct/control/homes.h"

namespace viaduct::control {
namespace {

using assign::Home;
using assign::HomeIndex;

Expected<std::vector<Home>> homes_from(const std::vector<std::string>& descriptions) {
  std::vector<Home> homes;
  for (const std::string& d : descriptions) {
    auto home = home_described(d);
    if (!home) return std::unexpected("store: " + home.error());
    homes.push_back(std::move(*home));
  }
  return homes;
}

/// Which home of a fleet is this node's.
bool is_local(const Home& home, const config::Config& config) {
  return home.state != assign::HomeState::removed &&
         std::ranges::any_of(config.homes, [&](const config::Home& h) { return h.is_local && h.name == home.name; });
}

Expected<void> written(store::Result<void> result) {
  if (!result) return std::unexpected(result.error().text);
  return {};
}

}  // namespace

Expected<FleetState> read_fleet(const store::Store& store, const config::Config& config) {
  const auto snapshot = store.snapshot();
  if (!snapshot) return std::unexpected(snapshot.error().text);
  auto slots = (*snapshot)->slots();
  if (!slots) return std::unexpected(slots.error().text);
  const auto descriptions = (*snapshot)->homes();
  if (!descriptions) return std::unexpected(descriptions.error().text);
  const auto fleet = (*snapshot)->fleet();
  if (!fleet) return std::unexpected(fleet.error().text);
  if (!*fleet && (slots->empty() || (descriptions->empty() && !config.homes.empty()))) {
    auto homes = homes_of(config);
    auto dealt = assign::deal(assign::Homes(homes), config.fleet_seed);
    return FleetState{.homes = std::move(homes), .slots = std::move(dealt), .is_seed = true};
  }
  auto homes = homes_from(*descriptions);
  if (!homes) return std::unexpected(homes.error());
  if (*fleet)
    for (Home& home : *homes) home.is_local = is_local(home, config);
  return FleetState{.homes = std::move(*homes), .slots = std::move(*slots), .epoch = (*snapshot)->epoch(), .clients = (*snapshot)->clients()};
}

Batch seeding(const FleetState& seed, const config::Config& config) {
  const auto write = [&seed](store::Writer& writer) -> Expected<void> {
    for (std::size_t i = 0; i < seed.homes.size(); ++i)
      if (auto set = written(writer.set_home(static_cast<HomeIndex>(i), describe(seed.homes[i]))); !set) return set;
    return written(writer.set_slots(seed.slots));
  };
  return {.author = {"viaductd", "an empty store, seeded from " + config.file.string()}, .fleet = write, .show_fleet = {}, .moves = {}, .tell = {}};
}

std::vector<Home> Fleet::homes() {
  std::vector<Home> homes;
  loop_.call([&] { homes.assign(commons_.site.read().homes.begin(), commons_.site.read().homes.end()); });
  return homes;
}

Fleet::Now Fleet::now() {
  Now n;
  loop_.call([&] {
    const site::Site& site = commons_.site.read();
    n.homes.assign(site.homes.begin(), site.homes.end());
    n.seed = site.fleet_seed;
    n.slots = commons_.assignment.slots();
  });
  return n;
}

Expected<std::unique_ptr<const site::Site>> Fleet::site_of(std::vector<Home> homes) const { return build_site(config_, std::move(homes), is_stale()); }

std::string Fleet::described(const Home& home) const { return describe(placements_.is_shared() ? as_shared(home) : home); }

Expected<Outcome> Fleet::change(store::Author author, const Edit& edit) {
  Now next;
  std::unique_ptr<const site::Site> built;
  const auto write = [&](store::Writer& writer) -> Expected<void> {
    next = now();
    const std::vector<HomeIndex> slots_before = next.slots;
    if (auto edited = edit(next); !edited) return edited;
    auto site = site_of(next.homes);
    if (!site) return std::unexpected(site.error());
    built = std::move(*site);
    if (next.slots != slots_before)
      if (auto set = written(writer.set_slots(next.slots)); !set) return set;
    return written(writer.set_home(next.changed, described(next.homes[next.changed])));
  };
  const auto show = [&](std::uint32_t epoch) {
    commons_.load.cover(built->homes.size());
    commons_.site.publish(std::move(built), commons_.epoch);
    commons_.assignment.set_slots(next.slots, epoch);
    settle(next.changed);
  };
  auto done = placements_.commit({.author = std::move(author), .fleet = write, .show_fleet = show, .moves = {}, .tell = {}});
  if (done) loop_.wait_until_seen();
  return done;
}

namespace {

/// The index of a home that stands.
Expected<HomeIndex> standing(const std::vector<Home>& homes, std::string_view name) {
  const auto at = std::ranges::find(homes, name, &Home::name);
  if (at == homes.end() || at->state == assign::HomeState::removed) return std::unexpected(std::string(name) + ": no such home");
  return static_cast<HomeIndex>(at - homes.begin());
}

Expected<Home> home_in(std::string_view toml, const config::Config& config) {
  const auto read = config::read_home(toml, config);
  if (!read) return std::unexpected(read.error().text);
  return home_of(*read);
}

/// A home that was down takes its clients back by and by.
void become(Home& home, assign::HomeState state, const config::Health& rules, std::uint32_t now_min) {
  const bool is_back = home.state == assign::HomeState::down && state == assign::HomeState::up;
  const bool others_served = home.state == assign::HomeState::down || home.state == assign::HomeState::returning;
  if (others_served && assign::is_in_service(state)) home.returned_min = now_min;
  home.state = is_back && rules.slow_start_s > 0 ? assign::HomeState::returning : state;
  home.returned_percent = home.state == assign::HomeState::returning ? assign::returned_percent_first : std::uint8_t{0};
  home.restores.reset();
}

Expected<void> check_unlike(const std::vector<Home>& homes, const Home& home) {
  for (const Home& other : homes) {
    if (other.name == home.name || other.state == assign::HomeState::removed) continue;
    if (other.is_local && home.is_local)
      return std::unexpected("home.local: is true for a second home, after \"" + other.name + "\"; allowed: at most one local home a node");
    if (other.address == home.address)
      return std::unexpected("home.address: \"" + home.address.text() + "\" is that of \"" + other.name + "\" as well; allowed: each address once");
  }
  return {};
}

}  // namespace

Expected<Outcome> Fleet::add(std::string_view toml, store::Author author) {
  return change(std::move(author), [&](Now& n) -> Expected<void> {
    const auto added = home_in(toml, config_);
    if (!added) return std::unexpected(added.error());
    if (placements_.is_shared() && added->is_local)
      return std::unexpected("local: is true; allowed: false: which home of a fleet is a node's own only its configuration says");
    const auto known = std::ranges::find(n.homes, added->name, &Home::name);
    if (known != n.homes.end() && known->state != assign::HomeState::removed) return std::unexpected(added->name + ": is a home already");
    if (known == n.homes.end() && n.homes.size() >= base::homes_max) return std::unexpected("there are " + std::to_string(base::homes_max) + " homes already");
    if (auto unlike = check_unlike(n.homes, *added); !unlike) return unlike;
    n.changed = static_cast<HomeIndex>(known - n.homes.begin());
    if (known == n.homes.end())
      n.homes.push_back(*added);
    else
      *known = *added;
    if (std::ranges::all_of(n.slots, [](HomeIndex slot) { return slot == assign::no_home; })) n.slots = assign::deal(assign::Homes(n.homes), n.seed);
    return {};
  });
}

Expected<Outcome> Fleet::set(std::string_view name, const Described& toml, store::Author author) {
  return change(std::move(author), [&](Now& n) -> Expected<void> {
    const auto index = standing(n.homes, name);
    if (!index) return std::unexpected(index.error());
    const auto changed = home_in(toml(n.homes[*index]), config_);
    if (!changed) return std::unexpected(changed.error());
    if (auto unlike = check_unlike(n.homes, *changed); !unlike) return unlike;
    const Home stood = std::exchange(n.homes[*index], *changed);
    if (placements_.is_shared()) n.homes[*index].is_local = stood.is_local;
    n.changed = *index;
    n.homes[*index].state = stood.state;
    n.homes[*index].returned_percent = stood.returned_percent;
    n.homes[*index].returned_min = stood.returned_min;
    n.homes[*index].restores = stood.restores;
    return {};
  });
}

Expected<StateOutcome> Fleet::set_state(std::string_view name, assign::HomeState state, store::Author author) {
  return change_state(std::move(author), [&](Now& n) -> Expected<void> {
    const auto index = standing(n.homes, name);
    if (!index) return std::unexpected(index.error());
    if (state == assign::HomeState::removed) return std::unexpected("a home is removed by itself");
    if (state == assign::HomeState::returning) return std::unexpected("a home that is up returns by itself");
    Home& home = n.homes[*index];
    // What health took down becomes the operator's.
    if (home.state == state && !home.restores) return std::unexpected(std::string(name) + ": is " + std::string(assign::name(state)) + " already");
    n.changed = *index;
    become(home, state, config_.health, now_min());
    return {};
  });
}

Expected<StateOutcome> Fleet::take_down(std::string_view name, std::string why) {
  return change_here({"health", std::move(why)}, [&](Now& n) -> Expected<void> {
    const auto index = standing(n.homes, name);
    if (!index) return std::unexpected(index.error());
    Home& home = n.homes[*index];
    if (!assign::is_in_service(home.state)) return std::unexpected(std::string(name) + ": is " + std::string(assign::name(home.state)));
    const assign::HomeState restores = assign::is_up(home.state) ? assign::HomeState::up : home.state;
    n.changed = *index;
    become(home, assign::HomeState::down, config_.health, now_min());
    home.restores = restores;
    return {};
  });
}

Expected<StateOutcome> Fleet::give_back(std::string_view name, std::string why) {
  return change_here({"health", std::move(why)}, [&](Now& n) -> Expected<void> {
    const auto index = standing(n.homes, name);
    if (!index) return std::unexpected(index.error());
    Home& home = n.homes[*index];
    if (!home.restores) return std::unexpected(std::string(name) + ": health has not taken it down");
    n.changed = *index;
    become(home, *home.restores, config_.health, now_min());
    return {};
  });
}

Expected<void> Fleet::let_return(std::span<const Returned> returned) {
  const auto pen = placements_.take_pen();
  if (!pen) return std::unexpected(pen.error());
  std::vector<Home> all = homes();
  for (const Returned& r : returned) {
    if (r.home >= all.size() || all[r.home].state != assign::HomeState::returning) continue;
    all[r.home].returned_percent = std::max(all[r.home].returned_percent, r.percent);
    all[r.home].returned_min = now_min();
    if (r.percent >= assign::returned_percent_all) become(all[r.home], assign::HomeState::up, config_.health, now_min());
  }
  auto built = site_of(std::move(all));
  if (!built) return std::unexpected(built.error());
  loop_.call([&] { commons_.site.publish(std::move(*built), commons_.epoch); });
  return {};
}

Expected<Outcome> Fleet::remove(std::string_view name, store::Author author) {
  return change(std::move(author), [&](Now& n) -> Expected<void> {
    const auto index = standing(n.homes, name);
    if (!index) return std::unexpected(index.error());
    const auto counts = placements_.counts();
    const HomeCount placed = *index < counts.size() ? counts[*index] : HomeCount{};
    if (placed.overrides + placed.pins > 0)
      return std::unexpected(std::string(name) + ": " + std::to_string(placed.overrides + placed.pins) +
                             " clients are placed there: place them elsewhere first");
    n.changed = *index;
    become(n.homes[*index], assign::HomeState::removed, config_.health, now_min());
    n.homes[*index].is_local = false;
    const auto dealt = assign::deal(assign::Homes(n.homes), n.seed);
    for (std::size_t i = 0; i < n.slots.size(); ++i) {
      if (n.slots[i] != *index) continue;
      if (dealt[i] == assign::no_home) return std::unexpected(std::string(name) + ": is the last home that is up");
      n.slots[i] = dealt[i];
    }
    return {};
  });
}

namespace {

/// What the fleet has made of a home, to what this node has of it.
void follow(Home& home, Home shared, const config::Config& config, std::uint32_t now_min) {
  const Home stood = std::exchange(home, std::move(shared));
  const assign::HomeState state = home.state;
  home.is_local = is_local(home, config);
  home.state = stood.state;
  home.returned_percent = stood.returned_percent;
  home.returned_min = stood.returned_min;
  if (stood.restores && assign::is_in_service(state)) {
    home.restores = state;  // this node's health has taken it down, and gives it back as what it is by then
  } else if (state != as_shared(stood).state || stood.restores) {
    become(home, state, config.health, now_min);
  }
}

}  // namespace

Expected<Batch> Fleet::followed(const Entry& entry) {
  auto next = std::make_shared<Now>(now());
  for (const auto& [index, description] : entry.head().homes) {
    auto home = home_described(description);
    if (!home) return std::unexpected(home.error());
    if (index > next->homes.size())
      return std::unexpected("the fleet's log: a home of index " + std::to_string(index) + " before there is one of the index below");
    if (index == next->homes.size()) {
      next->homes.push_back(std::move(*home));
      next->homes.back().is_local = is_local(next->homes.back(), config_);
    } else {
      follow(next->homes[index], std::move(*home), config_, now_min());
    }
  }
  const auto is_home = [&](HomeIndex home) { return home == assign::no_home || home < next->homes.size(); };
  bool are_homes = true;
  for (const SlotRow& row : entry.slots()) {
    next->slots[row.slot] = row.home;
    are_homes = are_homes && is_home(row.home);
  }
  entry.for_each_client([&](const ClientRow& row) { return are_homes = are_homes && is_home(row.home.value_or(assign::no_home)); });
  if (!are_homes) return std::unexpected("it names a home that there is none of");
  auto built = site_of(next->homes);
  if (!built) return std::unexpected(built.error());
  auto site = std::make_shared<std::unique_ptr<const site::Site>>(std::move(*built));
  Batch batch{.author = entry.head().author, .fleet = {}, .show_fleet = {}, .moves = {}, .tell = {}};
  batch.fleet = [next, &entry](store::Writer& writer) -> Expected<void> {
    for (const auto& [index, description] : entry.head().homes)
      if (auto set = written(writer.set_home(index, description)); !set) return set;
    return entry.slots().empty() ? Expected<void>{} : written(writer.set_slots(next->slots));
  };
  batch.show_fleet = [this, next, site, &entry](std::uint32_t epoch) {
    if (!entry.head().homes.empty()) {
      commons_.load.cover((*site)->homes.size());
      commons_.site.publish(std::move(*site), commons_.epoch);
    }
    if (!entry.slots().empty()) commons_.assignment.set_slots(next->slots, epoch);
  };
  return batch;
}

Expected<void> Fleet::set_stale(bool is_stale) {
  if (this->is_stale() == is_stale) return {};
  const auto pen = placements_.try_pen();
  if (!pen) return std::unexpected("somebody changes something");
  auto built = build_site(config_, homes(), is_stale);
  if (!built) return std::unexpected(built.error());
  loop_.call([&] { commons_.site.publish(std::move(*built), commons_.epoch); });
  is_stale_.store(is_stale, std::memory_order_relaxed);
  return {};
}

}  // namespace viaduct::control
