// SPDX-License-Identifier: Apache-2.0
// Shares by weight under declared capacities, and what follows from them.
#include "viaduct/balance/fleet.h"

#include <algorithm>
#include <limits>

#include "viaduct/base/check.h"

namespace viaduct::balance {
namespace {

constexpr double unlimited = std::numeric_limits<double>::infinity();

bool is_receiving(const Home& h) { return h.state == HomeState::up || h.state == HomeState::joining; }

double weight_of(const Home& h) { return is_receiving(h) ? h.weight : 0; }

double limit_of(const Home& h, const Limits& limits) { return h.capacity > 0 ? h.capacity * limits.capacity_ratio_max : unlimited; }

/// What its share may come to: where nobody may come, what it bears already.
double share_max_of(const Home& h, const Limits& limits) {
  const double limit = limit_of(h, limits);
  return h.slow_start == 0 && h.load > 0 ? std::min(limit, h.load) : limit;
}

/// Units a second for each unit of weight, so that with homes held to what they can bear all load is shared out; infinite when it exceeds that.
double level_of(std::span<const Home> homes, double load, const Limits& limits) {
  std::vector<std::pair<double, const Home*>> by_level;  // at which it can bear no more
  double weights = 0;
  for (const Home& h : homes) {
    if (weight_of(h) == 0) continue;
    by_level.emplace_back(share_max_of(h, limits) / h.weight, &h);
    weights += h.weight;
  }
  std::ranges::sort(by_level, {}, &std::pair<double, const Home*>::first);
  double rest = load;
  for (const auto& [level, home] : by_level) {
    if (rest <= level * weights) return rest / weights;
    rest -= level * home->weight;
    weights -= home->weight;
  }
  return unlimited;
}

Bounds bounds_of(const Home& h, double share, double limit, const Limits& limits) {
  Bounds out{.share = share, .limit = limit};
  out.cap = share * (1 + limits.target);
  if (share <= limit) out.cap = std::min(out.cap, limit);
  out.filled = std::min(out.cap, limit) * h.slow_start;
  out.floor = std::min(share * h.slow_start * (1 - (h.state == HomeState::joining ? limits.join_floor : 2 * limits.target)), out.filled);
  return out;
}

}  // namespace

std::string_view name(HomeState s) {
  switch (s) {
    case HomeState::up:
      return "up";
    case HomeState::joining:
      return "joining";
    case HomeState::draining:
      return "draining";
    case HomeState::down:
      return "down";
  }
  base::fail("a home state without a name");
}

std::vector<Bounds> bounds_of(std::span<const Home> homes, double load, const Limits& limits) {
  const double level = level_of(homes, load, limits);
  double room = 0;  // of all homes, where no level serves
  for (const Home& h : homes) room += weight_of(h) == 0 ? 0 : share_max_of(h, limits);
  std::vector<Bounds> out;
  for (const Home& h : homes) {
    const double most = share_max_of(h, limits);
    if (weight_of(h) == 0) {
      out.emplace_back();
    } else {
      out.push_back(bounds_of(h, level == unlimited ? load * most / room : std::min(h.weight * level, most), limit_of(h, limits), limits));
    }
  }
  return out;
}

double max_over_mean(std::span<const Home> homes, const Limits& limits) {
  double load = 0, highest = 0;
  for (const Home& h : homes) load += h.load;
  const auto bounds = bounds_of(homes, load, limits);
  for (std::size_t i = 0; i < homes.size(); ++i) {
    if (bounds[i].share > 0) highest = std::max(highest, homes[i].load / bounds[i].share);
  }
  return highest > 0 ? highest : 1;
}

}  // namespace viaduct::balance
