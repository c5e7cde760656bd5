// SPDX-License-Identifier: Apache-2.0
// A change of a fleet: put together here, offered to the fleet's log as the next one, and only then committed. Where another node was quicker its change is taken
// over first, and this one put together again on top of it.
#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "showing.h"
#include "viaduct/base/clocks.h"
#include "viaduct/base/limits.h"
#include "viaduct/control/entry.h"
#include "viaduct/control/placements.h"

namespace viaduct::control {
namespace {

constexpr unsigned attempts_unreserved = 2;  // so often others may be quicker, then they wait for this one
constexpr std::chrono::seconds wait_max{60};  // for one that another node makes
constexpr std::chrono::milliseconds look_again_after{50};
constexpr unsigned offers_max = 2;  // of one change, while the log's servers do not answer

std::unexpected<std::string> refusal(const store::Error& e) { return std::unexpected(e.text); }

}  // namespace

/// A batch's writer that notes for the log what really changes.
class Placements::Recording final : public store::Writer {
 public:
  /// `homes` and `slots` are those that stand.
  Recording(store::Writer& writer, const Batch& batch, std::vector<std::string> homes, std::vector<assign::HomeIndex> slots)
      : writer_(writer), batch_(batch), homes_(std::move(homes)), slots_(std::move(slots)) {}

  store::Result<std::optional<store::Record>> put(const store::Move& move) override {
    if (batch_.moves && !batch_.again) given_.add(ClientRow{.aor = move.aor, .home = move.home, .previous = {}, .pin = move.pin});
    auto before = writer_.put(move);
    if (!before || (!*before && !move.home) || (*before && move.home && (*before)->home == *move.home && (*before)->pin == move.pin)) return before;
    const assign::HomeIndex by_slot = slots_.empty() ? assign::no_home : slots_[assign::slot_of(move.key)];
    entry_.add(ClientRow{.aor = move.aor, .home = move.home, .previous = *before ? (*before)->home : by_slot, .pin = move.pin});
    return before;
  }
  store::Result<void> set_home(std::uint16_t index, std::string_view description) override {
    if (index >= homes_.size() || homes_[index] != description) head_.homes[index] = description;
    return writer_.set_home(index, description);
  }
  store::Result<void> set_slots(std::span<const std::uint16_t> homes) override {
    for (std::uint32_t i = 0; i < homes.size(); ++i) {
      const assign::HomeIndex before = slots_.empty() ? assign::no_home : slots_[i];
      if (before != homes[i]) entry_.add(SlotRow{.slot = i, .home = homes[i], .previous = before});
    }
    return writer_.set_slots(homes);
  }
  store::Result<void> keep(const store::Record& record, std::string_view aor) override { return writer_.keep(record, aor); }
  store::Result<void> clear() override { return writer_.clear(); }
  store::Result<void> set_fleet(const base::Hash128& mark) override { return writer_.set_fleet(mark); }
  store::Result<std::uint32_t> commit() override { return writer_.commit(); }
  store::Result<void> commit_as(std::uint32_t epoch) override { return writer_.commit_as(epoch); }

  /// All moves that were given, also those that change nothing.
  [[nodiscard]] std::string given() const { return given_.finish({}); }
  /// The entry; empty when nothing changes.
  [[nodiscard]] std::string finish(const std::string& node) {
    for (const assign::Confirmation& arrival : batch_.arrivals) entry_.add(arrival);
    if (entry_.bytes() == 0 && head_.homes.empty()) return {};
    head_.node = node;
    head_.author = batch_.author;
    head_.at_s = base::wall_s();
    head_.sets_out = batch_.sets_out;
    return entry_.finish(head_);
  }

 private:
  store::Writer& writer_;
  const Batch& batch_;
  std::vector<std::string> homes_;
  std::vector<assign::HomeIndex> slots_;
  EntryHead head_;
  EntryWriter entry_, given_;
};

namespace {

/// The log, for one change that others have overtaken. They have it again when this goes.
class Reservation {
 public:
  explicit Reservation(store::SharedLog& log) : log_(log) {}
  ~Reservation() {
    if (is_tried_) log_.release();
  }
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;
  /// Whether it is ours.
  bool take() {
    is_tried_ = true;
    return log_.reserve().value_or(false);
  }

 private:
  store::SharedLog& log_;
  bool is_tried_{};
};

/// Moves as an entry has them, to be put once more.
class Replay {
 public:
  Replay(const std::string& octets, const base::Key128& seed) {
    const auto entry = Entry::read(octets);
    if (!entry) return;
    entry->for_each_client([&](const ClientRow& row) {
      rows_.push_back({.key = sip::client_key(row.aor, seed), .aor = std::string(row.aor), .home = row.home, .pin = row.pin});
      return true;
    });
  }
  bool next(store::Move& move) {
    if (next_ == rows_.size()) return false;
    const Row& row = rows_[next_++];
    move = {.key = row.key, .aor = row.aor, .home = row.home, .pin = row.pin};
    return true;
  }
  void rewind() { next_ = 0; }

 private:
  struct Row {
    base::Hash128 key;
    std::string aor;
    std::optional<assign::HomeIndex> home;
    bool pin{};
  };
  std::vector<Row> rows_;
  std::size_t next_{};
};

}  // namespace

Agreed agreed(const store::LogItem& item) { return {.number = item.number, .octets_hash = base::siphash64({}, item.octets)}; }

/// Servers that do not answer may have taken it all the same; offered again it is done once.
Expected<store::Appended> Placements::append(const store::LogItem& item, bool only_as_leader) {
  for (unsigned offer = 1;; ++offer) {
    auto done = sharing_->log.append(item, only_as_leader);
    if (done) return *done;
    if (done.error().fault != store::Fault::unreachable) return refusal(done.error());
    if (offer == offers_max || stopping_.load()) return std::unexpected(done.error().text + ": whether this was changed shows when it answers");
  }
}

/// Puts a change together on what stands, and offers it once. nullopt: it was not its turn, for the reason in `missed`, and `given` are the moves that it had.
Expected<std::optional<Outcome>> Placements::offer(const Batch& batch, store::Appended& missed, std::string& given) {
  std::uint32_t epoch = 0;
  std::vector<std::string> homes;
  {
    const auto snapshot = store_.snapshot();
    if (!snapshot) return refusal(snapshot.error());
    epoch = (*snapshot)->epoch();
    auto known = (*snapshot)->homes();
    if (!known) return refusal(known.error());
    homes = std::move(*known);
  }
  std::vector<assign::HomeIndex> slots;
  loop_.call([&] { slots = commons_.assignment.slots(); });
  auto writer = store_.begin(batch.author);
  if (!writer) return refusal(writer.error());
  Recording recording(**writer, batch, std::move(homes), std::move(slots));
  Showing showing(commons_.assignment);
  const Put put = [&](const store::Move& move, const std::optional<store::Record>& before) { showing.add(move, before); };
  if (const auto done = put_all(recording, batch, put, false); !done) return std::unexpected(done.error());
  const store::LogItem item{.number = epoch + 1, .octets = recording.finish(sharing_->node)};
  // Nothing that is the fleet's: but it may be of what this node has made of it.
  if (item.octets.empty()) {
    writer->reset();
    return show_all(batch, showing, epoch);
  }
  if (item.octets.size() > base::shared_log_item_bytes_max)
    return std::unexpected("it has " + std::to_string(item.octets.size()) + " octets, a fleet's change " + std::to_string(base::shared_log_item_bytes_max) +
                           " at the most: make it in parts");
  const auto appended = append(item, batch.only_as_leader);
  if (!appended) return std::unexpected(appended.error());
  if (*appended == store::Appended::not_leading) return std::unexpected("this node does not lead its fleet any more");
  if (*appended != store::Appended::done) {
    missed = *appended;
    given = recording.given();
    return std::nullopt;
  }
  if (const auto done = (*writer)->commit_as(item.number); !done) return std::unexpected("the fleet has it, this node has not yet: " + done.error().text);
  writer->reset();
  last_agreed_ = agreed(item);
  return show_all(batch, showing, item.number);
}

/// Who was not quick enough twice, or has met another's reservation, waits for one of his own, and puts nothing together in vain. The pen is let go meanwhile.
Expected<Outcome> Placements::commit_shared(Batch& batch, std::unique_lock<std::mutex>& pen) {
  std::optional<Replay> replay;
  Reservation reservation(sharing_->log);
  const auto until = std::chrono::steady_clock::now() + wait_max;
  bool must_reserve = false;
  for (unsigned attempt = 1; !stopping_.load() && std::chrono::steady_clock::now() < until; ++attempt) {
    if (must_reserve && !reservation.take()) {
      pen.unlock();
      std::this_thread::sleep_for(look_again_after);
      pen.lock();
      continue;
    }
    if (attempt > 1)
      if (const auto caught = sharing_->catch_up(); !caught) return std::unexpected(caught.error());
    store::Appended missed{};
    std::string given;
    auto offered = offer(batch, missed, given);
    if (!offered) return std::unexpected(offered.error());
    if (*offered) return **offered;
    if (!batch.is_patient) return std::unexpected("another node of the fleet changes something");
    must_reserve = must_reserve || missed == store::Appended::reserved || attempt >= attempts_unreserved;
    if (batch.again) {
      batch.again();
    } else if (batch.moves) {
      base::Key128 seed{};
      loop_.call([&] { seed = commons_.site.read().fleet_seed; });
      if (!replay) replay.emplace(given, seed);
      replay->rewind();
      batch.moves = [&](store::Move& move) -> Expected<bool> { return replay->next(move); };
    }
  }
  return std::unexpected(stopping_.load() ? "the node is stopping: nothing was changed"
                                          : "another node of the fleet makes a change that takes long: nothing was changed, try again");
}

}  // namespace viaduct::control
