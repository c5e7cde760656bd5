// SPDX-License-Identifier: Apache-2.0
// From counters at two moments to what each home bore between them.
#include "viaduct/control/load.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace viaduct::control {
namespace {

// Windows before this one that a trend is told against: enough that one odd window is no trend.
constexpr std::size_t windows_kept = 3;
constexpr std::array quantiles = {0.5, 0.95, 0.99};

site::HomeSums sums_of(const LoadReading& reading, std::size_t home) { return home < reading.sums.size() ? reading.sums[home] : site::HomeSums{}; }

HomeLoad home_between(const site::HomeSums& before, const site::HomeSums& after, double seconds) {
  const auto rate = [seconds](std::uint64_t from, std::uint64_t to) { return static_cast<double>(to - from) / seconds; };
  HomeLoad out;
  double variance = 0;   // of the load of all seconds together: counts of requests that come one by one are Poisson's
  for (std::size_t kind = 0; kind < site::kinds_count; ++kind) {
    const double requests = rate(before.requests[kind], after.requests[kind]), weight = site::kind_weights[kind];
    out.messages_per_s += requests;
    out.load_per_s += requests * weight;
    variance += requests * seconds * weight * weight;
  }
  out.load_error_per_s = std::sqrt(variance) / seconds;
  out.shed_per_s = rate(before.shed, after.shed);
  out.shed_asked_per_s = rate(before.shed_asked, after.shed_asked);
  std::array<std::uint64_t, site::answer_times_count> times;
  for (std::size_t i = 0; i < times.size(); ++i) times[i] = after.answer_times[i] - before.answer_times[i];
  out.timed = std::accumulate(times.begin(), times.end(), std::uint64_t{0});
  for (std::size_t i = 0; i < quantiles.size(); ++i) out.answer_ms[i] = answer_time_ms(times, quantiles[i]);
  const auto registers = std::to_underlying(site::Kind::register_);
  out.registers_per_s = rate(before.requests[registers], after.requests[registers]);
  for (std::size_t i = 0; i < out.responses_per_s.size(); ++i) out.responses_per_s[i] = rate(before.responses[i], after.responses[i]);
  return out;
}

/// What depends on the others. Returns the highest `relative` of a home that is up; 1 without load.
double compare(std::vector<HomeLoad>& homes) {
  double load = 0, load_up = 0, weight_up = 0;
  for (const HomeLoad& h : homes) {
    load += h.load_per_s;
    if (!assign::is_up(h.state)) continue;
    load_up += h.load_per_s;
    weight_up += h.weight;
  }
  double highest = 0;
  for (HomeLoad& h : homes) {
    if (load > 0) h.share = h.load_per_s / load;
    if (load_up > 0 && h.weight > 0) h.relative = h.load_per_s / h.weight * weight_up / load_up;
    if (assign::is_up(h.state)) highest = std::max(highest, h.relative);
  }
  return load_up > 0 ? highest : 1;
}

}  // namespace

double answer_time_ms(std::span<const std::uint64_t> counts, double part) {
  constexpr double us_per_ms = 1000;
  const double all = static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}));
  double left = all * part;
  for (std::size_t c = 0; c < counts.size() && all > 0; ++c) {
    const auto here = static_cast<double>(counts[c]), from = static_cast<double>(site::answer_time_us(c)),
               to = static_cast<double>(site::answer_time_us(c + 1));
    if (left <= here) return (from + (to - from) * left / here) / us_per_ms;
    left -= here;
  }
  return 0;
}

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
  for (const HomeLoad& h : out.homes) out.load_per_s += h.load_per_s;
  out.max_over_mean = compare(out.homes);
  return out;
}

void add(const SeenElsewhere& elsewhere, std::vector<HomeLoad>& homes) {
  for (std::size_t i = 0; i < std::min(homes.size(), elsewhere.homes.size()); ++i) {
    HomeLoad& here = homes[i];
    const HomeLoad& there = elsewhere.homes[i];
    here.load_per_s += there.load_per_s;
    here.load_error_per_s = std::hypot(here.load_error_per_s, there.load_error_per_s);
    here.messages_per_s += there.messages_per_s;
    here.registers_per_s += there.registers_per_s;
    here.shed_per_s += there.shed_per_s;
    here.shed_asked_per_s += there.shed_asked_per_s;
    for (std::size_t c = 0; c < here.responses_per_s.size(); ++c) here.responses_per_s[c] += there.responses_per_s[c];
  }
  compare(homes);
}

std::uint32_t one_in(double requests_per_s) { return static_cast<std::uint32_t>(std::clamp(std::ceil(requests_per_s / base::samples_per_s_max), 1.0, 1e6)); }

}  // namespace viaduct::control
