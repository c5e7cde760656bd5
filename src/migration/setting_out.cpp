// SPDX-License-Identifier: Apache-2.0
// Setting out: the next wave of a plan, to the disk, to the workers, into the store and the table; and asking clients to come soon.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <utility>

#include "congestion.h"
#include "herald.h"
#include "ledger.h"
#include "viaduct/base/clocks.h"
#include "viaduct/migration/mover.h"

namespace viaduct::migration {
namespace {

using assign::HomeIndex;

constexpr std::size_t wave_steps_max = 4096;  // of one commit: a few milliseconds of disk, one turn of the control core
constexpr std::uint64_t wave_every_ms = 1000;  // in a fleet
constexpr std::uint64_t wave_again_after_ms = 2000;  // the fleet's log did not take it
constexpr double empty_slot_tokens = 1.0 / 1024;  // a slot in which nobody is known: somebody may be

}  // namespace

/// What was not used for a second is not made up for.
void Mover::Bucket::fill(double seconds) { tokens = std::min(tokens + per_s * seconds, std::max(1.0, per_s)); }

void Mover::wave(double seconds) {
  std::vector<Step*> chosen;
  {
    const auto lock = lock_plans();
    waited_s_ += seconds;
    if (!may_set_out()) return;
    chosen = next_wave(std::exchange(waited_s_, 0));
    if (chosen.size() == wave_steps_max) wave_again_ms_ = 0;  // there are as many more
    if (chosen.empty()) return;
    if (const auto written = set_out(chosen); !written) return take_back(chosen, written.error());
    if (chosen.empty()) return;
  }
  auto gone = commit(chosen);
  const auto lock = lock_plans();
  if (!gone && placements_.is_stopping()) return leave_committed(chosen);
  if (!gone) return take_back(chosen, gone.error());
  let_be(gone->staying);
  std::vector<const Step*> changed;
  for (const auto& [step, home] : gone->elsewhere) {
    step->to = home;
    changed.push_back(step);
    gone->going.push_back(step);
  }
  if (!changed.empty()) save(changed, {});
  set_out_done(gone->going);
}

/// In a fleet: whether this node carries plans out at the moment. What hinders it is noted, and passes by itself. A wave a second, unless it is full: the log keeps
/// so many changes, and who has set out by them is to be found there for as long as he may be on his way.
bool Mover::may_set_out() {
  if (planned_.empty() || !placements_.is_shared()) return true;
  Plan& plan = plan_of(*planned_.begin()->second.front());
  if (plan.state == PlanState::running) plan.trouble = hindrance();
  if (!plan.trouble.empty() || base::monotonic_ms() < wave_again_ms_) return false;
  wave_again_ms_ = base::monotonic_ms() + wave_every_ms;
  return true;
}

/// A receiver that answers 5xx gets its further clients the slower.
double Mover::pace_towards(HomeIndex home, double seconds) {
  auto& congestion = congestion_[home];
  if (!congestion) congestion = std::make_unique<Congestion>();
  const double before = congestion->pace_ratio();
  congestion->note(commons_.load.sums(home), seconds);
  const double now = congestion->pace_ratio();
  if (before < 1 || now == 1) return now;
  spdlog::warn("{} answers many requests with 5xx: clients are moved there more slowly", name_of(home));
  return now;
}

/// A home that is evacuated is left as fast as the others take its clients.
void Mover::fill_donors(const Plan& plan, double seconds) {
  std::set<HomeIndex> donors;
  for (const auto& [way, queue] : planned_) donors.insert(way.second);
  for (const HomeIndex home : donors) {
    Bucket& donor = donors_[home];
    donor.per_s = plan.mode == MoveMode::evacuate ? all_.per_s : std::min(settings_.donor_clients_per_s, all_.per_s);
    donor.fill(seconds);
  }
}

/// By home. One that health has taken down is found to be up by health; one that drains, or that the operator has taken down, takes nobody (spec: homes).
std::vector<Mover::Reception> Mover::receptions() {
  std::vector<Reception> out;
  loop_.call([&] {
    for (const assign::Home& home : commons_.site.read().homes) {
      const bool comes_back = home.restores && assign::is_up(*home.restores);
      out.push_back(assign::is_up(home.state) ? Reception::open : comes_back ? Reception::interrupted : Reception::closed);
    }
  });
  return out;
}

/// Those who were to go where nobody is taken any more stay where they are, some at a time.
void Mover::give_up_closed(const std::vector<Reception>& receptions) {
  std::vector<const Step*> over;
  for (auto& [way, queue] : planned_) {
    if (receptions[way.first] != Reception::closed) continue;
    for (; !queue.empty() && over.size() < wave_steps_max; queue.pop_front()) {
      plan_of(*queue.front()).overtaken += queue.front()->clients;
      over.push_back(queue.front());
    }
  }
  if (over.empty()) return;
  std::erase_if(planned_, [](const auto& of_way) { return of_way.second.empty(); });
  save({}, over);
  for (const Step* step : over) forget(*step);
}

void Mover::note_waiting(Plan& plan, const std::vector<Reception>& receptions) {
  const auto way = std::ranges::find_if(planned_, [&](const auto& of_way) { return receptions[of_way.first.first] == Reception::interrupted; });
  plan.trouble.clear();
  if (way == planned_.end()) return;
  loop_.call([&] { plan.trouble = commons_.site.read().homes[way->first.first].name + " is down: who is to go there waits"; });
}

/// As many as may set out now, those of one way in the order of the plan.
std::vector<Step*> Mover::next_wave(double seconds) {
  std::vector<Step*> chosen;
  if (planned_.empty()) return chosen;
  Plan& plan = plan_of(*planned_.begin()->second.front());
  if (plan.state != PlanState::running) return chosen;
  const std::vector<Reception> receptions = this->receptions();
  give_up_closed(receptions);
  note_waiting(plan, receptions);
  all_.per_s = plan.clients_per_s;
  all_.fill(seconds);
  fill_donors(plan, seconds);
  HomeIndex filled = assign::no_home;
  for (auto& [way, queue] : planned_) {
    const auto [home, from] = way;
    if (receptions[home] != Reception::open) continue;
    Bucket& receiver = receivers_[home];
    if (std::exchange(filled, home) != home) {
      receiver.per_s = std::min(settings_.receiver_clients_per_s, all_.per_s) * pace_towards(home, seconds);
      receiver.fill(seconds);
    }
    Bucket& donor = donors_[from];
    // A slot may be more than there are tokens: then the next ones wait the longer.
    while (!queue.empty() && receiver.tokens >= 1 && donor.tokens >= 1 && all_.tokens >= 1 && chosen.size() < wave_steps_max) {
      Step* const step = queue.front();
      queue.pop_front();
      chosen.push_back(step);
      const double tokens = step->clients != 0 ? step->clients : empty_slot_tokens;
      receiver.tokens -= tokens;
      donor.tokens -= tokens;
      all_.tokens -= tokens;
    }
  }
  std::erase_if(planned_, [](const auto& of_way) { return of_way.second.empty(); });
  return chosen;
}

/// By what the table has.
Mover::Wave Mover::sort_out(const std::vector<Step*>& chosen) {
  Wave out;
  loop_.call([&] {
    const auto slots = commons_.assignment.slots();
    const assign::Homes& homes = commons_.site.read().homes;
    for (Step* step : chosen) {
      const auto placed = step->is_slot ? assign::Placement{.home = slots[assign::slot_of(step->key)]} : commons_.assignment.find(step->key);
      const bool may_go = placed.layer != assign::Layer::pin && homes[step->to].state != assign::HomeState::removed;
      if (placed.home == step->from && may_go)
        out.going.push_back(step);
      else if (placed.home == step->from || placed.home == assign::no_home || step->is_slot)
        out.staying.push_back(step);
      else
        out.elsewhere.emplace_back(step, placed.home);
    }
  });
  return out;
}

/// On the disk that they set out, and to the workers that they have two homes. Who was placed by somebody else since the plan was made, or pinned, is let be.
Expected<void> Mover::set_out(std::vector<Step*>& chosen) {
  Wave sorted = sort_out(chosen);
  chosen = std::move(sorted.going);
  std::vector<const Step*> overtaken(sorted.staying.begin(), sorted.staying.end());
  for (const auto& [step, home] : sorted.elsewhere) overtaken.push_back(step);
  for (const Step* step : overtaken) plan_of(*step).overtaken += step->clients;
  std::vector<const Step*> changed;
  std::vector<Plan> as_committed = plans_;  // what will be true once the store has them; resume_all() takes back who it has not
  for (Step* step : chosen) {
    step->state = StepState::committed;
    step->set_out_s = base::unset_wall_s();
    step->deadline_s = step->set_out_s + settings_.deadline_s;
    std::ranges::find(as_committed, step->plan, &Plan::id)->moved += step->clients;
    changed.push_back(step);
  }
  const auto written = ledger_->write(as_committed, changed, overtaken);
  for (const Step* step : overtaken) forget(*step);
  if (!written) return written;
  for (const Step* step : chosen) {
    if (const auto at = rests_.find(step->key); !step->is_slot && at != rests_.end()) at->second.both_until_s = 0;
    if (!step->is_slot) guests_.drop(step->key);
    show(*step, {.previous = step->from});
  }
  return {};
}

/// The store and the table: one batch. Only now, when nobody else writes, is it certain where they are: somebody may have been quicker.
Expected<Mover::Wave> Mover::commit(const std::vector<Step*>& chosen) {
  std::optional<Wave> wave;
  std::vector<const Step*> clients;
  std::vector<HomeIndex> slots;
  control::Batch batch{.author = {"mover", "plan " + std::to_string(chosen.front()->plan)},
                       .fleet = {},
                       .show_fleet = {},
                       .moves = {},
                       .tell = {},
                       .sets_out = true,
                       .only_as_leader = true};
  batch.fleet = [&](store::Writer& writer) -> Expected<void> {
    wave = sort_out(chosen);
    if (wave->going.empty()) return std::unexpected("nobody is where the plan has him");
    std::ranges::copy_if(wave->going, std::back_inserter(clients), [](const Step* step) { return !step->is_slot; });
    std::ranges::sort(
        clients, [](const base::Hash128& a, const base::Hash128& b) { return std::pair(a.high, a.low) < std::pair(b.high, b.low); },
        [](const Step* step) { return store::identity(step->key); });
    if (clients.size() == wave->going.size()) return {};
    loop_.call([&] { slots = commons_.assignment.slots(); });
    for (const Step* step : wave->going)
      if (step->is_slot) slots[assign::slot_of(step->key)] = step->to;
    const auto written = writer.set_slots(slots);
    return written ? Expected<void>{} : std::unexpected(written.error().text);
  };
  batch.show_fleet = [&](std::uint32_t epoch) {
    if (!slots.empty()) commons_.assignment.set_slots(slots, epoch);
  };
  std::size_t next = 0;
  batch.moves = [&](store::Move& move) -> Expected<bool> {
    if (next == clients.size()) return false;
    const Step& step = *clients[next++];
    move = {.key = step.key, .aor = step.aor, .home = step.to, .pin = false};
    return true;
  };
  batch.again = [&] {
    clients.clear();
    slots.clear();
    next = 0;
  };
  const auto done = placements_.commit(std::move(batch));
  if (!done && !(wave && wave->going.empty())) return std::unexpected(done.error());
  return *std::move(wave);
}

/// They had set out, and stay where they are.
void Mover::let_be(const std::vector<Step*>& staying) {
  if (staying.empty()) return;
  for (const Step* step : staying) {
    show(*step, {});
    plan_of(*step).overtaken += step->clients;
  }
  const std::vector<const Step*> over(staying.begin(), staying.end());
  save({}, over);
  for (const Step* step : over) forget(*step);
}

/// They are on their way.
void Mover::set_out_done(const std::vector<Step*>& chosen) {
  if (chosen.empty()) return;
  Plan& plan = plan_of(*chosen.front());
  std::unordered_map<HomeIndex, Leaving> leaving;
  for (Step* step : chosen) {
    plan.moved += step->clients;
    deadlines_.push({step->deadline_s, step->key, step->is_slot});
    if (!step->is_slot && plan.mode != MoveMode::lazy) leaving[step->from].steps.push_back(*step);
  }
  if (leaving.empty()) return;
  loop_.call([&] {
    for (auto& [home, l] : leaving) l.seen = commons_.epoch.start();
  });
  for (auto& [home, l] : leaving) {
    l.tidings = plan.mode == MoveMode::paced ? Tidings::leaving : Tidings::fleeing;
    leaving_.push_back(std::move(l));
  }
}

/// The node stops, and has not written whom it meant to: it begins where it would have after a crash. As set_out() has them on the disk they are counted here too,
/// whatever is written until the end.
void Mover::leave_committed(const std::vector<Step*>& chosen) {
  for (const Step* step : chosen) plan_of(*step).moved += step->clients;
}

/// Nothing of this wave is durable: its clients are at home where they were, and the plan waits for the operator; in a fleet, for the others.
void Mover::take_back(const std::vector<Step*>& chosen, const std::string& trouble) {
  std::vector<const Step*> changed, over;
  for (Step* step : chosen) {
    show(*step, {});
    (plan_again(*step) ? changed : over).push_back(step);
  }
  for (Plan& plan : plans_) {
    if (plan.state != PlanState::running) continue;
    plan.trouble = trouble;
    if (placements_.is_shared()) {
      wave_again_ms_ = base::monotonic_ms() + wave_again_after_ms;
      spdlog::warn("plan {} waits: {}", plan.id, trouble);
      continue;
    }
    plan.state = PlanState::paused;
    spdlog::error("plan {} is paused: {}", plan.id, trouble);
  }
  save(changed, over);
  for (const Step* step : over) forget(*step);
}

/// Those who were just committed, once every worker knows.
void Mover::tell_leaving() {
  std::vector<Leaving> seen;
  {
    const std::lock_guard lock(mutex_);
    loop_.call([&] {
      const auto first = std::ranges::stable_partition(leaving_, [&](const Leaving& l) { return !commons_.epoch.is_over(l.seen); }).begin();
      seen.assign(std::make_move_iterator(first), std::make_move_iterator(leaving_.end()));
      leaving_.erase(first, leaving_.end());
    });
  }
  for (Leaving& l : seen) herald_->send({.home = l.steps.front().from, .tidings = l.tidings, .steps = std::move(l.steps)});
}

}  // namespace viaduct::migration
