// SPDX-License-Identifier: Apache-2.0
// The order of every change: a batch of the store, its commit, the table's shards, and then the answer. What comes before, in a fleet, is agreement.cpp's.
#include "viaduct/control/placements.h"

#include <algorithm>
#include <array>

#include "showing.h"

namespace viaduct::control {
namespace {

// Changes applied in one turn of the control core: about a millisecond.
constexpr std::size_t changes_per_turn = 4096;
constexpr std::uint64_t moves_per_tell = 1 << 16;

std::unexpected<std::string> refused(const store::Error& e) { return std::unexpected(e.text); }

}  // namespace

Expected<Client> client_named(std::string_view text, const sip::Domains& domains, const base::Key128& fleet_seed) {
  std::string uri(text);
  if (uri.find(':') == std::string::npos || uri.find('@') < uri.find(':')) uri = "sip:" + uri;
  std::array<char, base::aor_bytes_max> room;
  const auto canonical = sip::canonical_aor(uri, domains, room);
  if (!canonical) return std::unexpected(std::string(text) + ": " + std::string(sip::phrase(canonical.error())));
  const std::size_t at = canonical->rfind('@');
  if (at == std::string_view::npos || !sip::serves(domains, canonical->substr(at + 1)))
    return std::unexpected(std::string(text) + ": its domain is not served here");
  return Client{.aor = std::string(*canonical), .key = sip::client_key(*canonical, fleet_seed)};
}

// --- the pen

/// Whoever holds it may write. Waits for others, and until all that the store has is in the table: else a change could be overtaken by what it changed.
Expected<std::unique_lock<std::mutex>> Placements::take_pen() {
  std::unique_lock pen(pen_);
  loaded_.wait(pen, [&] { return is_loaded() || stopping_.load(); });
  if (stopping_.load()) return std::unexpected("the node is stopping");
  return pen;
}

std::optional<std::unique_lock<std::mutex>> Placements::try_pen() {
  std::unique_lock pen(pen_, std::try_to_lock);
  if (!pen || !is_loaded() || stopping_.load()) return std::nullopt;
  return pen;
}

void Placements::stop() {
  stopping_.store(true);
  loaded_.notify_all();
}

// --- a batch

std::vector<bool> Placements::usable_homes() {
  std::vector<bool> usable;
  loop_.call([&] {
    for (const assign::Home& h : commons_.site.read().homes) usable.push_back(h.state != assign::HomeState::removed);
  });
  return usable;
}

Expected<void> Placements::put_all(store::Writer& writer, const Batch& batch, const Put& put, bool may_name_any_home) {
  if (batch.fleet)
    if (const auto written = batch.fleet(writer); !written) return written;
  if (!batch.moves) return {};
  const std::vector<bool> usable = may_name_any_home ? std::vector<bool>{} : usable_homes();
  store::Move move;
  for (std::uint64_t done = 1;; ++done) {
    const auto more = batch.moves(move);
    if (!more) return std::unexpected(more.error());
    if (!*more) return {};
    if (!may_name_any_home && move.home && (*move.home >= usable.size() || !usable[*move.home]))
      return std::unexpected(std::string(move.aor) + ": its home is none any more");
    const auto before = writer.put(move);
    if (!before) return refused(before.error());
    put(move, *before);
    if (done % moves_per_tell != 0) continue;
    if (batch.tell) batch.tell(done);
    if (stopping_.load()) return std::unexpected("the node is stopping: nothing was changed");
  }
}

Expected<Outcome> Placements::commit(Batch batch) {
  if (!batch.is_patient) {
    auto pen = try_pen();
    if (!pen) return std::unexpected("somebody else changes something");
    return sharing_ ? commit_shared(batch, *pen) : commit_alone(batch);
  }
  auto pen = take_pen();
  if (!pen) return std::unexpected(pen.error());
  return sharing_ ? commit_shared(batch, *pen) : commit_alone(batch);
}

Expected<Outcome> Placements::commit_alone(const Batch& batch) {
  auto writer = store_.begin(batch.author);
  if (!writer) return refused(writer.error());
  Showing showing(commons_.assignment);
  const Put put = [&](const store::Move& move, const std::optional<store::Record>& before) { showing.add(move, before); };
  if (const auto done = put_all(**writer, batch, put, false); !done) return std::unexpected(done.error());
  const auto epoch = (*writer)->commit();
  if (!epoch) return refused(epoch.error());
  writer->reset();
  return show_all(batch, showing, *epoch);
}

Expected<Outcome> Placements::follow(Batch batch, const store::LogItem& item) {
  auto writer = store_.begin(batch.author);
  if (!writer) return refused(writer.error());
  Showing showing(commons_.assignment);
  const Put put = [&](const store::Move& move, const std::optional<store::Record>& before) { showing.add(move, before); };
  if (const auto done = put_all(**writer, batch, put, true); !done) return std::unexpected(done.error());
  if (const auto done = (*writer)->commit_as(item.number); !done) return refused(done.error());
  writer->reset();
  last_agreed_ = agreed(item);
  return show_all(batch, showing, item.number);
}

Expected<Outcome> Placements::show_all(const Batch& batch, Showing& showing, std::uint32_t epoch) {
  {
    const std::lock_guard counting(counts_mutex_);
    showing.add_to(counts_);
  }
  if (batch.show_fleet) loop_.call([&] { batch.show_fleet(epoch); });
  if (const auto shown = show(showing, epoch); !shown) return std::unexpected(shown.error());
  return Outcome{.epoch = epoch, .changed = showing.changed()};
}

Expected<Outcome> Placements::place(const Client& client, std::optional<assign::HomeIndex> home, bool pin, store::Author author, bool sets_out) {
  bool is_given = false;
  const auto one = [&](store::Move& move) {
    move = {.key = client.key, .aor = client.aor, .home = home, .pin = pin};
    return !std::exchange(is_given, true);
  };
  const auto again = [&] { is_given = false; };
  return commit({.author = std::move(author), .fleet = {}, .show_fleet = {}, .moves = one, .tell = {}, .again = again, .sets_out = sets_out});
}

// --- to the table

/// Durable changes to every worker: few of a shard one by one, many by a new shard.
Expected<void> Placements::show(Showing& showing, std::uint32_t epoch) {
  std::vector<std::uint32_t> anew = showing.shards_to_draft();
  const std::vector<assign::Change> changes = showing.changes();
  for (std::size_t i = 0; i < changes.size(); i += changes_per_turn) {
    const std::span piece(changes.data() + i, std::min(changes_per_turn, changes.size() - i));
    loop_.call([&] {
      const auto asked = commons_.assignment.apply(piece, epoch, commons_.epoch);
      anew.insert(anew.end(), asked.begin(), asked.end());
    });
  }
  if (anew.empty()) return {};
  const auto snapshot = store_.snapshot();
  if (!snapshot) return refused(snapshot.error());
  std::ranges::sort(anew);
  const auto repeated = std::ranges::unique(anew);
  anew.erase(repeated.begin(), repeated.end());
  std::vector<store::Record> records;
  for (const std::uint32_t shard : anew)
    if (const auto drafted = redraft(**snapshot, shard, epoch, records); !drafted) return drafted;
  return {};
}

Expected<void> Placements::redraft(const store::Snapshot& snapshot, std::uint32_t shard, std::uint32_t epoch, std::vector<store::Record>& records) {
  const auto blocks = commons_.assignment.blocks_of(shard);
  records.clear();
  if (const auto read = snapshot.records(blocks.first, blocks.end, records); !read) return refused(read.error());
  auto draft = commons_.assignment.draft(shard, records, epoch);
  loop_.call([&] { commons_.assignment.publish(std::move(draft), commons_.epoch); });
  return {};
}

// --- at the start

void Placements::count(const std::vector<store::Record>& records) {
  const std::lock_guard counting(counts_mutex_);
  for (const store::Record& r : records) {
    if (r.home >= counts_.size()) counts_.resize(r.home + 1u);
    ++(r.pin ? counts_[r.home].pins : counts_[r.home].overrides);
  }
}

Expected<bool> Placements::load(std::chrono::steady_clock::time_point until) {
  const std::unique_lock pen(pen_);
  const auto snapshot = store_.snapshot();
  if (!snapshot) return refused(snapshot.error());
  std::vector<store::Record> records;
  for (std::uint32_t shard = shards_loaded_.load(); shard < commons_.assignment.shards_count(); ++shard) {
    if (stopping_.load() || std::chrono::steady_clock::now() >= until) return false;
    if (const auto drafted = redraft(**snapshot, shard, (*snapshot)->epoch(), records); !drafted) return std::unexpected(drafted.error());
    count(records);
    clients_loaded_ += records.size();
    shards_loaded_.store(shard + 1);
  }
  if (clients_loaded_ != (*snapshot)->clients())
    return std::unexpected("store: corrupt: it has " + std::to_string((*snapshot)->clients()) + " clients, and " + std::to_string(clients_loaded_) +
                           " were read");
  loop_.call([&] { commons_.assignment.set_loaded(); });
  is_loaded_.store(true, std::memory_order_release);
  loaded_.notify_all();
  return true;
}

double Placements::loaded_ratio() const { return static_cast<double>(shards_loaded_.load()) / commons_.assignment.shards_count(); }

std::vector<HomeCount> Placements::counts() const {
  const std::lock_guard counting(counts_mutex_);
  return counts_;
}

}  // namespace viaduct::control
