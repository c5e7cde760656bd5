// SPDX-License-Identifier: Apache-2.0
// A round of the mover: hear who has arrived, give up waiting for who has not, tell watchers, and send the next ones on their way. What is to happen is on
// the disk before it is visible, and visible to every worker before anybody is told: a crash at any point leaves each client one home, and nothing owed is lost.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>

#include "ledger.h"
#include "viaduct/base/clocks.h"
#include "viaduct/migration/mover.h"

namespace viaduct::migration {
namespace {

constexpr auto busy_pause = std::chrono::milliseconds(20);
constexpr auto idle_pause = std::chrono::milliseconds(500);
constexpr std::size_t plans_kept = 100;
constexpr std::int64_t clock_set_s = 2;  // less is their seconds beginning at different times

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
    if (stopping_ || placements_.is_stopping()) return;
    wake_.wait_for(lock, is_busy ? busy_pause : idle_pause);
    if (stopping_) return;
  }
}

/// Returns whether anything is under way.
bool Mover::round(double seconds) {
  follow_clock();
  turn_round();
  end_homeless();
  hear();
  overdue();
  guests_.end_overdue(settings_.settled_s);
  guests_.show();
  tell_leaving();
  tell_watchers();
  wave(seconds);
  const auto lock = lock_plans();
  end_plans();
  return !clients_.empty() || !slots_.empty() || !both_.empty() || guests_.count() != 0;
}

/// When the machine's clock is set, moves go on by their own; what is on the disk is told by how much that is off.
void Mover::follow_clock() {
  const auto ahead_s = static_cast<std::int64_t>(base::unset_wall_s() - base::wall_s());
  if (std::abs(ahead_s - kept_ahead_s_) < clock_set_s) return;
  const auto lock = lock_plans();
  if (ledger_->write_clock(ahead_s, {})) kept_ahead_s_ = ahead_s;  // otherwise again in the next round
}

/// Plans whose last step is over are done; the oldest go, unless one of their clients is on his way still, or his watchers are to be told.
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
  for (const Plan& plan : plans_) {
    if (plans_.size() - old.size() <= plans_kept) break;
    if ((plan.state == PlanState::done || plan.state == PlanState::aborted) && !open_.contains(plan.id)) old.push_back(plan.id);
  }
  if (old.empty()) return;
  std::erase_if(plans_, [&](const Plan& plan) { return std::ranges::binary_search(old, plan.id); });
  if (const auto written = ledger_->forget(old); !written) spdlog::warn("old plans stay on the disk: {}", written.error());
}

}  // namespace viaduct::migration
