// SPDX-License-Identifier: Apache-2.0
// One client placed by hand: he moves as those of a plan do, but at once, and by the operator's word whatever plans had in mind.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <utility>

#include "ledger.h"
#include "viaduct/base/clocks.h"
#include "viaduct/migration/mover.h"

namespace viaduct::migration {

using assign::HomeIndex;

namespace {

constexpr std::size_t looked_at_a_round = 512;  // some 0.1 ms of the control core, 50 times a second

}  // namespace

Expected<control::Outcome> Mover::place(const control::Client& client, std::optional<HomeIndex> home, bool pin, store::Author author) {
  const auto commit = [&] { return placements_.place(client, home, pin, author, true); };
  if (!ledger_) return commit();
  const std::lock_guard one(by_hand_);
  // Whoever writes placements may be placing him, and take long: where he is now is known afterwards.
  if (const auto pen = placements_.take_pen(); !pen) return std::unexpected(pen.error());
  assign::Placement placed;
  HomeIndex to = assign::no_home;
  auto plans = lock_plans();
  if (stopping_) return std::unexpected("the node is stopping");
  loop_.call([&] {
    placed = commons_.assignment.find(client.key);
    to = home.value_or(commons_.assignment.policy() == assign::Policy::explicit_ ? assign::no_home : commons_.assignment.slot_home(client.key));
  });
  const Step* const whole = find(client.key, true);
  // Who is on his way with his slot is still where that came from.
  const bool is_with_slot = placed.layer == assign::Layer::slot && whole != nullptr && whole->state == StepState::committed;
  const HomeIndex with_guests = placed.layer == assign::Layer::slot ? guests_.previous_of_slot(assign::slot_of(client.key)) : assign::no_home;
  const HomeIndex from = is_with_slot ? whole->from : with_guests != assign::no_home ? with_guests : placed.home;
  Step* const step = find(client.key, false);
  const bool is_guest = guests_.contains(client.key);
  const bool is_on_way = is_guest || (step != nullptr && step->state != StepState::planned);
  if (step != nullptr && !is_on_way) overtake(*step);
  if (!is_on_way && from != to && from != assign::no_home && to != assign::no_home) return send(std::move(plans), client, from, to, commit);
  plans.unlock();
  const auto done = commit();
  if (!done || !is_on_way) return done;
  if (is_guest) {
    guests_.place(client.key, to);
    guests_.show();
    return done;
  }
  const std::lock_guard lock(mutex_);
  turned_[client.key] = to;
  wake_.notify_all();
  return done;
}

/// The order of a plan's moves: the disk, the workers, the store and the table, and then who is to be told. Where no row of a move finds room on the disk any more
/// his placement may still: the operator's word goes first.
Expected<control::Outcome> Mover::send(std::unique_lock<std::mutex> plans, const control::Client& client, HomeIndex from, HomeIndex to,
                                       const std::function<Expected<control::Outcome>()>& commit) {
  Step going{.key = client.key, .aor = client.aor, .from = from, .to = to, .state = StepState::committed};
  const Step* const changed = &going;
  going.set_out_s = base::unset_wall_s();
  going.deadline_s = going.set_out_s + settings_.deadline_s;
  if (const auto written = ledger_->write(plans_, {&changed, 1}, {}); !written) {
    plans.unlock();
    auto placed = commit();
    if (placed) spdlog::warn("{} is placed, but his watchers will not be notified: the move could not be stored: {}", client.aor, written.error());
    return placed;
  }
  if (const auto at = rests_.find(going.key); at != rests_.end()) at->second.both_until_s = 0;
  guests_.drop(client.key);
  show(keep(std::move(going)), {.previous = from});
  plans.unlock();
  auto done = commit();
  const auto lock = lock_plans();
  Step* const step = find(client.key, false);  // he may have come already
  if (!done && step != nullptr && step->state == StepState::committed) {
    show(*step, {});
    save({}, std::array<const Step*, 1>{step});
    forget(*step);
  }
  if (!done || step == nullptr || step->state != StepState::committed) return done;
  deadlines_.push({step->deadline_s, step->key, false});
  Leaving leaving{.steps = {*step}, .tidings = Tidings::leaving, .seen = {}};
  loop_.call([&] { leaving.seen = commons_.epoch.start(); });
  leaving_.push_back(std::move(leaving));
  wake_.notify_all();
  return done;
}

/// A plan had wanted to move him.
void Mover::overtake(Step& step) {
  auto& queue = planned_[way_of(step)];
  std::erase(queue, &step);
  if (queue.empty()) planned_.erase(way_of(step));
  plan_of(step).overtaken += step.clients;
  save({}, std::array<const Step*, 1>{&step});
  forget(step);
}

/// One on his way is to go elsewhere. Returns whether his step is to be forgotten: he is back where he comes from, and has not left, or has no home any more.
bool Mover::turn(Step& step, HomeIndex to) {
  step.to = to;
  if (to != step.from && to != assign::no_home) return false;
  plan_of(step).unconfirmed += step.clients;
  show(step, {});
  return true;
}

/// Those on their way whom the operator has sent elsewhere: their new home is another, or the one before again, or none.
void Mover::turn_round() {
  const auto lock = lock_plans();
  std::vector<const Step*> changed, over;
  const auto turned = std::exchange(turned_, {});
  if (turned.empty()) return;
  std::vector<std::pair<sip::ClientKey, HomeIndex>> now;  // where the table has them: somebody may have changed it since
  loop_.call([&] {
    for (const auto& [key, to] : turned) now.emplace_back(key, commons_.assignment.find(key).home);
  });
  for (const auto& [key, to] : now) {
    Step* const step = find(key, false);
    if (step == nullptr || step->state != StepState::committed || step->to == to) continue;
    (turn(*step, to) ? over : changed).push_back(step);
  }
  save_and_forget(changed, over);
}

/// Whom a file has taken away on their way, where nobody lives by a slot: no REGISTER of theirs will be accepted, and nothing is to go to the home before. Some
/// are looked at a round.
void Mover::end_homeless() {
  if (commons_.assignment.policy() != assign::Policy::explicit_) return;
  const auto lock = lock_plans();
  std::vector<Step*> looked_at;
  const std::size_t buckets = clients_.bucket_count();
  for (std::size_t i = 0; i < std::min(buckets, looked_at_a_round) && looked_at.size() < looked_at_a_round; ++i) {
    next_bucket_ = (next_bucket_ + 1) % buckets;
    for (auto at = clients_.begin(next_bucket_); at != clients_.end(next_bucket_); ++at)
      if (at->second->state == StepState::committed) looked_at.push_back(at->second.get());
  }
  if (looked_at.empty()) return;
  loop_.call([&] { std::erase_if(looked_at, [&](const Step* step) { return commons_.assignment.find(step->key).home != assign::no_home; }); });
  std::vector<const Step*> over;
  for (Step* step : looked_at)
    if (turn(*step, assign::no_home)) over.push_back(step);
  save_and_forget({}, over);
}

std::optional<Step> Mover::move_of(const sip::ClientKey& client) const {
  const std::lock_guard lock(mutex_);
  if (const Step* const step = find(client, false)) return *step;
  for (const auto& [home, queue] : owed_)
    if (const auto at = std::ranges::find(queue, client, &Step::key); at != queue.end()) return *at;
  return std::nullopt;
}

}  // namespace viaduct::migration
