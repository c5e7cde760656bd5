// SPDX-License-Identifier: Apache-2.0
#include "viaduct/registrar/keeper.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <utility>

#include "viaduct/base/limits.h"

namespace viaduct::registrar {
namespace {

/// The clock's seconds and the machine's do not end together; and a clock that is merely held to the time moves by less.
constexpr location::ClockOffset offset_moves_s = 2;
/// Between two tries of a batch that the store refused: a full disk is not filled by asking.
constexpr std::chrono::seconds again_after{1};

bool is_before(const store::Row& a, const store::Row& b) { return std::memcmp(&a.key, &b.key, sizeof a.key) < 0; }

/// In the order of the keys, in which neighbours on disk are written together; of several rows of one key, gathered at several times, the last one stays.
void sort(std::vector<store::Row>& rows) {
  std::ranges::stable_sort(rows, is_before);
  std::size_t end = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i + 1 < rows.size() && rows[i].key == rows[i + 1].key) continue;
    if (end != i) rows[end] = std::move(rows[i]);
    ++end;
  }
  rows.resize(end);
}

/// Those that the store takes in pieces as small as it has room for, and leaves the others.
void write_pieces(store::Rows& store, std::vector<store::Row>& rows) {
  std::size_t done = 0;
  for (std::size_t piece = rows.size(); piece != 0 && done < rows.size();) {
    piece = std::min(piece, rows.size() - done);
    if (store.write(std::span(rows).subspan(done, piece)))
      done += piece;
    else
      piece /= 2;
  }
  rows.erase(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(done));
}

/// All of them, or, where the store has no room for all, those that go, and those in whose place there is a row. What is written, or need not be, is taken away.
store::Result<void> write(store::Rows& store, std::vector<store::Row>& rows) {
  auto written = store.write(rows);
  if (written) rows.clear();
  if (written || (written.error().fault != store::Fault::map_full && written.error().fault != store::Fault::disk_full)) return written;
  const auto stands = store.stand(rows);
  if (!stands) return written;
  std::vector<store::Row> going, replacing, others;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].octets.empty() && !(*stands)[i]) continue;
    (rows[i].octets.empty() ? going : (*stands)[i] ? replacing : others).push_back(std::move(rows[i]));
  }
  write_pieces(store, going);
  write_pieces(store, replacing);
  rows = std::move(others);
  rows.insert(rows.end(), std::make_move_iterator(going.begin()), std::make_move_iterator(going.end()));
  rows.insert(rows.end(), std::make_move_iterator(replacing.begin()), std::make_move_iterator(replacing.end()));
  return rows.empty() ? store::Result<void>{} : written;
}

}  // namespace

location::ClockOffset clock_offset_s() {
  const auto seconds = [](auto time) { return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count(); };
  return seconds(std::chrono::system_clock::now()) - seconds(std::chrono::steady_clock::now());
}

Things things_of(location::Bindings& bindings) {
  const auto gather = [&bindings](std::size_t most, const location::RowBasis& basis, std::vector<store::Row>& out) {
    const std::vector<location::ClientKey> changed = bindings.take_changed(most);
    for (const location::ClientKey& key : changed) {
      const assign::Location* const location = bindings.location(key);
      out.push_back({key, location != nullptr ? location::to_row(*location, basis) : std::string{}});
    }
    return changed.size();
  };
  return {.gather = gather, .note_all = [&bindings] { bindings.note_all(); }};
}

Things things_of(notifier::Watchers& watchers) {
  const auto gather = [&watchers](std::size_t most, const location::RowBasis& basis, std::vector<store::Row>& out) {
    return watchers.take_changed(most, basis, out);
  };
  return {.gather = gather, .note_all = [&watchers] { watchers.note_all(); }};
}

Keeper::Keeper(std::string what, Things things, std::shared_ptr<store::Rows> rows, std::vector<base::Endpoint> listeners, Clock clock)
    : what_(std::move(what)),
      things_(std::move(things)),
      rows_(std::move(rows)),
      listeners_(std::move(listeners)),
      clock_(std::move(clock)),
      offset_s_(clock_()) {
  thread_ = std::thread([this] { run(); });
}

Keeper::~Keeper() {
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

/// True when nothing is left to gather.
bool Keeper::gather(std::size_t most) {
  const location::ClockOffset now_s = clock_();
  if (std::abs(now_s - offset_s_) > offset_moves_s) {
    offset_s_ = now_s;
    things_.note_all();
  }
  const bool is_all = things_.gather(most, {.offset_s = offset_s_, .listeners = listeners_}, gathered_) < most;
  if (is_all) marks_gathered_ = marks_;
  return is_all;
}

/// With the mutex. Behind what the store has refused, of which it may have changed something.
void Keeper::hand_over() {
  batch_.insert(batch_.end(), std::make_move_iterator(gathered_.begin()), std::make_move_iterator(gathered_.end()));
  gathered_.clear();
  marks_in_batch_ = marks_gathered_;
  if (batch_.empty()) marks_written_ = marks_in_batch_;
  wake_.notify_all();
}

std::uint64_t Keeper::mark() {
  due_ = {};
  return ++marks_;
}

bool Keeper::wait(std::uint64_t mark, std::chrono::steady_clock::time_point until) {
  std::unique_lock lock(mutex_);
  return wake_.wait_until(lock, until, [&] { return marks_written_ >= mark; });
}

void Keeper::tick() {
  const auto now = std::chrono::steady_clock::now();
  if (now < due_) return;
  std::unique_lock lock(mutex_, std::try_to_lock);
  if (!lock.owns_lock() || is_writing_ || (!batch_.empty() && !is_refused_)) return;
  if (!gather(base::bindings_kept_a_round) && gathered_.size() < base::bindings_kept_at_once) return;
  due_ = now + std::chrono::milliseconds(base::bindings_kept_every_ms);
  hand_over();
}

void Keeper::finish(std::chrono::steady_clock::time_point until) {
  std::unique_lock lock(mutex_);
  if (is_refused_) until = {};
  for (bool is_all = false; !is_all;) {
    const bool is_taken = settle(lock, until);
    // What the store has refused it may take when all that has gone since goes with it.
    do is_all = gather(base::bindings_kept_at_once);
    while (!is_taken && !is_all);
    hand_over();
  }
  if (!settle(lock, until)) spdlog::error("of {} {} what has changed is lost with this stop: it could not be written", batch_.size(), what_);
}

/// Wait until all that was handed over is written. False: it was refused, and is again after that time. Shape: the lock is held.
bool Keeper::settle(std::unique_lock<std::mutex>& lock, std::chrono::steady_clock::time_point until) {
  const std::uint64_t refusals = refusals_ + (is_writing_ ? 1 : 0);  // what is being written now may be without the last of it
  is_hurried_ = is_refused_;
  wake_.notify_all();
  const auto is_done = [this] { return batch_.empty() && !is_writing_; };
  wake_.wait(lock, [&] { return is_done() || (refusals_ > refusals && std::chrono::steady_clock::now() >= until); });
  return is_done();
}

void Keeper::tell(const store::Result<void>& written) const {
  if (!written && !is_refused_) spdlog::error("{} are not kept for a restart, which is tried again every second: {}", what_, written.error().text);
  if (written && is_refused_) spdlog::info("{} are kept again", what_);
}

void Keeper::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return is_over_ || !batch_.empty(); });
    if (is_over_) return;
    std::vector<store::Row> rows = std::exchange(batch_, {});
    is_writing_ = true;
    lock.unlock();
    sort(rows);
    const store::Result<void> written = write(*rows_, rows);
    tell(written);
    lock.lock();
    is_writing_ = false;
    is_refused_ = !written;
    if (written) {
      if (batch_.empty()) marks_written_ = marks_in_batch_;
      wake_.notify_all();
    } else {
      rows.insert(rows.end(), std::make_move_iterator(batch_.begin()), std::make_move_iterator(batch_.end()));
      batch_ = std::move(rows);
      ++refusals_;
      wake_.notify_all();
      wake_.wait_for(lock, again_after, [this] { return is_over_ || std::exchange(is_hurried_, false); });
    }
  }
}

namespace {

/// What was read of rows: nothing, unless each could be.
std::expected<void, std::string> whole(const store::Result<std::uint64_t>& broken, std::uint64_t unread, std::string_view file) {
  if (!broken) return std::unexpected(broken.error().text);
  if (*broken + unread == 0) return {};
  return std::unexpected(std::string(file) + ": " + std::to_string(*broken + unread) + " rows cannot be read: it is corrupt or another build's");
}

}  // namespace

std::expected<std::vector<location::ClientKey>, std::string> restore(const store::Rows& rows, std::span<location::Bindings* const> shards, std::uint64_t now_s,
                                                                     const location::RowBasis& basis, std::string_view file) {
  std::uint64_t unread = 0;
  std::vector<location::ClientKey> changed;
  const auto broken = rows.each([&](const base::Hash128& key, std::string_view octets) {
    const auto row = location::from_row(octets, basis);
    if (!row) {
      ++unread;
      return;
    }
    if (!shards[assign::shard_of(key, shards.size())]->restore(key, row->aor, row->bindings, now_s)) changed.push_back(key);
  });
  if (const auto is_whole = whole(broken, unread, file); !is_whole) return std::unexpected(is_whole.error());
  return changed;
}

std::expected<void, std::string> restore(const store::Rows& rows, std::span<notifier::Watchers* const> shards, std::uint64_t now_ms,
                                         const location::RowBasis& basis) {
  std::uint64_t unread = 0, left_out = 0;
  const auto broken = rows.each([&](const base::Hash128& key, std::string_view octets) {
    notifier::Watchers& watchers = *shards[assign::shard_of(key, shards.size())];
    const std::size_t before = watchers.size();
    if (!watchers.restore(octets, basis, now_ms))
      ++unread;
    else if (watchers.size() == before)
      ++left_out;
  });
  if (left_out != 0) spdlog::warn("{} subscriptions are not restored, for which there is no room: watchers.subscriptions_max", left_out);
  return whole(broken, unread, "subscriptions.mdb");
}

}  // namespace viaduct::registrar
