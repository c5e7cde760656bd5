// SPDX-License-Identifier: Apache-2.0
#include "viaduct/control/replica.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "viaduct/base/clocks.h"
#include "viaduct/base/limits.h"

namespace viaduct::control {
namespace {

/// Asked, not watched: an answer of a majority of the servers tells also that there is nothing new, which a stream that has died does as well.
constexpr std::chrono::milliseconds look_every{100};
constexpr std::uint64_t attend_every_ms = base::shared_log_away_s * 1000 / 4;
constexpr std::uint64_t attend_again_after_ms = 1000;
constexpr std::uint64_t heard_within_ms = 3000;
constexpr std::uint64_t follow_again_after_ms_max = 5000;
constexpr std::uint64_t tell_arrivals_every_ms = 1000;   // as seldom as waves: the log keeps so many entries, not so many hours
constexpr std::chrono::milliseconds judge_every{500};
constexpr std::size_t arrivals_at_once = 20'000;      // some 2 MB
constexpr std::uint32_t trim_slack = base::shared_log_items_kept / 16;

}  // namespace

void Replica::start(Says says, OnEntry on_entry, Arrivals arrivals, OnLost on_lost, std::uint32_t past_s) {
  says_ = std::move(says);
  on_entry_ = std::move(on_entry);
  arrivals_ = std::move(arrivals);
  on_lost_ = std::move(on_lost);
  past_s_ = past_s;
  if (!fleet_.is_stale()) heard_ms_ = whole_ms_ = base::monotonic_ms();
  thread_ = std::thread([this] { run(); });
  attending_ = std::thread([this] { run_attending(); });
}

void Replica::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(stopping_, true)) return;
  }
  wake_.notify_all();
  log_.stop();
  if (!thread_.joinable()) return;
  thread_.join();
  attending_.join();
  log_.leave();
}

void Replica::run() {
  if (const auto pen = placements_.take_pen(); !pen) return;   // until the table is loaded
  for (;;) {
    round();
    std::unique_lock lock(mutex_);
    if (wake_.wait_for(lock, look_every, [&] { return stopping_; })) return;
  }
}

/// A change may take long to be taken over, and whoever has the pen may have it for long: this waits for neither, so that the node stays in the fleet meanwhile,
/// and is seen to be behind.
void Replica::run_attending() {
  for (;;) {
    attend();
    judge_staleness();
    std::unique_lock lock(mutex_);
    if (wake_.wait_for(lock, judge_every, [&] { return stopping_; })) return;
  }
}

void Replica::round() {
  if (!is_past_known_) read_past();
  if (base::monotonic_ms() < follow_again_ms_) return;
  const auto followed = follow_log();
  if (!followed) {
    must_compare_ = true;
    // Longer each time: what cannot be carried out costs the disk and the control core as much as what can.
    waits_ms_ = std::clamp<std::uint64_t>(2 * waits_ms_, look_every.count(), follow_again_after_ms_max);
    follow_again_ms_ = base::monotonic_ms() + waits_ms_;
  } else if (*followed) {
    waits_ms_ = 0;
  }
  if (!followed || *followed) note(followed ? std::string{} : followed.error());
  const std::uint64_t now = base::monotonic_ms();
  if (!followed || now - told_ms_ < tell_arrivals_every_ms) return;
  told_ms_ = now;
  tell_arrivals();
}

/// False: somebody has the pen, so nothing can be said.
Expected<bool> Replica::follow_log() {
  const auto mine = epoch();
  if (!mine) return std::unexpected(mine.error());
  const auto tail = log_.read(*mine);
  if (!tail) return std::unexpected(tail.error().text);
  if (!*tail) return std::unexpected("the fleet's log is gone");
  if (must_compare_)
    if (const auto same = compare_last(); !same) return std::unexpected(same.error());
  must_compare_ = false;
  {
    const std::lock_guard lock(mutex_);
    heard_ms_ = base::monotonic_ms();
    tail_ = {.mark = (*tail)->mark, .first = (*tail)->first, .last = (*tail)->last, .items = {}, .nodes = (*tail)->nodes, .leader = (*tail)->leader};
    epoch_ = *mine;
  }
  const auto taken = take(**tail);
  if (taken && leads()) trim(**tail);
  return taken;
}

// --- what others have changed

Expected<std::uint32_t> Replica::epoch() const {
  const auto snapshot = placements_.store().snapshot();
  if (!snapshot) return std::unexpected(snapshot.error().text);
  return (*snapshot)->epoch();
}

/// All that is new of what was read; it may have been taken over by a change of this node's own meanwhile. False: somebody has the pen.
Expected<bool> Replica::take(const store::Tail& tail) {
  auto mine = epoch();
  if (!mine) return std::unexpected(mine.error());
  if (*mine > tail.last) {
    const auto now = log_.read(*mine);  // a change of this node's own, since it was read?
    if (now && *now && (*now)->last >= *mine) return true;
    return std::unexpected("the fleet's log ends at " + std::to_string(tail.last) + ", and this node has " + std::to_string(*mine) +
                           ": it is another log, or has lost its end");
  }
  if (*mine + 1 < tail.first) {
    on_lost_();
    return std::unexpected("the fleet's log begins at " + std::to_string(tail.first) + ", and this node has " + std::to_string(*mine) +
                           ": started again, it fetches all from another node");
  }
  for (const store::LogItem& item : tail.items) {
    const auto pen = placements_.try_pen();
    if (!pen) return false;  // who has it may take long, or takes them over himself: this thread has to say that the node is there
    if (const auto taken = take_item(item); !taken) return std::unexpected(taken.error());
  }
  mine = epoch();
  if (!mine) return std::unexpected(mine.error());
  const std::lock_guard lock(mutex_);
  epoch_ = *mine;
  if (*mine >= tail.last) whole_ms_ = base::monotonic_ms();
  return true;
}

/// A log that was brought back from a copy may have got other changes under the numbers that it had lost: what this node knows of them is compared.
Expected<void> Replica::compare_last() {
  const auto pen = placements_.try_pen();
  if (!pen) return {};
  const Agreed known = placements_.last_agreed();
  if (known.number == 0) return {};
  const auto there = log_.read(known.number - 1);
  if (!there) return std::unexpected(there.error().text);
  if (!*there || (*there)->items.empty()) return {};  // it is forgotten there, or not there again: the numbers tell
  if (agreed((*there)->items.front()) == known) return {};
  return std::unexpected("change " + std::to_string(known.number) +
                         " in the fleet's log is another than here: etcd has lost changes, and got others in their place");
}

Expected<void> Replica::take_item(const store::LogItem& item) {
  const auto mine = epoch();
  if (!mine) return std::unexpected(mine.error());
  if (item.number <= *mine) return {};
  const auto fault = [&](const std::string& what) { return std::unexpected("change " + std::to_string(item.number) + " of the fleet: " + what); };
  const auto entry = Entry::read(item.octets);
  if (!entry) return fault(entry.error());
  auto batch = fleet_.followed(*entry);
  if (!batch) return fault(batch.error());
  base::Key128 seed{};
  loop_.call([&] { seed = commons_.site.read().fleet_seed; });
  std::vector<FollowedClient> clients;
  clients.reserve(entry->clients());
  entry->for_each_client([&](const ClientRow& row) {
    clients.push_back({.row = row, .key = sip::client_key(row.aor, seed)});
    return true;
  });
  if (on_entry_) on_entry_(*entry, clients, false);  // before the start, nobody is there to be told
  std::size_t next = 0;
  batch->moves = [&](store::Move& move) -> Expected<bool> {
    if (next == clients.size()) return false;
    const FollowedClient& c = clients[next++];
    move = {.key = c.key, .aor = c.row.aor, .home = c.row.home, .pin = c.row.pin};
    return true;
  };
  const auto done = placements_.follow(std::move(*batch), item);
  if (!done) return fault(done.error());
  if (!entry->head().homes.empty()) spdlog::info("homes changed by {} at {}: {}", entry->head().author.who, entry->head().node, entry->head().author.why);
  return {};
}

Expected<void> Replica::catch_up() {
  for (;;) {
    const auto mine = epoch();
    if (!mine) return std::unexpected(mine.error());
    const auto tail = log_.read(*mine);
    if (!tail) return std::unexpected(tail.error().text);
    if (!*tail) return std::unexpected("the fleet's log is gone");
    for (const store::LogItem& item : (*tail)->items)
      if (const auto taken = take_item(item); !taken) return taken;
    const auto now = epoch();
    if (!now) return std::unexpected(now.error());
    if (*now >= (*tail)->last) return {};
    if (*now == *mine) return std::unexpected("the fleet's log has no change " + std::to_string(*mine + 1));
  }
}

/// Who had set out when this node was started, and may not have arrived. Where the log is out of reach it is read on later.
void Replica::read_past() {
  const auto begin = past_end_ == 0 ? epoch() : Expected<std::uint32_t>(past_end_);
  if (!begin) return;
  past_end_ = *begin;
  const std::uint64_t since_s = base::wall_s() - std::min<std::uint64_t>(base::wall_s(), past_s_);
  base::Key128 seed{};
  loop_.call([&] { seed = commons_.site.read().fleet_seed; });
  while (past_read_ < past_end_) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
    }
    const auto tail = log_.read(past_read_);
    if (!tail || !*tail) return;
    if ((*tail)->first > past_read_ + 1) {
      past_read_ = (*tail)->first - 1;
      continue;
    }
    if ((*tail)->items.empty()) break;
    for (const store::LogItem& item : (*tail)->items) {
      past_read_ = item.number;
      if (item.number > past_end_) break;
      const auto entry = Entry::read(item.octets);
      if (!entry || entry->head().at_s < since_s) continue;
      std::vector<FollowedClient> clients;
      entry->for_each_client([&](const ClientRow& row) {
        clients.push_back({.row = row, .key = sip::client_key(row.aor, seed)});
        return true;
      });
      on_entry_(*entry, clients, true);
    }
  }
  is_past_known_ = true;
}

// --- what this node says

void Replica::attend() {
  const std::uint64_t now = base::monotonic_ms();
  if (now < attend_again_ms_) return;
  const auto done = log_.attend(says_());
  attend_again_ms_ = now + (done ? attend_every_ms : attend_again_after_ms);
  {
    const std::lock_guard lock(mutex_);
    unattended_ = done ? std::string{} : done.error().text;
  }
  const bool may_lead = done && !placements_.store().is_read_only() && !fleet_.is_stale();
  const auto led = may_lead ? log_.lead() : store::Result<bool>{false};
  const bool leads = led && *led;
  if (leads_.exchange(leads, std::memory_order_relaxed) != leads) spdlog::info("this node {} its fleet's plans", leads ? "makes" : "does not make");
}

/// Some at a time; who is not told yet is told in the next round.
void Replica::tell_arrivals() {
  const std::lock_guard one(telling_);
  std::vector<assign::Confirmation> more = arrivals_();
  untold_.insert(untold_.end(), more.begin(), more.end());
  if (untold_.empty()) return;
  const std::size_t count = std::min(untold_.size(), arrivals_at_once);
  Batch batch{.author = {"registrations", "who has moved has arrived"}, .fleet = {}, .show_fleet = {}, .moves = {}, .tell = {}, .is_patient = false};
  batch.arrivals.assign(untold_.begin(), untold_.begin() + static_cast<std::ptrdiff_t>(count));
  if (placements_.commit(std::move(batch))) untold_.erase(untold_.begin(), untold_.begin() + static_cast<std::ptrdiff_t>(count));
}

void Replica::trim(const store::Tail& tail) {
  if (tail.last < base::shared_log_items_kept || tail.first + trim_slack > tail.last - base::shared_log_items_kept) return;
  if (const auto done = log_.trim(tail.last - base::shared_log_items_kept); !done) spdlog::warn("the fleet's log is not trimmed: {}", done.error().text);
}

// --- how it stands

void Replica::note(const std::string& trouble) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || std::exchange(trouble_, trouble) == trouble) return;
  }
  if (trouble.empty())
    spdlog::info("the fleet's log is followed again");
  else
    spdlog::warn("the fleet's log is not followed: {}", trouble);
}

/// A node that has not had all for as long as another would wait for it is behind.
void Replica::judge_staleness() {
  bool is_stale = false;
  {
    const std::lock_guard lock(mutex_);
    is_stale = whole_ms_ == 0 || base::monotonic_ms() - whole_ms_ > std::uint64_t{base::shared_log_away_s} * 1000;
  }
  if (is_stale == fleet_.is_stale()) return;
  if (const auto set = fleet_.set_stale(is_stale); !set) return;
  if (is_stale)
    spdlog::warn("what the fleet has now is not known here: nobody is redirected until it is");
  else
    spdlog::info("this node knows again what the fleet has: clients are redirected as before");
}

bool Replica::is_heard() const {
  const std::lock_guard lock(mutex_);
  return trouble_.empty() && heard_ms_ != 0 && base::monotonic_ms() - heard_ms_ < heard_within_ms;
}

Replica::Standing Replica::standing() const {
  const std::lock_guard lock(mutex_);
  return {.mark = tail_.mark,
          .first = tail_.first,
          .last = tail_.last,
          .epoch = epoch_,
          .nodes = tail_.nodes,
          .leader = tail_.leader,
          .is_stale = fleet_.is_stale(),
          .heard_ago_ms = base::monotonic_ms() - heard_ms_,
          .trouble = trouble_.empty() ? unattended_ : trouble_};
}

}  // namespace viaduct::control
