// SPDX-License-Identifier: Apache-2.0
// A plan from stock-taking to verdict.
#include "viaduct/balance/plan.h"

#include <algorithm>
#include <limits>

#include "draft.h"
#include "lower_bound.h"
#include "select.h"
#include "stock.h"
#include "viaduct/base/check.h"
#include "viaduct/base/limits.h"

namespace viaduct::balance {
namespace {

/// What the homes' states and bounds ask for, before anything has moved.
Relief asked(const Request& request, const Stock& stock, std::span<const Bounds> bounds) {
  Relief out{.sent = std::vector<double>(bounds.size()), .is_filled = std::vector<bool>(bounds.size())};
  for (std::size_t s = 0; s < bounds.size(); ++s) {
    const Holding& h = stock.homes[s];
    out.is_filled[s] = h.load < bounds[s].floor;
    if (is_leaving(request.homes[s])) {
      out.sent[s] = h.load;
    } else if (request.homes[s].state != HomeState::down) {
      out.sent[s] = std::max(0.0, h.load - bounds[s].cap);
    }
  }
  return out;
}

/// Of what was asked, what the draft has reached.
Relief reached(Relief relief, std::span<const Holding> before, std::span<const Holding> after, std::span<const Bounds> bounds) {
  for (std::size_t s = 0; s < bounds.size(); ++s) {
    relief.sent[s] = std::clamp(before[s].load - after[s].load, 0.0, relief.sent[s]);
    if (relief.is_filled[s]) relief.filled += std::max(0.0, std::min(after[s].load, bounds[s].floor) - before[s].load);
  }
  return relief;
}

double highest(std::span<const Forecast> homes, double Forecast::* load) {
  double out = 0;
  for (const Forecast& f : homes) {
    if (f.bounds.share > 0) out = std::max(out, f.*load / f.bounds.share);
  }
  return out > 0 ? out : 1;
}

void forecast(const Request& request, const Stock& before, const Stock& after, std::span<const Bounds> bounds, Plan& plan) {
  for (std::size_t s = 0; s < bounds.size(); ++s) {
    const bool is_counted = request.homes[s].load > 0;  // guests included, also where the plan brings them home
    plan.homes.push_back({.load_before = is_counted ? request.homes[s].load : before.homes[s].load,
                          .load_after = after.homes[s].load,
                          .bounds = bounds[s],
                          .clients_before = before.homes[s].clients,
                          .clients_after = after.homes[s].clients});
  }
  plan.max_over_mean_before = highest(plan.homes, &Forecast::load_before);
  plan.max_over_mean_after = highest(plan.homes, &Forecast::load_after);
}

void add_flows(const Request& request, const Stock& stock, std::span<const Parcel> parcels, Plan& plan) {
  for (const Parcel& parcel : parcels) {
    const Block& block = stock.blocks[parcel.block];
    const std::uint64_t clients = std::uint64_t{parcel.count} * block.clients;
    plan.flows.push_back({block.home, parcel.to, clients, parcel.count * block.load});
    plan.clients_moved += clients;
    if (is_leaving(request.homes[block.home])) plan.clients_leaving += clients;
    plan.load_moved += parcel.count * block.load;
    plan.cost += parcel.count * block.cost;
  }
  std::ranges::stable_sort(plan.flows, {}, [](const Flow& f) { return std::pair(f.from, f.to); });
  std::size_t kept = 0;
  for (const Flow& flow : plan.flows) {
    if (kept > 0 && plan.flows[kept - 1].from == flow.from && plan.flows[kept - 1].to == flow.to) {
      plan.flows[kept - 1].clients += flow.clients;
      plan.flows[kept - 1].load += flow.load;
    } else {
      plan.flows[kept++] = flow;
    }
  }
  plan.flows.resize(kept);
}

/// Load on the wrong side of a share, before and after: how far the fleet is from even, in units a second that would have to be shifted.
double distance(std::span<const Forecast> homes, double Forecast::* load) {
  double out = 0;
  for (const Forecast& f : homes) out += std::max(0.0, f.*load - f.bounds.share);
  return out;
}

bool is_by_state(const Request& request, const Plan& plan) {
  return std::ranges::any_of(request.homes, [](const Home& h) { return h.state == HomeState::joining; }) ||
         std::ranges::any_of(plan.flows, [&](const Flow& f) { return is_leaving(request.homes[f.from]); });
}

/// What homes that come and go ask for is not weighed.
Verdict judge(const Request& request, const Plan& plan) {
  const Limits& limits = request.limits;
  if (plan.flows.empty()) return Verdict::nothing_to_move;
  if (is_by_state(request, plan)) return Verdict::accepted;
  if (plan.max_over_mean_before - plan.max_over_mean_after < limits.gain_min) return Verdict::gain_too_small;
  const double shifted = distance(plan.homes, &Forecast::load_before) - distance(plan.homes, &Forecast::load_after);
  return shifted * limits.gain_horizon_s < limits.move_messages * plan.cost ? Verdict::not_worth_it : Verdict::accepted;
}

void check_shape(const Request& request) {
  const Clients& c = request.clients;
  base::check(request.homes.size() <= base::homes_max, "more homes than homes_max");
  base::check(c.home.size() == c.load.size() && c.home.size() == c.flags.size(), "arrays of clients of different lengths");
  base::check(c.home.size() < std::numeric_limits<std::uint32_t>::max(), "more clients than 32 bits number");
}

}  // namespace

std::string_view name(Reason r) {
  switch (r) {
    case Reason::asked:
      return "asked";
    case Reason::uneven:
      return "uneven";
    case Reason::hot:
      return "hot";
    case Reason::over_capacity:
      return "over_capacity";
    case Reason::join:
      return "join";
    case Reason::drain:
      return "drain";
  }
  base::fail("a reason without a name");
}

std::string_view name(Verdict v) {
  switch (v) {
    case Verdict::accepted:
      return "accepted";
    case Verdict::nothing_to_move:
      return "nothing_to_move";
    case Verdict::gain_too_small:
      return "gain_too_small";
    case Verdict::not_worth_it:
      return "not_worth_it";
  }
  base::fail("a verdict without a name");
}

Plan make_plan(const Request& request) {
  check_shape(request);
  Stock stock = take_stock(request);
  const Stock before = stock;
  const auto bounds = bounds_of(request.homes, load_to_share(stock, request), request.limits);

  Draft draft(request, stock, bounds);
  draft.empty_leaving();
  draft.relieve();
  draft.fill();

  Plan plan{.reason = request.reason, .is_cut_short = draft.is_cut_short()};
  forecast(request, before, stock, bounds, plan);
  add_flows(request, stock, draft.parcels(), plan);
  plan.lower_bound = lower_bound(stock, reached(asked(request, before, bounds), before.homes, stock.homes, bounds));
  if (plan.lower_bound.both > 0) plan.score = plan.cost / plan.lower_bound.both;
  plan.verdict = judge(request, plan);
  select(request, stock, draft.parcels(), plan);
  return plan;
}

}  // namespace viaduct::balance
