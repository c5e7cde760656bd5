// SPDX-License-Identifier: Apache-2.0
#include "viaduct/balance/trigger.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "viaduct/base/check.h"

namespace viaduct::balance {
namespace {

constexpr double hour_s = 3600;

bool has(std::span<const Home> homes, HomeState state) {
  return std::ranges::any_of(homes, [=](const Home& h) { return h.state == state && (state != HomeState::draining || h.load > 0); });
}

bool is_over_capacity(const Home& h, const Limits& limits) {
  return h.state != HomeState::down && h.capacity > 0 && h.load > h.capacity * limits.capacity_ratio_max;
}

bool are_missing(std::span<const Home> homes, double ratio_max) {
  const auto down = std::ranges::count(homes, HomeState::down, &Home::state);
  return static_cast<double>(down) > ratio_max * static_cast<double>(homes.size());
}

bool is_below_floor(std::span<const Home> homes, const Limits& limits) {
  double load = 0;
  for (const Home& h : homes) load += h.load;
  const auto bounds = bounds_of(homes, load, limits);
  for (std::size_t s = 0; s < homes.size(); ++s) {
    if (homes[s].state == HomeState::joining && homes[s].load < bounds[s].floor) return true;
  }
  return false;
}

}  // namespace

std::string_view name(Hold h) {
  switch (h) {
    case Hold::none:
      return "none";
    case Hold::even:
      return "even";
    case Hold::moving:
      return "moving";
    case Hold::homes_missing:
      return "homes_missing";
    case Hold::too_few_events:
      return "too_few_events";
    case Hold::budget_spent:
      return "budget_spent";
  }
  base::fail("a hold without a name");
}

Decision Trigger::decide(const Window& window) {
  refill(window);
  const auto held = [](Hold hold) { return Decision{.hold = hold}; };
  if (window.is_moving) {
    uneven_windows_ = 0;
    return held(Hold::moving);
  }
  const auto why = reason(window);
  if (window.is_doubtful) uneven_windows_ = 0;
  const bool is_drain = has(window.homes, HomeState::draining);
  if (!why && !is_drain) return held(Hold::even);
  if (are_missing(window.homes, thresholds_.down_ratio_max)) return held(Hold::homes_missing);
  const Hold others = hold_by_load(window);
  if (is_drain && (!why || others != Hold::none)) return {.reason = Reason::drain};
  if (others != Hold::none) return held(others);
  uneven_windows_ = 0;
  const double left = window.clients > 0 ? moves_left_ / static_cast<double>(window.clients) : 0;
  return {.reason = is_drain ? Reason::drain : *why, .moves_ratio_max = std::min(limits_.moves_ratio_max, left)};
}

/// Why nobody is to be moved for his load. Who leaves is not chosen by load, and not bound by the budget.
Hold Trigger::hold_by_load(const Window& window) const {
  if (window.is_doubtful) return Hold::homes_missing;
  if (window.events_per_client < thresholds_.events_per_client_min) return Hold::too_few_events;
  return moves_left_ < 1 ? Hold::budget_spent : Hold::none;
}

/// But for homes that drain.
std::optional<Reason> Trigger::reason(const Window& window) {
  note_uneven(window, max_over_mean(window.homes, limits_));
  if (is_below_floor(window.homes, limits_)) return Reason::join;
  if (std::ranges::any_of(window.homes, [this](const Home& h) { return is_over_capacity(h, limits_); })) return Reason::over_capacity;
  if (is_above(window.homes, thresholds_.hot)) return Reason::hot;
  if (uneven_windows_ >= thresholds_.uneven_windows && is_above(uneven_, 1)) return Reason::uneven;
  return {};
}

/// Windows in a row, of the same homes.
void Trigger::note_uneven(const Window& window, double ratio) {
  const bool is_uneven = ratio > thresholds_.uneven;
  if (!is_uneven || uneven_windows_ == 0 || uneven_.size() != window.homes.size()) {
    uneven_windows_ = 0;
    uneven_.assign(window.homes.size(), {});
  }
  if (!is_uneven) return;
  ++uneven_windows_;
  for (std::size_t s = 0; s < window.homes.size(); ++s) {
    const Home before = std::exchange(uneven_[s], window.homes[s]);
    uneven_[s].load += before.load;
    uneven_[s].capacity += before.capacity;
    uneven_[s].load_error = std::hypot(uneven_[s].load_error, before.load_error);
  }
}

/// Whether a home bears more than so many times its share, and more than its share for certain.
bool Trigger::is_above(std::span<const Home> homes, double ratio) const {
  double load = 0;
  for (const Home& h : homes) load += h.load;
  const auto bounds = bounds_of(homes, load, limits_);
  const double errors = std::sqrt(2 * std::log(std::max(1.0, static_cast<double>(homes.size()) / thresholds_.chance_max)));
  for (std::size_t s = 0; s < homes.size(); ++s) {
    const double share = bounds[s].share;
    if (share > 0 && homes[s].load > share * ratio && homes[s].load - share > errors * homes[s].load_error) return true;
  }
  return false;
}

void Trigger::set(const Thresholds& thresholds, const Limits& limits) {
  thresholds_ = thresholds;
  limits_ = limits;
}

void Trigger::spend(const Plan& plan) { moves_left_ = std::max(0.0, moves_left_ - static_cast<double>(plan.clients_moved - plan.clients_leaving)); }

/// A bucket that holds an hour's moves, full at first.
void Trigger::refill(const Window& window) {
  const double most = thresholds_.churn_per_hour * static_cast<double>(window.clients);
  const double passed_s = refilled_s_ ? window.now_s - *refilled_s_ : hour_s;
  refilled_s_ = window.now_s;
  moves_left_ = std::min(most, moves_left_ + most * std::max(0.0, passed_s) / hour_s);
}

}  // namespace viaduct::balance
