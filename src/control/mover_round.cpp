// SPDX-License-Identifier: Apache-2.0
// A round of the mover: hear who has arrived, give up waiting for who has not, tell watchers, and send the next ones on their way. What is to happen is on
// the disk before it is visible, and visible to every worker before anybody is told: a crash at any point leaves each client one home, and nothing owed is lost.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "clocks.h"
#include "ledger.h"
#include "viaduct/control/mover.h"

namespace viaduct::control {
namespace {

using assign::HomeIndex;

constexpr auto busy_pause = std::chrono::milliseconds(20);
constexpr auto idle_pause = std::chrono::milliseconds(500);
constexpr std::size_t confirmations_a_round = 8192;
constexpr std::size_t wave_steps_max = 4096;  // of one commit: a few milliseconds of disk, one turn of the control core
constexpr std::size_t told_at_once = 512;
constexpr std::uint64_t tell_again_after_ms = 2000;
constexpr std::size_t plans_kept = 100;
constexpr double empty_slot_tokens = 1.0 / 1024;  // a slot in which nobody is known: somebody may be

}  // namespace

/// What was not used for a second is not made up for.
void Mover::Bucket::fill(double seconds) { tokens = std::min(tokens + per_s * seconds, std::max(1.0, per_s)); }

void Mover::run() {
  if (!placements_.take_pen()) return;  // until the table is loaded; none: the node stops
  resume_all();
  auto last = std::chrono::steady_clock::now();
  for (;;) {
    const auto now = std::chrono::steady_clock::now();
    const bool is_busy = round(std::chrono::duration<double>(now - last).count());
    last = now;
    std::unique_lock lock(mutex_);
    if (stopping_) return;
    wake_.wait_for(lock, is_busy ? busy_pause : idle_pause);
    if (stopping_) return;
  }
}

/// Steps as they were restored, to where they are worked on.
void Mover::resume_all() {
  const std::lock_guard lock(mutex_);
  std::vector<Step*> all;
  for (const auto& [slot, step] : slots_) all.push_back(step.get());
  for (const auto& [key, step] : clients_) all.push_back(step.get());
  std::vector<const Step*> changed;
  loop_.call([&] {
    const auto slots = commons_.assignment.slots();
    for (Step* step : all) {
      const HomeIndex home = step->is_slot ? slots[assign::slot_of(step->key)] : commons_.assignment.find(step->key).home;
      if (step->state != StepState::committed || home == step->to) continue;
      step->state = StepState::planned;  // the crash was before the commit
      plan_of(*step).moved -= step->clients;
      changed.push_back(step);
    }
  });
  for (const Step* step : changed) show(*step, {});
  for (Step* step : all) {
    if (step->state == StepState::planned) planned_[step->to].push_back(step);
    if (step->state == StepState::committed) deadlines_.push({step->deadline_s, step->key, step->is_slot});
    if (step->state == StepState::settled) owed_[step->from].push_back(step);
  }
  if (!changed.empty()) save(changed, {});
}

/// Returns whether anything is under way.
bool Mover::round(double seconds) {
  hear();
  overdue();
  tell_leaving();
  tell_watchers();
  wave(seconds);
  const std::lock_guard lock(mutex_);
  end_plans();
  return !clients_.empty() || !slots_.empty() || !both_.empty();
}

// --- arriving

/// Homes that accepted a client who is on his way to them.
void Mover::hear() {
  std::vector<assign::Confirmation> told;
  std::vector<bool> by_slot;  // who has no placement of his own
  loop_.call([&] {
    told = commons_.moves.take(confirmations_a_round);
    for (const assign::Confirmation& c : told) by_slot.push_back(commons_.assignment.find(c.client).layer == assign::Layer::slot);
  });
  if (told.empty()) return;
  const std::lock_guard lock(mutex_);
  std::vector<const Step*> changed;
  for (std::size_t i = 0; i < told.size(); ++i) {
    const assign::Confirmation& c = told[i];
    if (settled_.contains(c.client)) continue;  // he refreshes at his new home
    if (Step* const step = find(c.client, false); step == nullptr && by_slot[i])
      settle_of_slot(c, changed);
    else if (step != nullptr && step->state == StepState::committed && step->to == c.home)
      settle(*step, true, changed, 0);
  }
  if (!changed.empty()) save(changed, {});
}

/// From now on the client is at his new home; only CANCEL and ACK go to both a while longer, and as long as his slot is on its way.
void Mover::settle(Step& step, bool is_confirmed, std::vector<const Step*>& changed, std::uint64_t slot_deadline_s) {
  Plan& plan = plan_of(step);
  step.state = StepState::settled;
  (is_confirmed ? plan.confirmed : plan.unconfirmed) += step.clients;
  owed_[step.from].push_back(&step);
  changed.push_back(&step);
  show(step, {.previous = step.from, .is_settled = true});
  if (step.is_slot) return;
  both_.push({std::max(wall_s(), slot_deadline_s) + settings_.settled_s, step.key});
  settled_.insert(step.key);
  rests_[step.key] = wall_s() + settings_.cooldown_s;
}

/// One of those who move with their slot has arrived, before the others.
void Mover::settle_of_slot(const assign::Confirmation& told, std::vector<const Step*>& changed) {
  Step* const whole = find(told.client, true);
  if (whole == nullptr || whole->state != StepState::committed || whole->to != told.home) return;
  if (whole->clients > 0) --whole->clients;  // he is counted by himself, however many they were thought to be
  changed.push_back(whole);
  settle(keep({.key = told.client, .aor = std::string(told.name()), .from = whole->from, .to = whole->to, .state = StepState::committed, .plan = whole->plan}),
         true, changed, whole->deadline_s);
}

/// Who has not come in time; and who came so long ago that nothing goes to both homes any more.
void Mover::overdue() {
  const std::uint64_t now = wall_s();
  const std::lock_guard lock(mutex_);
  std::vector<const Step*> changed;
  for (; !deadlines_.empty() && deadlines_.top().s <= now; deadlines_.pop()) {
    Step* const step = find(deadlines_.top().key, deadlines_.top().is_slot);
    if (step != nullptr && step->state == StepState::committed && step->deadline_s <= now) settle(*step, false, changed, 0);
  }
  if (!changed.empty()) save(changed, {});
  std::vector<sip::ClientKey> over;
  for (; !both_.empty() && both_.top().s <= now; both_.pop()) {
    over.push_back(both_.top().key);
    settled_.erase(both_.top().key);
  }
  if (over.empty()) return;
  loop_.call([&] {
    for (const sip::ClientKey& key : over) commons_.moves.end(key);
  });
  std::erase_if(rests_, [&](const auto& rest) { return rest.second <= now; });
}

// --- telling

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
  // Who cannot be told comes at his own next refresh.
  for (const Leaving& l : seen) {
    std::vector<const Step*> steps;
    for (const Step& step : l.steps) steps.push_back(&step);
    if (const auto told = tell_(steps.front()->from, l.tidings, steps); !told) spdlog::warn("clients on the move are not asked to hurry: {}", told.error());
  }
}

/// Watchers of those who are at their new home. A home that cannot be told is asked again; the others do not wait for it.
void Mover::tell_watchers() {
  std::vector<std::pair<HomeIndex, std::vector<Step*>>> chosen;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [home, queue] : owed_) {
      if (queue.empty() || tell_again_ms_[home] > monotonic_ms()) continue;
      chosen.emplace_back(home, std::vector<Step*>(queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(std::min(queue.size(), told_at_once))));
    }
  }
  for (const auto& [home, steps] : chosen) {
    std::vector<const Step*> clients;
    for (const Step* step : steps)
      if (!step->is_slot) clients.push_back(step);
    const auto told = clients.empty() ? Expected<void>{} : tell_(home, Tidings::moved, clients);
    const std::lock_guard lock(mutex_);
    if (!told) {
      tell_again_ms_[home] = monotonic_ms() + tell_again_after_ms;
      spdlog::warn("watchers of {} clients are not told yet: {}", clients.size(), told.error());
      continue;
    }
    auto& queue = owed_[home];
    queue.erase(queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(steps.size()));
    for (const Step* step : steps) plan_of(*step).told += step->clients;
    save({}, std::vector<const Step*>(steps.begin(), steps.end()));
    for (const Step* step : steps) forget(*step);
  }
}

// --- setting out

void Mover::wave(double seconds) {
  std::vector<Step*> chosen;
  {
    const std::lock_guard lock(mutex_);
    chosen = next_wave(seconds);
    if (chosen.empty()) return;
    if (const auto written = set_out(chosen); !written) return take_back(chosen, written.error());
  }
  const auto done = commit(chosen);
  const std::lock_guard lock(mutex_);
  if (!done) return take_back(chosen, done.error());
  set_out_done(chosen);
}

/// As many as may set out now, each receiver's in the order of the plan.
std::vector<Step*> Mover::next_wave(double seconds) {
  std::vector<Step*> chosen;
  if (planned_.empty()) return chosen;
  const Plan& plan = plan_of(*planned_.begin()->second.front());
  if (plan.state != PlanState::running) return chosen;
  all_.per_s = plan.clients_per_s;
  all_.fill(seconds);
  for (auto& [home, queue] : planned_) {
    Bucket& receiver = receivers_[home];
    receiver.per_s = std::min(settings_.receiver_clients_per_s, all_.per_s);
    receiver.fill(seconds);
    // A slot may be more than there are tokens: then the next ones wait the longer.
    while (!queue.empty() && receiver.tokens >= 1 && all_.tokens >= 1 && chosen.size() < wave_steps_max) {
      Step* const step = queue.front();
      queue.pop_front();
      chosen.push_back(step);
      const double tokens = step->clients != 0 ? step->clients : empty_slot_tokens;
      receiver.tokens -= tokens;
      all_.tokens -= tokens;
    }
  }
  std::erase_if(planned_, [](const auto& of_home) { return of_home.second.empty(); });
  return chosen;
}

/// On the disk that they set out, and to the workers that they have two homes. Who was placed by somebody else since the plan was made, or pinned, is let be.
Expected<void> Mover::set_out(std::vector<Step*>& chosen) {
  std::vector<const Step*> overtaken;
  loop_.call([&] {
    const auto slots = commons_.assignment.slots();
    std::erase_if(chosen, [&](Step* step) {
      const auto placed = step->is_slot ? assign::Placement{.home = slots[assign::slot_of(step->key)]} : commons_.assignment.find(step->key);
      const bool stays = placed.home == step->from && placed.layer != assign::Layer::pin;
      if (!stays) overtaken.push_back(step);
      return !stays;
    });
  });
  for (const Step* step : overtaken) plan_of(*step).overtaken += step->clients;
  std::vector<const Step*> changed;
  std::vector<Plan> as_committed = plans_;  // what will be true once the store has them; resume_all() takes back who it has not
  for (Step* step : chosen) {
    step->state = StepState::committed;
    step->deadline_s = wall_s() + settings_.deadline_s;
    std::ranges::find(as_committed, step->plan, &Plan::id)->moved += step->clients;
    changed.push_back(step);
  }
  const auto written = ledger_->write(as_committed, changed, overtaken);
  for (const Step* step : overtaken) forget(*step);
  if (!written) return written;
  for (const Step* step : chosen) {
    if (!step->is_slot) settled_.erase(step->key);
    show(*step, {.previous = step->from});
  }
  return {};
}

/// The store and the table: one batch.
Expected<void> Mover::commit(const std::vector<Step*>& chosen) {
  std::vector<const Step*> clients;
  bool has_slots = false;
  for (const Step* step : chosen) {
    has_slots |= step->is_slot;
    if (!step->is_slot) clients.push_back(step);
  }
  std::ranges::sort(
      clients, [](const base::Hash128& a, const base::Hash128& b) { return std::pair(a.high, a.low) < std::pair(b.high, b.low); },
      [](const Step* step) { return store::identity(step->key); });
  std::vector<HomeIndex> slots;
  Batch batch{.author = {"mover", "plan " + std::to_string(chosen.empty() ? 0 : chosen.front()->plan)}, .fleet = {}, .show_fleet = {}, .moves = {}, .tell = {}};
  if (has_slots) {
    batch.fleet = [&](store::Writer& writer) -> Expected<void> {
      loop_.call([&] { slots = commons_.assignment.slots(); });
      for (const Step* step : chosen)
        if (step->is_slot) slots[assign::slot_of(step->key)] = step->to;
      const auto written = writer.set_slots(slots);
      return written ? Expected<void>{} : std::unexpected(written.error().text);
    };
    batch.show_fleet = [&](std::uint32_t epoch) { commons_.assignment.set_slots(slots, epoch); };
  }
  std::size_t next = 0;
  batch.moves = [&](store::Move& move) -> Expected<bool> {
    if (next == clients.size()) return false;
    const Step& step = *clients[next++];
    move = {.key = step.key, .aor = step.aor, .home = step.to, .pin = false};
    return true;
  };
  const auto done = placements_.commit(std::move(batch));
  return done ? Expected<void>{} : std::unexpected(done.error());
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

/// Nothing of this wave is durable: its clients are at home where they were, and the plan waits for the operator.
void Mover::take_back(const std::vector<Step*>& chosen, const std::string& trouble) {
  std::vector<const Step*> changed;
  for (Step* step : chosen) {
    step->state = StepState::planned;
    planned_[step->to].push_front(step);
    show(*step, {});
    changed.push_back(step);
  }
  for (Plan& plan : plans_) {
    if (plan.state != PlanState::running) continue;
    plan.state = PlanState::paused;
    plan.trouble = trouble;
    spdlog::error("plan {} is paused: {}", plan.id, trouble);
  }
  save(changed, {});
}

// --- the end

/// Plans whose last step is over are done; the oldest go.
void Mover::end_plans() {
  bool is_changed = false;
  for (Plan& plan : plans_) {
    if ((plan.state != PlanState::running && plan.state != PlanState::paused) || open_.contains(plan.id)) continue;
    plan.state = PlanState::done;
    plan.ended_s = wall_s();
    is_changed = true;
    spdlog::info("plan {} is done: {} clients moved, {} confirmed, {} unconfirmed", plan.id, plan.moved, plan.confirmed, plan.unconfirmed);
  }
  if (is_changed) save({}, {});
  std::vector<std::uint32_t> old;
  while (plans_.size() - old.size() > plans_kept) old.push_back(plans_[old.size()].id);
  if (old.empty()) return;
  plans_.erase(plans_.begin(), plans_.begin() + static_cast<std::ptrdiff_t>(old.size()));
  if (const auto written = ledger_->forget(old); !written) spdlog::warn("old plans stay on the disk: {}", written.error());
}

}  // namespace viaduct::control
