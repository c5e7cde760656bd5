// SPDX-License-Identifier: Apache-2.0
// The writer's side of the table: which shards must be made anew, their drafts and publication, grace periods of freed entries and unpublished shards.
#include "table.h"

#include <algorithm>
#include <bit>

#include "build.h"
#include "ladder.h"
#include "viaduct/base/check.h"

namespace viaduct::assign {
namespace {

/// Clients of a shard when the expected ones are in: large enough that whole huge pages fit, small enough that two of a shard at once, while it grows, do not
/// matter, and that one is made anew in a tenth of a second.
constexpr std::size_t shard_clients_aimed = std::size_t{1} << 20;

}  // namespace

unsigned Table::bits_for(std::size_t entries_expected) {
  const std::size_t shards = std::bit_ceil((entries_expected + shard_clients_aimed - 1) / shard_clients_aimed);
  return std::clamp(static_cast<unsigned>(std::bit_width(shards)) - 1, shard_bits_min, shard_bits_max);
}

Table::Table(std::size_t entries_expected)
    : bits_(bits_for(entries_expected)), shards_(std::make_unique<std::atomic<Shard*>[]>(shards_count())), states_(shards_count()) {
  for (std::uint32_t i = 0; i < shards_count(); ++i) store(i, std::make_unique<Shard>(lines_for(0, i, shards_count()), bits_));
}

Table::~Table() {
  for (std::uint32_t i = 0; i < shards_count(); ++i) delete &writable(i);
}

/// Whoever finds the head finds the shard: what the lines do not tell is then looked up in it or in one that came later.
void Table::store(std::uint32_t i, std::unique_ptr<Shard> shard) {
  const Head head = shard->head();
  shards_[i].store(shard.release(), std::memory_order_release);
  heads_[i].store(head, std::memory_order_release);
}

void Table::set_stale(std::uint32_t i) { is_any_stale_ = states_[i].is_stale = true; }

void Table::retire(Shard::Effect& effect, share::Epoch& epoch) {
  if (effect.old_side) retired_.add(std::move(effect.old_side), epoch);
}

bool Table::refuses(const ClientKey& key) {
  State& state = states_[index(key)];
  if (!state.is_closed) return false;
  state.version.fetch_add(1, std::memory_order_relaxed);
  set_stale(index(key));
  return true;
}

bool Table::put(const ClientKey& key, const Found& next, bool is_new, share::Epoch& epoch) {
  const std::uint32_t i = index(key);
  Shard& shard = writable(i);
  Shard::Effect effect = is_new ? Shard::Effect{} : shard.change(key, next);
  // Whom the store knows and we do not, we have not loaded yet: here he is.
  const bool is_absent = effect.before.home == no_home;
  if (is_absent) effect = shard.insert(key, next);
  retire(effect, epoch);
  if (effect.is_refused) states_[i].is_closed = true;
  if (effect.is_refused || (is_absent && shard.is_full())) set_stale(i);
  const bool differs = effect.before.home != next.home || effect.before.pinned != next.pinned;
  if (differs) states_[i].version.fetch_add(1, std::memory_order_relaxed);
  return differs && !effect.is_refused;
}

void Table::erase(const ClientKey& key, share::Epoch& epoch) {
  const std::uint32_t i = index(key);
  Shard::Effect effect = writable(i).erase(key);
  retire(effect, epoch);
  if (effect.freed) freed_.push_back({i, states_[i].generation, *effect.freed});
  states_[i].version.fetch_add(1, std::memory_order_relaxed);
}

std::vector<std::uint32_t> Table::close_batch(share::Epoch& epoch) {
  if (!freed_.empty()) freed_batches_.emplace_back(epoch.start(), std::move(freed_));
  freed_.clear();
  std::vector<std::uint32_t> stale;
  if (!is_any_stale_) return stale;
  for (std::uint32_t i = 0; i < shards_count(); ++i)
    if (std::exchange(states_[i].is_stale, false)) stale.push_back(i);
  is_any_stale_ = false;
  return stale;
}

Table::Draft Table::draft(std::uint32_t i, std::span<const store::Record> records) const {
  base::check(!is_drafting_.exchange(true, std::memory_order_acquire), "two drafts at once");
  const std::uint32_t version = states_[i].version.load(std::memory_order_relaxed);
  for (const store::Record& r : records) base::check(index(r.client) == i, "a record of another shard");
  auto shard = Build(records, std::make_unique<Shard>(lines_for(records.size(), i, shards_count()), bits_)).run();
  is_drafting_.store(false, std::memory_order_release);
  return {std::move(shard), i, version};
}

void Table::publish(Draft draft, share::Epoch& epoch) {
  State& state = states_[draft.index];
  base::check(!is_drafting_.load(std::memory_order_acquire), "a shard published while another draft may read it");
  base::check(state.version.load(std::memory_order_relaxed) == draft.version, "a shard changed between its draft and its publication");
  std::unique_ptr<const Shard> old(&writable(draft.index));
  store(draft.index, std::move(draft.shard));
  retired_.add(std::move(old), epoch);
  state.version.fetch_add(1, std::memory_order_relaxed);
  ++state.generation;
  state.is_closed = false;
}

std::size_t Table::reclaim(share::Epoch& epoch) {
  retired_.reclaim(epoch);
  while (!freed_batches_.empty() && epoch.is_over(freed_batches_.front().first)) {
    for (const FreedPlace& f : freed_batches_.front().second)
      if (f.generation == states_[f.shard].generation) writable(f.shard).release(f.place);
    freed_batches_.pop_front();
  }
  return retired_.size() + freed_batches_.size();
}

Table::Statistics Table::statistics() const {
  Statistics sum;
  for (std::uint32_t i = 0; i < shards_count(); ++i) {
    const Shard& s = writable(i);
    sum.pins += s.pins();
    sum.clients += s.clients();
    sum.capacity += std::size_t{s.lines_count()} * entries_per_line;
    sum.bytes += s.bytes();
    sum.bytes_reserved += s.bytes_reserved();
  }
  return sum;
}

}  // namespace viaduct::assign
