// SPDX-License-Identifier: Apache-2.0
// A round of the mover: hear who has arrived, give up waiting for who has not, tell watchers, and send the next ones on their way. What is to happen is on
// the disk before it is visible, and visible to every worker before anybody is told: a crash at any point leaves each client one home, and nothing owed is lost.
#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

#include "ledger.h"
#include "viaduct/base/clocks.h"
#include "viaduct/migration/mover.h"

namespace viaduct::migration {
namespace {

using assign::HomeIndex;

constexpr auto busy_pause = std::chrono::milliseconds(20);
constexpr auto idle_pause = std::chrono::milliseconds(500);
constexpr std::size_t plans_kept = 100;

}  // namespace

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
  std::vector<Step*> set_out_not;
  loop_.call([&] {
    const auto slots = commons_.assignment.slots();
    for (Step* step : all) {
      const HomeIndex home = step->is_slot ? slots[assign::slot_of(step->key)] : commons_.assignment.find(step->key).home;
      if (step->state != StepState::committed || home == step->to) continue;
      plan_of(*step).moved -= step->clients;  // the crash was before the commit
      set_out_not.push_back(step);
    }
  });
  for (Step* step : all)
    if (step->state == StepState::planned) planned_[way_of(*step)].push_back(step);
  std::vector<const Step*> changed, over;
  for (Step* step : set_out_not) {
    show(*step, {});
    (plan_again(*step) ? changed : over).push_back(step);
  }
  for (Step* step : all) {
    if (step->state == StepState::committed) deadlines_.push({step->deadline_s, step->key, step->is_slot});
    if (step->state == StepState::settled) owed_[step->from].push_back(step);
  }
  if (!changed.empty() || !over.empty()) save(changed, over);
  for (const Step* step : over) forget(*step);
  is_resumed_ = true;
  changeable_.notify_all();
}

/// Returns whether anything is under way.
bool Mover::round(double seconds) {
  turn_round();
  hear();
  overdue();
  tell_leaving();
  tell_watchers();
  wave(seconds);
  const std::lock_guard lock(mutex_);
  end_plans();
  return !clients_.empty() || !slots_.empty() || !both_.empty();
}

/// Plans whose last step is over are done; the oldest go.
void Mover::end_plans() {
  bool is_changed = false;
  for (Plan& plan : plans_) {
    if ((plan.state != PlanState::running && plan.state != PlanState::paused) || open_.contains(plan.id)) continue;
    plan.state = PlanState::done;
    plan.ended_s = base::wall_s();
    is_changed = true;
    spdlog::info("plan {} is done: {} clients moved, {} confirmed, {} unconfirmed, of these {} sticky", plan.id, plan.moved, plan.confirmed, plan.unconfirmed,
                 plan.sticky);
  }
  if (is_changed) save({}, {});
  std::vector<std::uint32_t> old;
  while (plans_.size() - old.size() > plans_kept) old.push_back(plans_[old.size()].id);
  if (old.empty()) return;
  plans_.erase(plans_.begin(), plans_.begin() + static_cast<std::ptrdiff_t>(old.size()));
  if (const auto written = ledger_->forget(old); !written) spdlog::warn("old plans stay on the disk: {}", written.error());
}

}  // namespace viaduct::migration
