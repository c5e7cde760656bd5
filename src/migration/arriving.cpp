// SPDX-License-Identifier: Apache-2.0
// Arriving: clients whom their new home has accepted, those who did not come in time, what their moves mean for a while, and telling their watchers.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "herald.h"
#include "ledger.h"
#include "viaduct/base/clocks.h"
#include "viaduct/migration/mover.h"

namespace viaduct::migration {
namespace {

using assign::HomeIndex;

constexpr std::size_t confirmations_a_round = 8192;
constexpr std::size_t told_at_once = 512;
constexpr std::uint64_t tell_again_after_ms = 2000;

}  // namespace

/// Homes that accepted a client who is on his way to them, or whom somebody has placed there since he set out.
void Mover::hear() {
  std::vector<assign::Confirmation> told;
  std::vector<assign::Placement> placed;  // where the table has each
  std::size_t here = 0;  // of these, seen here
  {
    const std::lock_guard lock(mutex_);
    told = std::exchange(arrived_, {});
  }
  loop_.call([&] {
    std::vector<assign::Confirmation> seen = commons_.moves.take(confirmations_a_round);
    here = seen.size();
    told.insert(told.begin(), seen.begin(), seen.end());
    for (const assign::Confirmation& c : told) placed.push_back(commons_.assignment.find(c.client));
  });
  if (told.empty()) return;
  const auto lock = lock_plans();
  std::vector<const Step*> changed, over;
  for (std::size_t i = 0; i < told.size(); ++i) {
    if (hear(told[i], placed[i], changed, over) && i < here && placements_.is_shared()) seen_.push_back(told[i]);
  }
  save_and_forget(changed, over);
  guests_.show();
}

/// Returns whether that ends a move.
bool Mover::hear(const assign::Confirmation& told, const assign::Placement& placed, std::vector<const Step*>& changed, std::vector<const Step*>& over) {
  if (guests_.arrive(told.client, told.home, settings_.settled_s)) return true;
  if (const auto at = rests_.find(told.client); at != rests_.end() && at->second.both_until_s != 0) return false;  // he refreshes at his new home
  Step* const step = find(told.client, false);
  if (step == nullptr && placed.layer == assign::Layer::slot && settle_of_slot(told, changed, over)) return true;
  if (step == nullptr || step->state != StepState::committed || (step->to != told.home && placed.home != told.home)) return false;
  if (step->to == step->from) return false;  // another of these has turned him round
  if (turn(*step, told.home))
    over.push_back(step);
  else
    settle(*step, true, changed, over, 0);
  return true;
}

/// From now on the client is at his new home, and only CANCEL and ACK go to both a while longer, and as long as his slot is on its way. His watchers are to be
/// told, for which he does not wait: where the home before is dead he may move again.
void Mover::settle(Step& step, bool is_confirmed, std::vector<const Step*>& changed, std::vector<const Step*>& over, std::uint64_t slot_deadline_s) {
  Plan& plan = plan_of(step);
  (is_confirmed ? plan.confirmed : plan.unconfirmed) += step.clients;
  if (step.is_slot) {
    plan.told += step.clients;  // of whom nothing is known: there is nobody to be named to the home before
    over.push_back(&step);
    return show(step, {.previous = step.from, .is_settled = true});
  }
  step.is_confirmed = is_confirmed;
  changed.push_back(&owe(step));
  const std::uint64_t now = base::unset_wall_s();
  step.state = StepState::resting;
  step.aor.clear();
  step.both_until_s = std::max(now, slot_deadline_s) + settings_.settled_s;
  step.rests_until_s = now + settings_.cooldown_s;
  changed.push_back(&step);
  rest(step);
}

/// The watchers of a settled step's client are to be told.
Step& Mover::owe(Step step) {
  step.state = StepState::settled;
  step.owed = next_owed_++;
  ++open_[step.plan];
  return owed_[step.from].emplace_back(std::move(step));
}

/// One of those who move with their slot has arrived, before the others. Returns whether it is so.
bool Mover::settle_of_slot(const assign::Confirmation& told, std::vector<const Step*>& changed, std::vector<const Step*>& over) {
  Step* const whole = find(told.client, true);
  if (whole == nullptr || whole->state != StepState::committed || whole->to != told.home) return false;
  if (whole->clients > 0) --whole->clients;  // he is counted by himself, however many they were thought to be
  changed.push_back(whole);
  settle(keep({.key = told.client,
               .aor = std::string(told.name()),
               .from = whole->from,
               .to = whole->to,
               .state = StepState::committed,
               .plan = whole->plan,
               .set_out_s = whole->set_out_s}),
         true, changed, over, whole->deadline_s);
  return true;
}

/// Who has not come in time; and who came so long ago that nothing goes to both homes any more.
void Mover::overdue() {
  const std::uint64_t now = base::unset_wall_s();
  const auto lock = lock_plans();
  std::vector<Step*> late;
  for (; !deadlines_.empty() && deadlines_.top().s <= now; deadlines_.pop()) {
    Step* const step = find(deadlines_.top().key, deadlines_.top().is_slot);
    if (step != nullptr && step->state == StepState::committed && step->deadline_s <= now) late.push_back(step);
  }
  // A step may stand there twice: a client who was sent off by hand has the key of one before.
  std::ranges::sort(late);
  late.erase(std::ranges::unique(late).begin(), late.end());
  std::vector<HomeIndex> placed;
  if (!late.empty())
    loop_.call([&] {
      for (const Step* step : late) placed.push_back(step->is_slot ? step->to : commons_.assignment.find(step->key).home);
    });
  std::vector<const Step*> changed, over;
  for (std::size_t i = 0; i < late.size(); ++i)
    if (turn(*late[i], placed[i] != assign::no_home ? placed[i] : late[i]->to))
      over.push_back(late[i]);
    else
      settle(*late[i], false, changed, over, 0);
  save_and_forget(changed, over);
  end_rests(now);
}

/// CANCEL and ACK go to one home alone; and what a move meant, the disk need not know any more.
void Mover::end_rests(std::uint64_t now_s) {
  std::vector<sip::ClientKey> at_one_home;
  for (; !both_.empty() && both_.top().s <= now_s; both_.pop()) {
    const auto at = rests_.find(both_.top().key);
    if (at == rests_.end() || at->second.both_until_s != both_.top().s) continue;  // he moved again
    at->second.both_until_s = 0;
    at_one_home.push_back(at->first);
  }
  if (!at_one_home.empty())
    loop_.call([&] {
      for (const sip::ClientKey& key : at_one_home) commons_.moves.end(key);
    });
  std::vector<Step> rested;
  for (; !rests_ends_.empty() && rests_ends_.top().s <= now_s; rests_ends_.pop()) {
    const auto at = rests_.find(rests_ends_.top().key);
    if (at == rests_.end() || at->second.end_s() > now_s) continue;
    if (!clients_.contains(at->first)) rested.push_back({.key = at->first, .aor = {}});
    rests_.erase(at);
  }
  if (rested.empty()) return;
  std::vector<const Step*> over;
  for (const Step& step : rested) over.push_back(&step);
  save({}, over);
}

/// Watchers of those who are at their new home, some of each home before at a time. A home that cannot be told is told later.
void Mover::tell_watchers() {
  take_returned();
  const auto lock = lock_plans();
  for (auto& [home, queue] : owed_) {
    if (queue.empty() || telling_.contains(home)) continue;
    if (const auto at = untold_.find(home); at != untold_.end() && at->second.again_ms > base::monotonic_ms()) continue;
    const std::size_t count = std::min(queue.size(), told_at_once);
    Errand errand{.home = home, .tidings = Tidings::moved};
    errand.steps.assign(queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(count));
    telling_[home] = count;
    herald_->send(std::move(errand));
  }
}

/// What became of what homes were to be told.
void Mover::take_returned() {
  std::size_t unasked = 0;
  std::string why;
  const auto lock = lock_plans();
  for (const Errand& errand : herald_->take()) {
    if (errand.told) {
      if (errand.tidings != Tidings::moved) continue;
      if (untold_.erase(errand.home) != 0) spdlog::info("watchers of clients who have left {} are told again", name_of(errand.home));
      told(errand.home, *errand.told);
    } else if (errand.tidings == Tidings::moved) {
      untold(errand.home, errand.steps.size(), errand.told.error());
    } else {
      unasked += errand.steps.size();
      why = errand.told.error();
    }
  }
  // They come at their own next refresh.
  if (unasked != 0) spdlog::warn("{} clients on the move are not asked to hurry: {}", unasked, why);
}

/// Tried again every two seconds for as long as it takes, and said once for each reason.
void Mover::untold(HomeIndex home, std::size_t clients, const std::string& why) {
  telling_.erase(home);
  Untold& untold = untold_[home];
  untold.again_ms = base::monotonic_ms() + tell_again_after_ms;
  if (std::exchange(untold.why, why) != why)
    spdlog::warn("watchers of {} clients who have left {} are not told yet, which is tried again: {}", clients, name_of(home), why);
}

/// The watchers of those who were at the front of a home's queue have been told: that was the last thing to be done for them.
void Mover::told(HomeIndex home, std::span<const sip::ClientKey> sticky) {
  auto& queue = owed_[home];
  const std::size_t count = telling_.extract(home).mapped();
  std::vector<const Step*> over;
  for (std::size_t i = 0; i < count; ++i) {
    Plan& plan = plan_of(queue[i]);
    ++plan.told;
    if (std::ranges::find(sticky, queue[i].key) != sticky.end()) ++plan.sticky;
    over.push_back(&queue[i]);
  }
  save({}, over);
  for (const Step* step : over) close(step->plan);
  queue.erase(queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(count));
}

}  // namespace viaduct::migration
