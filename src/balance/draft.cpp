// SPDX-License-Identifier: Apache-2.0
// Leaving, relief, filling: three passes over blocks, each ending in place().
#include "draft.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace viaduct::balance {
namespace {

/// What is left above a cap and below a floor by rounding, as a part of it.
constexpr double rounding = 1e-9;
/// Rounds of relief: each leaves out what the one before found too large for anybody's room.
constexpr int rounds_max = 4;

std::vector<Room> rooms(std::span<const Bounds> bounds, Room (*room)(const Bounds&)) {
  std::vector<Room> out;
  for (const Bounds& b : bounds) out.push_back(room(b));
  return out;
}

Room up_to_cap(const Bounds& b) { return {b.filled, b.filled}; }
Room up_to_limit(const Bounds& b) { return {b.limit, b.limit}; }
Room up_to_limit_if_any(const Bounds& b) { return b.filled > 0 ? up_to_limit(b) : Room{}; }
Room up_to_floor(const Bounds& b) { return {b.floor * (1 - rounding), b.filled}; }

/// So many items of a load that their sum is at least `wanted`, or at most `allowed`.
std::uint32_t at_least(double wanted, double load, std::uint32_t most) {
  return static_cast<std::uint32_t>(std::clamp(std::ceil(wanted / load), 0.0, 1.0 * most));
}
std::uint32_t at_most(double allowed, double load, std::uint32_t most) {
  return static_cast<std::uint32_t>(std::clamp(std::floor(allowed / load), 0.0, 1.0 * most));
}

}  // namespace

Draft::Draft(const Request& request, Stock& stock, std::span<const Bounds> bounds)
    : request_(request),
      stock_(stock),
      bounds_(bounds),
      budget_(static_cast<std::uint64_t>(request.limits.moves_ratio_max * static_cast<double>(stock.clients))) {}

void Draft::empty_leaving() {
  Takes takes;
  for (std::size_t s = 0; s < request_.homes.size(); ++s) {
    if (!is_leaving(request_.homes[s])) continue;
    for (const Block& block : stock_.of(static_cast<HomeIndex>(s))) takes.push_back({index_of(block), block.count});
  }
  if (takes.empty()) return;
  order(takes);
  Receivers receivers(request_.homes, stock_.homes, bounds_, rooms(bounds_, up_to_cap));
  place_all(takes, receivers, false);
  for (Take& take : takes) take.count = stock_.blocks[take.block].left;
  // Homes that have too much take them only where there are no others.
  const bool have_all_too_much = std::ranges::none_of(bounds_, [](const Bounds& b) { return b.filled > 0; });
  Receivers beyond(request_.homes, stock_.homes, bounds_, rooms(bounds_, have_all_too_much ? up_to_limit : up_to_limit_if_any));
  place_all(takes, beyond, false);
}

void Draft::relieve() {
  Receivers receivers(request_.homes, stock_.homes, bounds_, rooms(bounds_, up_to_cap));
  for (int round = 0; round < rounds_max; ++round) {
    Takes takes;
    for (std::size_t s = 0; s < request_.homes.size(); ++s) add_takes(static_cast<HomeIndex>(s), receivers.refused(), takes);
    order(takes);
    if (place_all(takes, receivers) == 0) return;
  }
}

void Draft::add_takes(HomeIndex home, double refused, Takes& takes) {
  if (request_.homes[home].state == HomeState::down || is_leaving(request_.homes[home])) return;
  const double bears = stock_.homes[home].load;
  double excess = bears - bounds_[home].cap;
  double spare = bears - bounds_[home].floor;
  const auto blocks = stock_.of(home);
  for (std::size_t b = 0; b < blocks.size() && excess > bears * rounding; ++b) {
    const Block& block = blocks[b];
    if (block.left == 0 || block.load >= refused) continue;
    const std::uint32_t count = std::min(at_most(excess, block.load, block.left), at_most(spare, block.load, block.left));
    if (count > 0) takes.push_back({index_of(block), count});
    excess -= count * block.load;
    spare -= count * block.load;
    if (count == block.left || excess <= bears * rounding || block.load > spare) continue;
    return add_last_take(blocks.subspan(b), excess, spare, takes);
  }
}

/// One item ends it. Any that is large enough and costs no more than the first of the rest will do: the lightest finds room most easily, and leaves the home
/// furthest from its floor.
void Draft::add_last_take(std::span<const Block> rest, double excess, double spare, Takes& takes) {
  const Block* last = &rest.front();
  for (const Block& block : rest) {
    if (block.left > 0 && block.load >= excess && block.load <= spare && block.cost <= rest.front().cost && block.load < last->load) last = &block;
  }
  if (!takes.empty() && takes.back().block == index_of(*last)) {
    ++takes.back().count;
  } else {
    takes.push_back({index_of(*last), 1});
  }
}

void Draft::fill() {
  std::vector<bool> is_filled(request_.homes.size());
  double wanted = 0;
  for (std::size_t s = 0; s < is_filled.size(); ++s) {
    const double lacks = bounds_[s].floor - stock_.homes[s].load;
    if (lacks <= bounds_[s].floor * rounding) continue;
    is_filled[s] = true;
    wanted += lacks;
  }
  if (wanted <= 0) return;
  Receivers receivers(request_.homes, stock_.homes, bounds_, rooms(bounds_, up_to_floor));
  for (const std::uint32_t b : blocks_by_worth(is_filled)) {
    const Block& block = stock_.blocks[b];
    const double spare = stock_.homes[block.home].load - bounds_[block.home].floor;
    const std::uint32_t count = std::min(at_most(spare, block.load, block.left), at_least(wanted, block.load, block.left));
    if (count == 0 || block.load >= receivers.refused()) continue;
    wanted -= place({b, count}, receivers) * block.load;
    if (wanted <= 0 || is_cut_short_) return;
  }
}

std::vector<std::uint32_t> Draft::blocks_by_worth(const std::vector<bool>& is_filled) const {
  std::vector<std::uint32_t> out;
  for (std::uint32_t b = 0; b < stock_.blocks.size(); ++b) {
    const HomeIndex home = stock_.blocks[b].home;
    if (stock_.blocks[b].left == 0 || is_filled[home] || bounds_[home].share <= 0) continue;
    out.push_back(b);
  }
  std::ranges::stable_sort(out, [this](std::uint32_t a, std::uint32_t b) { return worth_more(stock_.blocks[a], stock_.blocks[b]); });
  return out;
}

/// Heavy items first, as long as there is room for them; but what is worth most first when not all may move.
void Draft::order(Takes& takes) const {
  std::uint64_t clients = 0;
  for (const Take& take : takes) clients += std::uint64_t{take.count} * stock_.blocks[take.block].clients;
  const bool is_short = clients > budget_;
  std::ranges::stable_sort(takes, [&](const Take& x, const Take& y) {
    const Block &a = stock_.blocks[x.block], &b = stock_.blocks[y.block];
    return is_short ? worth_more(a, b) : a.load > b.load;
  });
}

std::uint32_t Draft::place_all(const Takes& takes, Receivers& receivers, bool is_budgeted) {
  std::uint32_t placed = 0;
  for (const Take& take : takes) placed += place(take, receivers, is_budgeted);
  return placed;
}

std::uint32_t Draft::place(Take take, Receivers& receivers, bool is_budgeted) {
  const Block& block = stock_.blocks[take.block];
  std::uint32_t placed = 0;
  while (placed < take.count) {
    const auto to = receivers.choose(block.load, request_.homes[block.home].zone);
    if (!to) break;
    std::uint32_t count = std::min(take.count - placed, receivers.portion(*to, block.load));
    if (is_budgeted) count = within_budget(block, count);
    if (count == 0) break;
    give(take.block, count, *to);
    receivers.note(*to);
    placed += count;
  }
  return placed;
}

std::uint32_t Draft::within_budget(const Block& block, std::uint32_t count) {
  const std::uint64_t each = std::max(1u, block.clients);
  const auto allowed = static_cast<std::uint32_t>(std::min<std::uint64_t>(count, budget_ / each));
  budget_ -= allowed * each;
  is_cut_short_ = is_cut_short_ || allowed < count;
  return allowed;
}

void Draft::give(std::uint32_t b, std::uint32_t count, HomeIndex to) {
  Block& block = stock_.blocks[b];
  const std::uint64_t clients = std::uint64_t{count} * block.clients;
  block.left -= count;
  stock_.homes[block.home].load -= count * block.load;
  stock_.homes[to].load += count * block.load;
  stock_.homes[block.home].clients -= clients;
  stock_.homes[to].clients += clients;
  if (!parcels_.empty() && parcels_.back().block == b && parcels_.back().to == to) {
    parcels_.back().count += count;
  } else {
    parcels_.push_back({b, count, to});
  }
}

}  // namespace viaduct::balance
