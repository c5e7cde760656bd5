// SPDX-License-Identifier: Apache-2.0
// What the operator asks of the mover, and what it remembers. What it does by itself begins in round.cpp.
#include "viaduct/migration/mover.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "congestion.h"
#include "herald.h"
#include "ledger.h"
#include "viaduct/base/check.h"
#include "viaduct/base/clocks.h"

namespace viaduct::migration {

Mover::Mover(site::Commons& commons, control::Loop& loop, control::Placements& placements, TellWatchers tell)
    : commons_(commons), loop_(loop), placements_(placements), tell_(std::move(tell)), guests_(commons, loop) {}
Mover::~Mover() { stop(); }

// --- start and stop

void Mover::start() {
  herald_ = std::make_unique<Herald>(tell_, [this] { wake_.notify_all(); });
  thread_ = std::thread([this] { run(); });
}

void Mover::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  changeable_.notify_all();
  if (thread_.joinable()) thread_.join();
  herald_.reset();
}

void Mover::set(const MoverSettings& settings) {
  const std::lock_guard lock(mutex_);
  settings_ = settings;
}

// --- plans

Plan& Mover::plan_of(const Step& step) {
  if (step.plan == 0) return no_plan_;
  const auto at = std::ranges::find(plans_, step.plan, &Plan::id);
  base::check(at != plans_.end(), "a step without its plan");
  return *at;
}

/// Whether its plan moves clients, or will when the operator resumes it.
bool Mover::is_under_way(const Step& step) {
  const PlanState state = plan_of(step).state;
  return state == PlanState::running || state == PlanState::paused;
}

Expected<Plan*> Mover::named(std::uint32_t id) {
  const auto at = std::ranges::find(plans_, id, &Plan::id);
  if (at == plans_.end()) return std::unexpected("plan " + std::to_string(id) + ": no such plan");
  return &*at;
}

Expected<std::uint32_t> Mover::propose(Plan plan, std::vector<Step> steps, bool is_forced) {
  const auto lock = lock_plans();
  if (!ledger_) return std::unexpected("the store cannot be written: nobody is moved");
  if (stopping_) return std::unexpected("the node is stopping");
  if (const std::string why = hindrance(); !why.empty()) return std::unexpected(why);
  if (!planned_.empty()) return std::unexpected("plan " + std::to_string(plan_of(*planned_.begin()->second.front()).id) + " is not over: abort it first");
  std::erase_if(steps, [&](const Step& step) {
    if (step.is_slot) return slots_.contains(assign::slot_of(step.key));
    const auto rest = rests_.find(step.key);
    return clients_.contains(step.key) || guests_.contains(step.key) || (!is_forced && rest != rests_.end() && rest->second.until_s > base::unset_wall_s());
  });
  if (steps.empty()) return std::unexpected("nobody is to be moved");
  plan.id = next_plan_;
  plan.state = PlanState::proposed;
  plan.created_s = base::wall_s();
  if (plan.clients_per_s <= 0) plan.clients_per_s = settings_.clients_per_s;
  plan.clients = plan.slots = 0;
  for (Step& step : steps) {
    step.plan = plan.id;
    plan.clients += step.clients;
    plan.slots += step.is_slot;
  }
  if (const auto written = ledger_->write({&plan, 1}, {}, {}); !written) return std::unexpected(written.error());
  ++next_plan_;
  withdraw_proposed();
  plans_.push_back(std::move(plan));
  proposed_ = std::move(steps);
  return plans_.back().id;
}

/// What was proposed last makes way; its steps are nowhere but here.
void Mover::withdraw_proposed() {
  proposed_.clear();
  if (plans_.empty() || plans_.back().state != PlanState::proposed) return;
  const std::uint32_t id = plans_.back().id;
  plans_.pop_back();
  if (const auto written = ledger_->forget({&id, 1}); !written) spdlog::warn("plan {}, which was only proposed, stays on the disk: {}", id, written.error());
}

Expected<void> Mover::apply(std::uint32_t id, std::optional<double> clients_per_s, std::optional<MoveMode> mode) {
  auto lock = lock_plans();
  if (stopping_) return std::unexpected("the node is stopping");
  if (const std::string why = hindrance(); !why.empty()) return std::unexpected(why);
  const auto found = named(id);
  if (!found) return std::unexpected(found.error());
  if ((*found)->state != PlanState::proposed) return std::unexpected("plan " + std::to_string(id) + " is " + std::string(name((*found)->state)) + " already");
  Plan running = **found;
  if (clients_per_s) running.clients_per_s = *clients_per_s;
  if (mode) running.mode = *mode;
  running.state = PlanState::running;
  std::vector<Step> steps = std::exchange(proposed_, {});
  // Who was sent on his way by hand since the plan was made is not at home where it has him.
  running.overtaken += std::erase_if(steps, [&](const Step& step) { return !step.is_slot && clients_.contains(step.key); });
  std::vector<const Step*> changed;
  for (const Step& step : steps) changed.push_back(&step);
  const auto written = write_apart(lock, running, changed, {});
  if (!written) {
    proposed_ = std::move(steps);
    return written;
  }
  **named(id) = std::move(running);
  for (Step& step : steps) {
    Step& kept = keep(std::move(step));
    planned_[way_of(kept)].push_back(&kept);
  }
  wake_.notify_all();
  return {};
}

Expected<void> Mover::pause(std::uint32_t id) {
  const auto lock = lock_plans();
  const auto found = named(id);
  if (!found) return std::unexpected(found.error());
  if ((*found)->state != PlanState::running) return std::unexpected("plan " + std::to_string(id) + " is " + std::string(name((*found)->state)));
  Plan paused = **found;
  paused.state = PlanState::paused;
  if (const auto written = ledger_->write({&paused, 1}, {}, {}); !written) return written;
  **found = std::move(paused);
  return {};
}

Expected<void> Mover::resume(std::uint32_t id) {
  const auto lock = lock_plans();
  const auto found = named(id);
  if (!found) return std::unexpected(found.error());
  if ((*found)->state != PlanState::paused) return std::unexpected("plan " + std::to_string(id) + " is " + std::string(name((*found)->state)));
  Plan running = **found;
  running.state = PlanState::running;
  running.trouble.clear();
  if (const auto written = ledger_->write({&running, 1}, {}, {}); !written) return written;
  **found = std::move(running);
  wake_.notify_all();
  return {};
}

Expected<void> Mover::abort(std::uint32_t id) {
  auto lock = lock_plans();
  const auto found = named(id);
  if (!found) return std::unexpected(found.error());
  Plan aborted = **found;
  if (aborted.state == PlanState::done || aborted.state == PlanState::aborted)
    return std::unexpected("plan " + std::to_string(id) + " is " + std::string(name(aborted.state)) + " already");
  const bool was_proposed = aborted.state == PlanState::proposed;
  aborted.state = PlanState::aborted;
  aborted.ended_s = base::wall_s();
  std::vector<const Step*> over;
  for (const auto& [way, queue] : planned_) std::ranges::copy_if(queue, std::back_inserter(over), [&](const Step* step) { return step->plan == id; });
  if (const auto written = write_apart(lock, aborted, {}, over); !written) return written;
  **named(id) = std::move(aborted);
  if (was_proposed) proposed_.clear();
  if (!over.empty()) planned_.clear();  // all that is planned is of one plan
  for (const Step* step : over) forget(*step);
  return {};
}

/// Whoever makes, changes or ends a plan, or begins or ends a move, waits for a plan that is being written, and until what was restored is where it is worked on.
std::unique_lock<std::mutex> Mover::lock_plans() {
  std::unique_lock lock(mutex_);
  changeable_.wait(lock, [&] { return !is_writing_ && (is_resumed_ || stopping_ || !ledger_); });
  return lock;
}

/// All rows of a plan, of which there may be millions: who only looks does not wait for the disk.
Expected<void> Mover::write_apart(std::unique_lock<std::mutex>& lock, const Plan& plan, std::span<const Step* const> changed,
                                  std::span<const Step* const> over) {
  is_writing_ = true;
  lock.unlock();
  const auto written = ledger_->write({&plan, 1}, changed, over);
  lock.lock();
  is_writing_ = false;
  changeable_.notify_all();
  return written;
}

std::vector<Plan> Mover::plans() const {
  const std::lock_guard lock(mutex_);
  return plans_;
}

std::vector<Step> Mover::steps(std::uint32_t id, std::size_t most) const {
  const std::lock_guard lock(mutex_);
  std::vector<Step> out;
  const auto add = [&](const Step& step) {
    if (step.plan == id && out.size() < most) out.push_back(step);
  };
  for (const Step& step : proposed_) add(step);
  for (const auto& [slot, step] : slots_) add(*step);
  for (const auto& [key, step] : clients_) add(*step);
  for (const auto& [home, queue] : owed_)
    for (const Step& step : queue) add(step);
  return out;
}

std::uint64_t Mover::waiting(assign::HomeIndex from) const {
  const std::lock_guard lock(mutex_);
  std::uint64_t out = 0;
  const auto add = [&](const Step& step) { out += step.state == StepState::committed && step.from == from ? step.clients : 0; };
  for (const auto& [slot, step] : slots_) add(*step);
  for (const auto& [key, step] : clients_) add(*step);
  return out;
}

std::vector<bool> Mover::resting(std::span<const sip::ClientKey> clients) const {
  const std::lock_guard lock(mutex_);
  const std::uint64_t now = base::unset_wall_s();
  std::vector<bool> out;
  out.reserve(clients.size());
  for (const sip::ClientKey& key : clients) {
    const auto at = rests_.find(key);
    out.push_back(clients_.contains(key) || guests_.contains(key) || (at != rests_.end() && at->second.until_s > now));
  }
  return out;
}

// --- bookkeeping

Step& Mover::keep(Step step) {
  ++open_[step.plan];
  auto kept = std::make_unique<Step>(std::move(step));
  Step& out = *kept;
  const bool is_new = out.is_slot ? slots_.emplace(assign::slot_of(out.key), std::move(kept)).second : clients_.emplace(out.key, std::move(kept)).second;
  base::check(is_new, "one client or slot on two moves");
  return out;
}

Step* Mover::find(const sip::ClientKey& key, bool is_slot) const {
  if (is_slot) {
    const auto at = slots_.find(assign::slot_of(key));
    return at != slots_.end() ? at->second.get() : nullptr;
  }
  const auto at = clients_.find(key);
  return at != clients_.end() ? at->second.get() : nullptr;
}

/// What a settled move means from now on.
void Mover::rest(const Step& step) {
  Rest& rest = rests_[step.key];
  rest = {.until_s = step.rests_until_s, .both_until_s = step.both_until_s};
  both_.push({rest.both_until_s, step.key});
  rests_ends_.push({rest.end_s(), step.key});
  if (rest.both_until_s > base::unset_wall_s()) show(step, {.previous = step.from, .is_settled = true});
}

void Mover::keep_joining(const std::set<std::string>& homes) {
  if (!ledger_) return;
  if (const auto written = ledger_->write_joining(homes); !written) spdlog::warn("that homes are joining is not kept: {}", written.error());
}

/// Of a plan's steps one less is open.
void Mover::close(std::uint32_t plan) {
  if (--open_[plan] == 0) open_.erase(plan);
}

/// A step is over. Shape: no queue holds it any more.
void Mover::forget(const Step& step) {
  close(step.plan);
  if (step.is_slot)
    slots_.erase(assign::slot_of(step.key));
  else
    clients_.erase(step.key);
}

/// Plans and what has changed, to the disk. What cannot be written is not lost here: it is as old on the disk, and done again after a crash.
void Mover::save(std::span<const Step* const> changed, std::span<const Step* const> over) {
  const auto written = ledger_->write(plans_, changed, over);
  if (written) return;
  for (Plan& plan : plans_) {
    if (plan.state != PlanState::running) continue;
    plan.state = PlanState::paused;
    plan.trouble = written.error();
  }
  spdlog::error("moves are paused: {}", written.error());
}

/// The same; steps that are over, or rest from now on, are forgotten here, too.
void Mover::save_and_forget(std::span<const Step* const> changed, std::span<const Step* const> over) {
  if (!changed.empty() || !over.empty()) save(changed, over);
  for (const Step* step : changed)
    if (step->state == StepState::resting) forget(*step);
  for (const Step* step : over) forget(*step);
}

/// A client is still where he was: planned, or left alone when his plan was aborted meanwhile, or he has none. Returns which.
bool Mover::plan_again(Step& step) {
  step.state = StepState::planned;
  if (!is_under_way(step)) return false;
  planned_[way_of(step)].push_front(&step);
  return true;
}

std::string Mover::name_of(assign::HomeIndex home) {
  std::string name;
  loop_.call([&] { name = commons_.site.read().homes[home].name; });
  return name;
}

/// To the workers. A move to no home before is none.
void Mover::show(const Step& step, const assign::Move& move) {
  loop_.call([&] {
    if (step.is_slot)
      commons_.moves.set_slot(assign::slot_of(step.key), move.is_settled ? assign::no_home : move.previous);
    else if (move.previous == assign::no_home)
      commons_.moves.end(step.key);
    else
      commons_.moves.set(step.key, move);
  });
}

}  // namespace viaduct::migration
