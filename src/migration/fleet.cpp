// SPDX-License-Identifier: Apache-2.0
// Taking stock for a plan: the homes as they bear load, clients one by one with the load that is likely, slots for those who live by them. What is made of it is balancer.cpp's.
#include "fleet.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "congestion.h"
#include "likely.h"

namespace viaduct::migration {
namespace {

using assign::HomeIndex;
using assign::HomeState;

balance::HomeState planned_as(HomeState state) {
  switch (state) {
    case HomeState::up:
    case HomeState::returning:
      return balance::HomeState::up;
    case HomeState::draining:
      return balance::HomeState::draining;
    case HomeState::down:
    case HomeState::removed:
      break;
  }
  return balance::HomeState::down;
}

/// By what it asked for and answered in a window of so many seconds.
bool has_too_much(const control::HomeLoad& h, double seconds) {
  if (h.shed_asked_per_s > 0) return true;
  double final_per_s = 0;
  for (std::size_t c = 1; c < h.responses_per_s.size(); ++c) final_per_s += h.responses_per_s[c];
  return is_congested(final_per_s * seconds, h.responses_per_s[server_failures] * seconds);
}

/// A home as it is now, with the load that it bore in the last window. One that was down when that closed stays so until the next: what it bears is not known.
/// Returns whether it has gone down since.
bool bring_up_to_date(control::HomeLoad& load, const assign::Home& home) {
  const bool was_down = load.state == HomeState::down;
  load.name = home.name;
  load.weight = home.weight;
  if (!was_down || !assign::is_up(home.state)) load.state = home.state;
  return !was_down && home.state == HomeState::down;
}

bool takes_guests(const balance::Home& home) { return home.state == balance::HomeState::up || home.state == balance::HomeState::joining; }

/// The load of homes that have gone down is borne by those that are up, by their weights: rendezvous order.
void share_out(double load, std::vector<balance::Home>& homes) {
  double weights = 0;
  for (const balance::Home& h : homes) weights += takes_guests(h) ? h.weight : 0;
  for (balance::Home& h : homes)
    if (takes_guests(h) && h.weight > 0) h.load += load * h.weight / weights;
}

}  // namespace

/// Clients whom another node has seen: by themselves, or on top of what this one has seen of them.
void Balancer::add_clients(std::vector<control::ClientLoad> clients, std::vector<control::ClientLoad>& tracked) {
  std::unordered_map<base::Hash128, std::size_t, KeyHash> known;
  for (std::size_t i = 0; i < tracked.size(); ++i) known.emplace(tracked[i].key, i);
  base::Key128 seed{};
  loop_.call([&] { seed = commons_.site.read().fleet_seed; });
  for (control::ClientLoad& c : clients) c.key = sip::client_key(c.aor, seed);
  loop_.call([&] {
    for (control::ClientLoad& c : clients) {
      const assign::Placement placed = commons_.assignment.find(c.key);
      c.home = placed.home;
      c.layer = placed.layer;
    }
  });
  for (control::ClientLoad& c : clients) {
    const auto [at, is_new] = known.emplace(c.key, tracked.size());
    if (is_new) {
      tracked.push_back(std::move(c));
      continue;
    }
    control::ClientLoad& here = tracked[at->second];
    const float ratio = here.scale > 0 ? c.scale / here.scale : 0;
    here.events += c.events;
    here.weight += c.weight * ratio;
    here.own_weight += c.own_weight * ratio;
  }
}

/// Loads are those of the last window, all else is as it is by now.
Balancer::Fleet Balancer::look() {
  Fleet fleet;
  std::vector<control::SeenElsewhere> elsewhere;
  if (seen_by_others_) elsewhere = seen_by_others_();
  control::LoadWindow window = monitor_.window();
  fleet.window_s = window.seconds;
  fleet.tracked = monitor_.clients();
  std::vector<double> slow_start;
  std::vector<std::string> zones;
  std::vector<std::uint32_t> capacity;  // what an edge lets through is what a home can serve, if nobody says less
  std::vector<bool> has_fallen;  // since the window
  loop_.call([&] {
    const assign::Homes& homes = commons_.site.read().homes;
    window.homes.resize(homes.size());
    for (const assign::Home& home : homes) {
      const std::size_t i = zones.size();
      slow_start.push_back(health_.slow_start_ratio(static_cast<HomeIndex>(i)));
      zones.push_back(home.zone);
      capacity.push_back(home.capacity != 0 && home.max_per_s != 0 ? std::min(home.capacity, home.max_per_s) : std::max(home.capacity, home.max_per_s));
      has_fallen.push_back(bring_up_to_date(window.homes[i], home));
    }
  });
  for (control::SeenElsewhere& seen : elsewhere) {
    control::add(seen, window.homes);
    add_clients(std::move(seen.clients), fleet.tracked);
  }
  note_joining(window.homes);
  fleet.loads = std::move(window.homes);
  constexpr std::uint16_t none = UINT16_MAX;
  fleet.by_home.assign(fleet.loads.size(), none);
  double events = 0, fallen = 0;
  for (const control::ClientLoad& c : fleet.tracked) events += c.events;
  fleet.events_per_client = fleet.tracked.empty() ? 0 : events / static_cast<double>(fleet.tracked.size());
  for (std::uint32_t i = 0; i < fleet.loads.size(); ++i) {
    const control::HomeLoad& h = fleet.loads[i];
    fleet.clients_count += h.clients;
    if (h.state == HomeState::removed) continue;
    balance::Home home{.load = h.load_per_s,
                       .load_error = h.load_error_per_s,
                       .weight = static_cast<double>(h.weight),
                       .capacity = capacity[i] * (h.messages_per_s > 0 ? h.load_per_s / h.messages_per_s : 1),  // messages of this home's kinds, as load
                       .slow_start = has_too_much(h, fleet.window_s) ? 0 : slow_start[i],  // nobody comes
                       .state = planned_as(h.state),
                       .zone = static_cast<std::uint16_t>(std::ranges::find(zones, zones[i]) - zones.begin())};
    if (home.state == balance::HomeState::up && is_joining(h.name)) home.state = balance::HomeState::joining;
    if (has_fallen[i]) fallen += std::exchange(home.load, 0);
    fleet.by_home[i] = static_cast<std::uint16_t>(fleet.homes.size());
    fleet.homes.push_back(home);
    fleet.supposed.push_back(1);
    fleet.names.push_back(h.name);
    fleet.index.push_back(i);
  }
  share_out(fallen, fleet.homes);
  return fleet;
}

/// Of a home that has no load nobody can say whose the supposed load is.
Expected<void> Balancer::suppose(Fleet& fleet, const std::map<std::string, double>& loads) {
  for (const auto& [name, load] : loads) {
    const auto at = std::ranges::find(fleet.names, name);
    if (at == fleet.names.end()) return std::unexpected(name + ": no such home");
    if (load < 0) return std::unexpected(name + ": a load is not below zero");
    const auto i = static_cast<std::size_t>(at - fleet.names.begin());
    balance::Home& home = fleet.homes[i];
    if (home.load > 0) fleet.supposed[i] = load / home.load;
    home.load = load;
    home.load_error = 0;
  }
  return {};
}

/// Of each home, clients who are placed there and whom no sample has told of.
std::vector<std::uint64_t> Balancer::unknown_of(const Fleet& fleet) {
  std::vector<std::uint64_t> known(fleet.loads.size()), out;
  for (const control::ClientLoad& c : fleet.tracked)
    if (c.home < known.size()) ++known[c.home];
  for (const std::uint32_t i : fleet.index) out.push_back(i < known.size() && fleet.loads[i].clients > known[i] ? fleet.loads[i].clients - known[i] : 0);
  return out;
}

/// Clients that samples have told of, each with the load that is likely. Those who live by their slot move with it where whole slots are planned.
void Balancer::take_clients(Fleet& fleet, bool with_slots) {
  const std::vector<std::uint64_t> unknown = unknown_of(fleet);
  const Likely likely = likely_loads(fleet.tracked, std::accumulate(unknown.begin(), unknown.end(), std::uint64_t{0}));
  for (std::size_t i = 0; i < fleet.homes.size(); ++i)
    if (fleet.homes[i].state != balance::HomeState::draining) fleet.homes[i].unknown = static_cast<double>(unknown[i]) * likely.of_unknown * fleet.supposed[i];
  std::vector<sip::ClientKey> keys;
  for (const control::ClientLoad& c : fleet.tracked) keys.push_back(c.key);
  const std::vector<bool> resting = mover_.resting(keys);
  for (std::size_t i = 0; i < fleet.tracked.size(); ++i) {
    control::ClientLoad& c = fleet.tracked[i];
    if (c.home >= fleet.by_home.size() || c.aor.empty() || (with_slots && c.layer == assign::Layer::slot)) continue;
    const std::uint16_t home = fleet.by_home[c.home];
    if (home == UINT16_MAX) continue;
    const bool leaves = fleet.homes[home].state == balance::HomeState::draining;
    const bool stays = c.layer == assign::Layer::pin || (resting[i] && !leaves);
    fleet.add(c.key, std::move(c.aor), home, balance::class_of(likely.loads[i] * fleet.supposed[home]), stays);
  }
}

/// Of homes that are to be left, clients whom no sample has told of.
Expected<void> Balancer::take_placed(Fleet& fleet) {
  std::unordered_set<base::Hash128, KeyHash> known;
  for (const sip::ClientKey& key : fleet.keys) known.insert(store::identity(key));
  base::Key128 seed{};
  loop_.call([&] { seed = commons_.site.read().fleet_seed; });
  const auto snapshot = placements_.store().snapshot();
  if (!snapshot) return std::unexpected(snapshot.error().text);
  const auto read = (*snapshot)->clients(0, std::uint32_t{1} << store::block_bits, [&](const store::Record& r, std::string_view aor) {
    const std::uint16_t home = r.home < fleet.by_home.size() ? fleet.by_home[r.home] : UINT16_MAX;
    if (home == UINT16_MAX || fleet.homes[home].state != balance::HomeState::draining || known.contains(r.client)) return true;
    fleet.add(sip::client_key(aor, seed), std::string(aor), home, 0, r.pin);
    return true;
  });
  return read ? Expected<void>{} : std::unexpected(read.error().text);
}

void Balancer::take_slots(Fleet& fleet) {
  if (commons_.assignment.policy() == assign::Policy::explicit_) return;  // nobody lives by them
  const auto slots = monitor_.slots();
  for (std::size_t slot = 0; slot < slots.size(); ++slot) {
    const control::SlotLoad& s = slots[slot];
    if (s.home >= fleet.by_home.size() || fleet.by_home[s.home] == UINT16_MAX) continue;
    // A slot in which nobody is known relieves nobody; but whoever may be in it must leave a home that drains.
    if (s.clients == 0 && fleet.homes[fleet.by_home[s.home]].state != balance::HomeState::draining) continue;
    const std::uint16_t home = fleet.by_home[s.home];
    fleet.groups.push_back({.load = s.load_per_s * fleet.supposed[home], .clients = s.clients, .home = home});
    fleet.slots.push_back(slot);
  }
}

}  // namespace viaduct::migration
