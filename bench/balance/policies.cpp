// SPDX-License-Identifier: Apache-2.0
#include "balance/policies.h"

#include <cmath>

namespace viaduct::bench {
namespace {

using balance::Home;
using balance::HomeState;

/// What a counter keeps from one harvest to the next: half an hour halves it.
const double memory = std::exp2(-window_s / 1800);

/// Homes that hashing may choose. One that is down keeps its clients: its neighbours bear them meanwhile.
std::vector<bool> candidates_of(std::span<const Home> homes) {
  std::vector<bool> out(homes_count);
  for (std::size_t h = 0; h < homes.size(); ++h) out[h] = homes[h].weight > 0 && homes[h].state != HomeState::draining;
  return out;
}

/// The candidate of highest affinity below `under`, or homes_count.
HomeIndex best_of(std::uint64_t key, const std::vector<bool>& candidates, std::uint64_t under = ~std::uint64_t{0}) {
  HomeIndex best = homes_count;
  std::uint64_t highest = 0;
  for (HomeIndex h = 0; h < homes_count; ++h) {
    const std::uint64_t affinity = candidates[h] ? World::affinity(key, h) : 0;
    if (affinity <= highest || affinity >= under) continue;
    highest = affinity;
    best = h;
  }
  return best;
}

std::vector<bool> first_homes() {
  std::vector<bool> out(homes_count, true);
  out.back() = false;
  return out;
}

/// Keys of clients lie beyond those of slots.
std::uint64_t key_of_client(std::size_t client) { return slots_count + client; }

}  // namespace

void Estimates::harvest(const World& world) {
  moments_ = {};
  for (std::size_t i = 0; i < clients_count; ++i) {
    counts_[i] = static_cast<std::uint16_t>(std::lround(counts_[i] * memory) + world.sampled(i));
    moments_.add(counts_[i]);
  }
}

balance::Estimator Estimates::estimator() const { return {moments_, {.probability = sampling, .window_s = window_s, .memory = memory}}; }

void Policy::move(std::size_t client, HomeIndex to, bool has_cause) {
  home_[client] = to;
  if (has_cause) return;
  ++moved_;
  ++moves_[client];
}

std::size_t Policy::moved_twice() const {
  return static_cast<std::size_t>(std::ranges::count_if(moves_, [](std::uint8_t n) { return n > 1; }));
}

void Policy::forget() {
  moved_ = 0;
  std::ranges::fill(moves_, 0);
}

Planned::Planned(std::string_view name, Unit unit, const balance::Thresholds& thresholds)
    : Policy(name),
      unit_(unit),
      trigger_(thresholds, {}),
      moved_at_(unit == Unit::client ? clients_count : slots_count, long_ago),
      slot_(clients_count),
      slot_home_(slots_count),
      load_(clients_count),
      flags_(clients_count),
      groups_(slots_count) {
  const auto candidates = first_homes();
  for (std::size_t slot = 0; slot < slots_count; ++slot) slot_home_[slot] = best_of(slot, candidates);
  for (std::size_t i = 0; i < clients_count; ++i) {
    slot_[i] = World::slot_of(i);
    place(i, slot_home_[slot_[i]]);
  }
}

void Planned::step(const World& world, std::span<const Home> homes, const Estimates& estimates) {
  const auto decision = trigger_.decide(
      {.now_s = world.window() * window_s, .homes = homes, .clients = clients_count, .events_per_client = estimates.estimator().events_per_client()});
  if (!decision.reason) return;
  const balance::Plan made = plan(world, homes, estimates, decision);
  if (made.verdict != balance::Verdict::accepted) return;
  trigger_.spend(made);
  for (const auto& moves : {made.clients, made.groups}) {
    for (const balance::Move& m : moves) {
      const HomeIndex from = unit_ == Unit::client ? home(m.item) : slot_home_[m.item];
      move_item(m.item, m.to, world.window(), homes[from].state == HomeState::draining);
    }
  }
}

balance::Plan Planned::plan(const World& world, std::span<const Home> homes, const Estimates& estimates, const balance::Decision& decision) {
  const balance::Estimator estimator = estimates.estimator();
  const auto rests = [&](std::size_t item) { return moved_at_[item] != long_ago && world.window() - moved_at_[item] < cooldown; };
  balance::Request request{.homes = homes, .reason = *decision.reason, .seed = world.window()};
  request.limits.moves_ratio_max = decision.moves_ratio_max;
  std::vector<HomeIndex> home_of(clients_count);
  if (unit_ == Unit::client) {
    for (std::size_t i = 0; i < clients_count; ++i) {
      home_of[i] = home(i);
      load_[i] = balance::class_of(estimator.load(estimates.count(i)));
      flags_[i] = rests(i) ? balance::immovable_flag : 0;
    }
    request.clients = {home_of, load_, flags_};
    return make_plan(request);
  }
  for (std::size_t slot = 0; slot < slots_count; ++slot) groups_[slot] = {.home = slot_home_[slot], .is_immovable = rests(slot)};
  for (std::size_t i = 0; i < clients_count; ++i) {
    groups_[slot_[i]].load += estimator.load(estimates.count(i));
    ++groups_[slot_[i]].clients;
  }
  request.groups = groups_;
  return make_plan(request);
}

void Planned::move_item(std::uint32_t item, HomeIndex to, std::uint32_t now, bool has_cause) {
  moved_at_[item] = now;
  if (unit_ == Unit::client) return move(item, to, has_cause);
  slot_home_[item] = to;
  for (std::size_t i = 0; i < clients_count; ++i) {
    if (slot_[i] == item) move(i, to, has_cause);
  }
}

Hashed::Hashed() : Policy("rendezvous"), candidates_(first_homes()) {
  for (std::size_t i = 0; i < clients_count; ++i) place(i, best_of(key_of_client(i), candidates_));
}

void Hashed::step(const World&, std::span<const Home> homes, const Estimates&) {
  const auto now = candidates_of(homes);
  if (now == candidates_) return;
  candidates_ = now;
  for (std::size_t i = 0; i < clients_count; ++i) {
    const HomeIndex to = best_of(key_of_client(i), now);
    if (to != home(i)) move(i, to, !now[home(i)]);
  }
}

Bounded::Bounded() : Policy("bounded"), first_(clients_count), candidates_(first_homes()) {
  for (std::size_t i = 0; i < clients_count; ++i) place(i, first_[i] = best_of(key_of_client(i), candidates_));
}

void Bounded::step(const World&, std::span<const Home> homes, const Estimates& estimates) {
  const balance::Estimator estimator = estimates.estimator();
  const auto now = candidates_of(homes);
  if (now != candidates_) {
    candidates_ = now;
    for (std::size_t i = 0; i < clients_count; ++i) first_[i] = best_of(key_of_client(i), now);
  }
  std::vector<double> bears(homes_count);
  double all = 0;
  for (std::size_t i = 0; i < clients_count; ++i) {
    bears[home(i)] += estimator.load(estimates.count(i));
    all += estimator.load(estimates.count(i));
  }
  const double most = cap * all / static_cast<double>(std::ranges::count(now, true));
  for (std::size_t i = 0; i < clients_count; ++i) {
    const HomeIndex from = home(i);
    const double load = estimator.load(estimates.count(i));
    const bool must_go = !now[from] || bears[from] > most;
    if (!must_go && from == first_[i]) continue;
    bears[from] -= load;
    HomeIndex to = first_[i];
    while (to != homes_count && bears[to] + load > most) to = best_of(key_of_client(i), now, World::affinity(key_of_client(i), to));
    if (to == homes_count) to = from;
    bears[to] += load;
    if (to != from) move(i, to, !now[from]);
  }
}

}  // namespace viaduct::bench
