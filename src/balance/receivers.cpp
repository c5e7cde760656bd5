// SPDX-License-Identifier: Apache-2.0
// Water level by heaps: one of all homes, and one a zone where there are several.
#include "receivers.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace viaduct::balance {
namespace {

constexpr double none_refused = std::numeric_limits<double>::infinity();
/// The part of its share that a home gets at once: small beside the distance between share and cap, so that levels rise together.
constexpr double portion_ratio = 1.0 / 64;

/// The lowest level on top; among equals the first home, so that the same input gives the same plan.
constexpr auto higher = [](const auto& a, const auto& b) { return a.level != b.level ? a.level > b.level : a.home > b.home; };

}  // namespace

Receivers::Receivers(std::span<const Home> homes, std::span<const Holding> holdings, std::span<const Bounds> bounds, std::vector<Room> rooms)
    : homes_(homes), holdings_(holdings), bounds_(bounds), rooms_(std::move(rooms)), all_{.refused = none_refused} {
  for (const Home& h : homes_) zones_.push_back(h.zone);
  std::ranges::sort(zones_);
  zones_.erase(std::ranges::unique(zones_).begin(), zones_.end());
  pools_.assign(zones_.size(), Pool{.refused = none_refused});
  for (std::size_t s = 0; s < homes_.size(); ++s) {
    if (bounds_[s].share <= 0 || holdings_[s].load >= rooms_[s].until) continue;
    const auto home = static_cast<HomeIndex>(s);
    all_.members.push_back(home);
    zone(homes_[s].zone).members.push_back(home);
    note(home);
  }
}

std::optional<HomeIndex> Receivers::choose(double load, std::uint16_t from) {
  if (zones_.size() > 1) {
    if (const auto home = choose_from(zone(from), load)) return home;
  }
  return choose_from(all_, load);
}

std::uint32_t Receivers::portion(HomeIndex home, double load) const {
  const double bears = holdings_[home].load;
  const double wanted = std::min(std::ceil((rooms_[home].until - bears) / load), bounds_[home].share * portion_ratio / load);
  const double fitting = std::min(wanted, std::floor((rooms_[home].most - bears) / load));
  return static_cast<std::uint32_t>(std::clamp(fitting, 1.0, 1e9));
}

void Receivers::note(HomeIndex home) {
  if (holdings_[home].load >= rooms_[home].until) return;
  const Entry entry{level(home), home};
  push(all_, entry);
  if (zones_.size() > 1) push(zone(homes_[home].zone), entry);
}

bool Receivers::fits(HomeIndex home, double load) const {
  return holdings_[home].load < rooms_[home].until && holdings_[home].load + load <= rooms_[home].most;
}

std::optional<HomeIndex> Receivers::choose_from(Pool& pool, double load) const {
  drop_stale(pool);
  if (pool.heap.empty()) {
    pool.refused = 0;
    return {};
  }
  if (fits(pool.heap.front().home, load)) return pool.heap.front().home;
  if (load >= pool.refused) return {};
  const auto room = [this](HomeIndex h) { return holdings_[h].load < rooms_[h].until ? rooms_[h].most - holdings_[h].load : 0; };
  const HomeIndex roomiest = *std::ranges::max_element(pool.members, {}, room);
  if (fits(roomiest, load)) return roomiest;
  pool.refused = load;
  return {};
}

void Receivers::drop_stale(Pool& pool) const {
  while (!pool.heap.empty()) {
    const Entry& top = pool.heap.front();
    if (top.level == level(top.home) && holdings_[top.home].load < rooms_[top.home].until) return;
    std::ranges::pop_heap(pool.heap, higher);
    pool.heap.pop_back();
  }
}

Receivers::Pool& Receivers::zone(std::uint16_t zone) { return pools_[static_cast<std::size_t>(std::ranges::lower_bound(zones_, zone) - zones_.begin())]; }

void Receivers::push(Pool& pool, Entry entry) {
  pool.heap.push_back(entry);
  std::ranges::push_heap(pool.heap, higher);
}

}  // namespace viaduct::balance
