// SPDX-License-Identifier: Apache-2.0
// What the mover knew before the node was restarted: to the workers at once, and to where it is worked on once the table is loaded.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "ledger.h"
#include "viaduct/base/clocks.h"
#include "viaduct/migration/mover.h"

namespace viaduct::migration {

using assign::HomeIndex;

Expected<void> Mover::restore(std::unique_ptr<store::Rows> rows, const std::optional<base::Hash128>& store, const MoverSettings& settings) {
  settings_ = settings;
  ledger_ = std::make_unique<Ledger>(std::move(rows));
  auto known = ledger_->read();
  if (!known) return std::unexpected(known.error());
  if (known->store && known->store != store) {
    if (const auto gone = ledger_->forget_all(); !gone) return std::unexpected("the moves of another store cannot be forgotten: " + gone.error());
    spdlog::warn("the plans and moves that were kept are those of another store, and are forgotten: clients are where this store has them");
    known = Ledger::Contents{};
  }
  if (store && known->store != store)  // none, or an earlier build's, which are taken for this store's
    if (const auto written = ledger_->write_store(*store); !written) spdlog::warn("which store these moves are of is not kept: {}", written.error());
  if (known->unread != 0) spdlog::warn("{} rows of moves cannot be read: these clients are where the store has them", known->unread);
  plans_ = std::move(known->plans);
  next_plan_ = std::max(known->next_plan, plans_.empty() ? 1 : plans_.back().id + 1);
  if (!plans_.empty() && plans_.back().state == PlanState::proposed)  // it goes, its number with it
    if (const auto written = ledger_->write_next_plan(next_plan_); !written) spdlog::warn("a plan's number may be given again: {}", written.error());
  withdraw_proposed();
  joining_ = std::move(known->joining);
  set_clocks(known->steps, known->ahead_s);
  keep_restored(std::move(known->steps));
  return {};
}

/// Times as the run before had them, by this run's clock.
void Mover::set_clocks(std::vector<Step>& steps, std::int64_t ahead_s) {
  std::vector<const Step*> changed;
  for (Step& step : steps) {
    set_clock(step, ahead_s, base::unset_wall_s());
    changed.push_back(&step);
  }
  if (ahead_s == 0) return;
  if (const auto written = ledger_->write_clock(0, changed); !written) spdlog::warn("times of moves may be wrong after the next start: {}", written.error());
}

/// Of those between homes that are not there, as when a copy of the store was brought back, and of those whose plan is not known nothing can be told to anybody.
void Mover::keep_restored(std::vector<Step> steps) {
  const std::size_t homes = commons_.site.read().homes.size();
  const auto is_lost = [&](const Step& step) {
    const bool has_plan = step.plan == 0 || step.state == StepState::resting || std::ranges::find(plans_, step.plan, &Plan::id) != plans_.end();
    return step.from >= homes || step.to >= homes || !has_plan;
  };
  const auto lost = std::ranges::stable_partition(steps, [&](const Step& step) { return !is_lost(step); });
  if (!lost.empty()) {
    std::vector<const Step*> over;
    for (const Step& step : lost) over.push_back(&step);
    spdlog::warn("{} moves are of homes or plans that are not there, and are forgotten: these clients are where the store has them", lost.size());
    save({}, over);
    steps.erase(lost.begin(), lost.end());
  }
  for (Step& step : steps) {
    if (step.state == StepState::resting) {
      rest(step);
      continue;
    }
    if (step.state == StepState::settled) {
      next_owed_ = std::max(next_owed_, step.owed + 1);
      ++open_[step.plan];
      owed_[step.from].push_back(std::move(step));
      continue;
    }
    // Those that were about to be committed may be, or not: to the workers they are on their way at once, and resume_all() sees what the store has.
    const Step& kept = keep(std::move(step));
    if (kept.state == StepState::committed) show(kept, {.previous = kept.from});
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
      std::uint64_t& moved = plan_of(*step).moved;
      moved -= std::min<std::uint64_t>(moved, step->clients);  // the crash was before the commit; the plan may have been written without this wave since
      set_out_not.push_back(step);
    }
  });
  std::vector<const Step*> changed, over;
  for (Step* step : all) {
    if (step->state != StepState::planned) continue;
    if (is_under_way(*step))
      planned_[way_of(*step)].push_back(step);
    else
      over.push_back(step);
  }
  for (Step* step : set_out_not) {
    show(*step, {});
    (plan_again(*step) ? changed : over).push_back(step);
  }
  for (Step* step : all) {
    if (step->state == StepState::committed) deadlines_.push({step->deadline_s, step->key, step->is_slot});
  }
  save_and_forget(changed, over);
  is_resumed_ = true;
  changeable_.notify_all();
}

}  // namespace viaduct::migration
