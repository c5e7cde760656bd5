// SPDX-License-Identifier: Apache-2.0
// From counters at two moments to what each home bore between them.
#include "viaduct/control/load.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace viaduct::control {
namespace {

// Windows before this one that a trend is told against: enough that one odd window is no trend.
constexpr std::size_t windows_kept = 3;

site::HomeSums sums_of(const LoadReading& reading, std::size_t home) { return home < reading.sums.size() ? reading.sums[home] : site::HomeSums{}; }

HomeLoad home_between(const site::HomeSums& before, const site::HomeSums& after, double seconds) {
  const auto rate = [seconds](std::uint64_t from, std::uint64_t to) { return static_cast<double>(to - from) / seconds; };
  HomeLoad out;
  for (std::size_t kind = 0; kind < site::kinds_count; ++kind) {
    const double requests = rate(before.requests[kind], after.requests[kind]);
    out.messages_per_s += requests;
    out.load_per_s += requests * site::kind_weights[kind];
  }
  const auto registers = std::to_underlying(site::Kind::register_);
  out.registers_per_s = rate(before.requests[registers], after.requests[registers]);
  for (std::size_t i = 0; i < out.responses_per_s.size(); ++i) out.responses_per_s[i] = rate(before.responses[i], after.responses[i]);
  return out;
}

/// What depends on the others.
void compare(LoadWindow& window) {
  double load_up = 0, weight_up = 0;
  for (const HomeLoad& h : window.homes) {
    window.load_per_s += h.load_per_s;
    if (!assign::is_up(h.state)) continue;
    load_up += h.load_per_s;
    weight_up += h.weight;
  }
  double highest = 0;
  for (HomeLoad& h : window.homes) {
    if (window.load_per_s > 0) h.share = h.load_per_s / window.load_per_s;
    if (load_up > 0 && h.weight > 0) h.relative = h.load_per_s / h.weight * weight_up / load_up;
    if (assign::is_up(h.state)) highest = std::max(highest, h.relative);
  }
  if (load_up > 0) window.max_over_mean = highest;
}

}  // namespace

LoadReading read_load(const site::Load& load, std::size_t homes, double at_s) {
  LoadReading out{.sums = std::vector<site::HomeSums>(homes), .at_s = at_s};
  for (std::size_t i = 0; i < homes; ++i) out.sums[i] = load.sums(static_cast<assign::HomeIndex>(i));
  return out;
}

void LoadHistory::add(const LoadWindow& window) {
  if (loads_.size() == windows_kept) loads_.pop_front();
  auto& loads = loads_.emplace_back();
  for (const HomeLoad& h : window.homes) loads.push_back(h.load_per_s);
}

double LoadHistory::mean(std::size_t home) const {
  if (loads_.empty()) return 0;
  const auto load = [home](double sum, const std::vector<double>& window) { return sum + (home < window.size() ? window[home] : 0); };
  return std::accumulate(loads_.begin(), loads_.end(), 0.0, load) / static_cast<double>(loads_.size());
}

LoadWindow window_between(const LoadReading& before, const LoadReading& after, const std::vector<assign::Home>& homes,
                          const std::vector<std::uint64_t>& clients, const LoadHistory& history) {
  constexpr double shortest_s = 0.001;
  LoadWindow out{.seconds = std::max(after.at_s - before.at_s, shortest_s)};
  for (std::size_t i = 0; i < homes.size(); ++i) {
    HomeLoad h = home_between(sums_of(before, i), sums_of(after, i), out.seconds);
    h.name = homes[i].name;
    h.state = homes[i].state;
    h.weight = homes[i].weight;
    h.capacity = homes[i].capacity;
    h.clients = i < clients.size() ? clients[i] : 0;
    if (h.capacity != 0) h.utilisation = h.messages_per_s / h.capacity;
    if (const double usual = history.mean(i); usual > 0) h.trend = h.load_per_s / usual - 1;
    out.homes.push_back(std::move(h));
  }
  compare(out);
  return out;
}

std::uint32_t one_in(double requests_per_s) { return static_cast<std::uint32_t>(std::clamp(std::ceil(requests_per_s / base::samples_per_s_max), 1.0, 1e6)); }

}  // namespace viaduct::control
