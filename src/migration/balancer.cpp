// SPDX-License-Identifier: Apache-2.0
// When a plan is made, and what of the planner's answer goes to the mover. What the planner is given is fleet.cpp's.
#include "fleet.h"
#include "viaduct/base/clocks.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace viaduct::migration {
namespace {

using assign::HomeIndex;
using assign::HomeState;

constexpr auto look_pause = std::chrono::milliseconds(200);   // how soon after a window is closed it is decided on

/// The first key of a slot: what names it among keys.
sip::ClientKey key_of_slot(std::size_t slot) { return {.low = 0, .high = std::uint64_t{slot} << (64 - 17)}; }
static_assert(assign::slot_of(assign::ClientKey{.low = 0, .high = std::uint64_t{77} << (64 - 17)}) == 77);

/// A window, ended now, in which so many homes looked dead that none was taken down, or which began while what they had not answered was still repeated.
bool is_doubtful(std::uint64_t frozen_last_ms, std::uint64_t now_ms, double window_s) {
  constexpr double repeated_s = 32;   // 64 * T1: RFC 3261 17.1.2.2
  return frozen_last_ms != 0 && (static_cast<double>(now_ms) - static_cast<double>(frozen_last_ms)) / 1000 < window_s + repeated_s;
}

}  // namespace

Balancer::Balancer(site::Commons& commons, control::Loop& loop, control::Placements& placements, control::Monitor& monitor, const control::Health& health,
                   Mover& mover)
    : commons_(commons), loop_(loop), placements_(placements), monitor_(monitor), health_(health), mover_(mover) {}

// --- planning

namespace {

std::string because(const balance::Plan& made, const balance::Limits& limits, const std::vector<std::string>& names, const std::vector<balance::Home>& homes) {
  std::string why(balance::name(made.reason));
  for (std::size_t i = 0; i < homes.size(); ++i)
    if (homes[i].state == balance::HomeState::draining || homes[i].state == balance::HomeState::joining)
      why.append(", ").append(names[i]).append(" ").append(balance::name(homes[i].state));
  if (made.is_cut_short && limits.moves_ratio_max > 0) why.append(", cut short by the budget of moves");
  return why;
}

}  // namespace

Expected<Proposal> Balancer::plan(Fleet& fleet, balance::Reason reason, const balance::Limits& limits) {
  const auto has = [&](balance::HomeState state) { return std::ranges::find(fleet.homes, state, &balance::Home::state) != fleet.homes.end(); };
  const bool leaves = has(balance::HomeState::draining);
  const bool with_slots = leaves || has(balance::HomeState::joining);
  take_clients(fleet, with_slots);
  if (leaves)
    if (const auto placed = take_placed(fleet); !placed) return std::unexpected(placed.error());
  if (with_slots) take_slots(fleet);
  Proposal out;
  out.outcome = balance::make_plan({.homes = fleet.homes,
                                    .clients = {.home = fleet.home, .load = fleet.load, .flags = fleet.flags},
                                    .groups = fleet.groups,
                                    .limits = limits,
                                    .reason = reason,
                                    .seed = commons_.assignment.epoch()});
  const balance::Plan& made = out.outcome;
  Plan& plan = out.plan;
  plan.reason = because(made, limits, fleet.names, fleet.homes);
  plan.imbalance_before = made.max_over_mean_before;
  plan.imbalance_after = made.max_over_mean_after;
  plan.load_moved = made.load_moved;
  plan.cost = made.cost;
  plan.lower_bound = made.lower_bound.both;
  plan.clients = made.clients_moved;
  plan.slots = made.groups.size();
  for (std::size_t i = 0; i < fleet.homes.size(); ++i)
    plan.homes.push_back({.home = fleet.names[i], .before = made.homes[i].load_before, .after = made.homes[i].load_after, .capacity = fleet.homes[i].capacity});
  for (const balance::Flow& flow : made.flows) {
    plan.homes[flow.from].clients_out += flow.clients;
    plan.homes[flow.to].clients_in += flow.clients;
  }
  for (const balance::Move& move : made.groups) {
    const balance::Group& group = fleet.groups[move.item];
    out.steps.push_back({.key = key_of_slot(fleet.slots[move.item]),
                         .aor = {},
                         .clients = group.clients,
                         .from = static_cast<HomeIndex>(fleet.index[group.home]),
                         .to = static_cast<HomeIndex>(fleet.index[move.to]),
                         .is_slot = true});
  }
  for (const balance::Move& move : made.clients)
    out.steps.push_back({.key = fleet.keys[move.item],
                         .aor = std::move(fleet.aors[move.item]),
                         .from = static_cast<HomeIndex>(fleet.index[fleet.home[move.item]]),
                         .to = static_cast<HomeIndex>(fleet.index[move.to])});
  return out;
}

Expected<Proposal> Balancer::simulate(const Wish& wish) {
  Fleet fleet = look();
  balance::Limits limits;
  {
    const std::lock_guard lock(mutex_);
    limits = settings_.limits;
  }
  if (wish.target) limits.target = *wish.target;
  if (wish.moves_ratio_max) limits.moves_ratio_max = *wish.moves_ratio_max;
  if (wish.is_forced) limits.gain_min = limits.move_messages = 0;
  if (!wish.without.empty()) {
    const auto at = std::ranges::find(fleet.names, wish.without);
    if (at == fleet.names.end()) return std::unexpected(wish.without + ": no such home");
    fleet.homes[static_cast<std::size_t>(at - fleet.names.begin())].state = balance::HomeState::draining;
  }
  if (const auto supposed = suppose(fleet, wish.loads); !supposed) return std::unexpected(supposed.error());
  if (wish.with) {
    fleet.homes.push_back(*wish.with);
    fleet.supposed.push_back(1);
    fleet.names.emplace_back("new");
    fleet.index.push_back(assign::no_home);   // nobody can be moved there: such a plan is only looked at
  }
  const bool leaves = std::ranges::any_of(fleet.homes, [](const balance::Home& h) { return h.state == balance::HomeState::draining; });
  if (!leaves && !wish.is_forced && fleet.events_per_client < settings_.thresholds.events_per_client_min)
    return std::unexpected("too little is known of the clients' loads yet: less than one request a client; --force plans all the same");
  return plan(fleet, leaves ? balance::Reason::drain : balance::Reason::asked, limits);
}

Expected<std::uint32_t> Balancer::create(const Wish& wish, MoveMode mode, const std::string& author) {
  if (wish.with) return std::unexpected("a home that is not there can only be simulated");
  if (!wish.loads.empty()) return std::unexpected("what follows from supposed loads can only be simulated");
  auto made = simulate(wish);
  if (!made) return std::unexpected(made.error());
  if (made->outcome.verdict != balance::Verdict::accepted) return std::unexpected(std::string("no plan: ") + std::string(balance::name(made->outcome.verdict)));
  made->plan.mode = mode;
  made->plan.author = author;
  return mover_.propose(std::move(made->plan), std::move(made->steps), wish.is_forced || made->outcome.reason == balance::Reason::drain);
}

// --- by itself

void Balancer::start(const BalanceSettings& settings) {
  set(settings);
  joining_ = mover_.joining();
  thread_ = std::thread([this] { run(); });
}

void Balancer::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Balancer::set(const BalanceSettings& settings) {
  const std::lock_guard lock(mutex_);
  settings_ = settings;
  trigger_.set(settings.thresholds, settings.limits);
}

balance::Hold Balancer::hold() const {
  const std::lock_guard lock(mutex_);
  return hold_;
}

void Balancer::run() {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, look_pause, [&] { return stopping_; });
      if (stopping_) return;
      if (settings_.automatic == Auto::off) continue;
    }
    const std::uint64_t number = monitor_.window().number;
    if (number == 0 || std::exchange(window_, number) == number) continue;
    window_closed();
  }
}

/// Homes that came with nothing are joining until they bear their share, or are to be emptied; one that is down for a while joins when it is back.
void Balancer::note_joining(std::span<const control::HomeLoad> homes) {
  std::vector<bool> is_empty(homes.size(), true);
  loop_.call([&] {
    for (const HomeIndex home : commons_.assignment.slots())
      if (home < is_empty.size()) is_empty[home] = false;
  });
  const auto placed = placements_.counts();
  for (std::size_t i = 0; i < std::min(placed.size(), is_empty.size()); ++i)
    if (placed[i].overrides + placed[i].pins != 0) is_empty[i] = false;
  const std::lock_guard lock(mutex_);
  const auto before = joining_;
  for (std::size_t i = 0; i < homes.size(); ++i) {
    const control::HomeLoad& h = homes[i];
    const bool is_up = h.state == HomeState::up;
    if (h.state == HomeState::draining || h.state == HomeState::removed || (is_up && h.relative >= 1 - 2 * settings_.limits.target))
      joining_.erase(h.name);
    else if (is_up && is_empty[i])
      joining_.insert(h.name);
  }
  if (joining_ != before) mover_.keep_joining(joining_);
}

bool Balancer::is_joining(const std::string& home) const {
  const std::lock_guard lock(mutex_);
  return joining_.contains(home);
}

void Balancer::window_closed() {
  if (!mover_.hindrance().empty()) return;  // another node of the fleet makes its plans
  Fleet fleet = look();
  const auto plans = mover_.plans();
  const bool is_moving = std::ranges::any_of(plans, [](const Plan& p) { return p.state == PlanState::running || p.state == PlanState::paused; });
  balance::Limits limits;
  balance::Decision decision;
  Auto automatic{};
  {
    const std::lock_guard lock(mutex_);
    limits = settings_.limits;
    automatic = settings_.automatic;
    const std::uint64_t now_ms = base::monotonic_ms();
    decision = trigger_.decide({.now_s = static_cast<double>(now_ms) / 1000,
                                .homes = fleet.homes,
                                .clients = fleet.clients_count,
                                .events_per_client = fleet.events_per_client,
                                .is_moving = is_moving,
                                .is_doubtful = is_doubtful(health_.frozen_last_ms(), now_ms, fleet.window_s)});
    hold_ = health_.is_frozen() && decision.reason ? balance::Hold::homes_missing : decision.hold;
    if (hold_ != balance::Hold::none || !decision.reason) return;
  }
  limits.moves_ratio_max = decision.moves_ratio_max;
  auto made = plan(fleet, *decision.reason, limits);
  if (!made) return spdlog::warn("no plan: {}", made.error());
  if (made->outcome.verdict != balance::Verdict::accepted) return spdlog::info("no plan: {}", balance::name(made->outcome.verdict));
  const bool drains = *decision.reason == balance::Reason::drain;
  made->plan.mode = drains ? MoveMode::paced : MoveMode::lazy;
  made->plan.author = "balancer";
  const auto id = mover_.propose(made->plan, std::move(made->steps), drains);
  if (!id) return spdlog::info("no plan: {}", id.error());
  spdlog::info("plan {}: {}: {} clients, max/mean {:.3f} -> {:.3f}", *id, made->plan.reason, made->plan.clients, made->plan.imbalance_before,
               made->plan.imbalance_after);
  if (automatic != Auto::apply) return;
  if (const auto applied = mover_.apply(*id, {}, {}); !applied) return spdlog::warn("plan {}: {}", *id, applied.error());
  const std::lock_guard lock(mutex_);
  trigger_.spend(made->outcome);
}

}  // namespace viaduct::migration
