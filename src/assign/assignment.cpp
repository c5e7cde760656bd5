// SPDX-License-Identifier: Apache-2.0
// The layers put together: an entry of the client's own (pin or override), else its slot, else nobody. Batches and their epoch.
#include "viaduct/assign/assignment.h"

#include <array>

#include "slots.h"
#include "table.h"
#include "viaduct/base/check.h"

namespace viaduct::assign {
namespace {

/// Changes of a batch whose lines are fetched ahead: two misses each, and ten of them in flight fill what a core can have.
constexpr std::size_t prefetch_changes = 12;

}  // namespace

struct Assignment::Impl {
  Policy policy;
  Table table;
  Slots slots;
  std::atomic<std::uint32_t> newest{0};  // batch; the epoch; release after all of its stores
  std::atomic<bool> is_loaded{false};   // release after the last draft's publication, acquire by readers
  std::vector<ClientKey> leaving;       // removed clients whose shard is closed: they leave when it is made anew

  void raise_epoch(std::uint32_t batch) {
    if (is_later(batch, newest.load(std::memory_order_relaxed))) newest.store(batch, std::memory_order_release);
  }
  bool apply(const Change& c, std::uint32_t batch, share::Epoch& epoch);
  void remove(const ClientKey& key, std::uint32_t batch, share::Epoch& epoch);
  [[nodiscard]] Placement find_step_by_step(const ClientKey& key) const;
  void place_by_slots(std::span<const ClientKey> keys, std::span<const std::uint8_t> which, std::uint64_t changes, std::span<Placement> out) const;
};

namespace {

Placement placed(const Found& f) { return {.home = f.home, .layer = f.pinned ? Layer::pin : Layer::override_, .epoch = f.epoch}; }
Placement by_slot(const Slots::Slot& s) { return {.home = s.home(), .layer = s.home() == no_home ? Layer::none : Layer::slot, .epoch = s.epoch()}; }

}  // namespace

/// What `find` does when nobody is known by his slot, or a slot has changed meanwhile.
Placement Assignment::Impl::find_step_by_step(const ClientKey& key) const {
  const bool was_loaded = is_loaded.load(std::memory_order_acquire);  // before the table is looked into, or it could have been filled in between
  const Found found = table.find(key);
  if (found.home != no_home) return placed(found);
  // The slot is believed only if the client still has no entry after it was read: else a slot dealt later would sign over an entry made in between.
  const Slots::Slot slot = slots.at(key);
  const Found again = table.find(key);
  if (again.home != no_home) return placed(again);
  if (policy == Policy::slots) return by_slot(slot);
  return {.layer = was_loaded ? Layer::none : Layer::loading, .epoch = slot.epoch()};
}

std::string_view name(Layer l) {
  switch (l) {
    case Layer::pin:
      return "pin";
    case Layer::override_:
      return "override";
    case Layer::slot:
      return "slot";
    case Layer::none:
      return "none";
    case Layer::loading:
      return "loading";
  }
  base::fail("a layer without a name");
}

struct ShardDraft::Impl {
  Table::Draft shard;
  std::uint32_t batch;
};

ShardDraft::ShardDraft(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ShardDraft::ShardDraft(ShardDraft&&) noexcept = default;
ShardDraft& ShardDraft::operator=(ShardDraft&&) noexcept = default;
ShardDraft::~ShardDraft() = default;

Assignment::Assignment(Policy policy, std::size_t entries_expected) : impl_(new Impl{.policy = policy, .table = Table(entries_expected)}) {}
Assignment::~Assignment() = default;

/// The slots stay in a core's caches by themselves.
void Assignment::prefetch(std::span<const ClientKey> keys) const {
  const Table& table = impl_->table;
  for (const ClientKey& key : keys) table.prefetch(key);
}

Placement Assignment::find(const ClientKey& key) const {
  const Impl& a = *impl_;
  if (a.policy == Policy::explicit_) return a.find_step_by_step(key);
  // A slot that is the same before and after the client had no entry was his then: its epoch rises with each change, so it does not come back.
  const Slots::Slot slot = a.slots.at(key);
  const Found found = a.table.find(key);
  if (found.home != no_home) return placed(found);
  if (a.slots.at(key) != slot) [[unlikely]]
    return a.find_step_by_step(key);
  return by_slot(slot);
}

/// Those who have no entry: by their slots, unless a slot has changed since `changes` was read, before their lines. As in `find`, a slot is believed when it
/// was the same before and after; but a slot's line is fetched only for who has no entry.
void Assignment::Impl::place_by_slots(std::span<const ClientKey> keys, std::span<const std::uint8_t> which, std::uint64_t changes,
                                      std::span<Placement> out) const {
  for (const std::uint8_t i : which) out[i] = by_slot(slots.at(keys[i]));
  if (policy == Policy::slots && slots.changes() == changes) [[likely]]
    return;
  for (const std::uint8_t i : which) out[i] = find_step_by_step(keys[i]);
}

void Assignment::find(std::span<const ClientKey> keys, std::span<Placement> out) const {
  base::check(keys.size() <= base::burst_pkts_max && out.size() >= keys.size(), "more keys than a burst, or than there is room for");
  std::array<std::uint8_t, base::burst_pkts_max> nobody, elsewhere;
  std::size_t nobody_count = 0, elsewhere_count = 0;
  const Impl& a = *impl_;
  const std::uint64_t changes = a.slots.changes();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const Glance told = a.table.glance_home(keys[i]);
    out[i] = placed(told.found);
    nobody[nobody_count] = elsewhere[elsewhere_count] = static_cast<std::uint8_t>(i);
    elsewhere_count += told.is_elsewhere;
    nobody_count += told.found.home == no_home && !told.is_elsewhere;
  }
  for (const std::uint8_t i : std::span(elsewhere).first(elsewhere_count)) a.table.prefetch_further(keys[i]);
  for (const std::uint8_t i : std::span(elsewhere).first(elsewhere_count)) {
    const Found found = a.table.find(keys[i]);
    out[i] = placed(found);
    nobody[nobody_count] = i;
    nobody_count += found.home == no_home;
  }
  a.place_by_slots(keys, std::span(nobody).first(nobody_count), changes, out);
}

HomeIndex Assignment::slot_home(const ClientKey& key) const { return impl_->slots.at(key).home(); }

Policy Assignment::policy() const { return impl_->policy; }

std::uint32_t Assignment::shards_count() const { return impl_->table.shards_count(); }

std::uint32_t Assignment::shard_of(const ClientKey& key) const { return impl_->table.index(key); }

Assignment::Blocks Assignment::blocks_of(std::uint32_t shard) const {
  const std::uint32_t blocks_per_shard = (std::uint32_t{1} << store::block_bits) / shards_count();
  return {shard * blocks_per_shard, (shard + 1) * blocks_per_shard};
}

void Assignment::set_slots(std::span<const HomeIndex> homes, std::uint32_t epoch) {
  impl_->slots.set(homes, epoch);
  impl_->raise_epoch(epoch);
}

void Assignment::Impl::remove(const ClientKey& key, std::uint32_t batch, share::Epoch& epoch) {
  slots.touch(key, batch);  // first: whoever finds the entry gone finds the slot's new epoch
  table.erase(key, epoch);
}

/// False when nothing changed that a reader could see.
bool Assignment::Impl::apply(const Change& c, std::uint32_t batch, share::Epoch& epoch) {
  if (c.home == no_home && c.is_new) return false;
  if (table.refuses(c.key)) {
    if (c.home == no_home) leaving.push_back(c.key);
    return false;
  }
  if (c.home != no_home) return table.put(c.key, {c.home, c.pin, batch}, c.is_new, epoch);
  remove(c.key, batch, epoch);
  return true;
}

std::vector<std::uint32_t> Assignment::apply(std::span<const Change> changes, std::uint32_t batch, share::Epoch& epoch) {
  bool changed = false;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (i + prefetch_changes < changes.size()) impl_->table.prefetch_to_write(changes[i + prefetch_changes].key);
    changed |= impl_->apply(changes[i], batch, epoch);
  }
  auto stale = impl_->table.close_batch(epoch);
  if (changed) impl_->raise_epoch(batch);
  reclaim(epoch);
  return stale;
}

ShardDraft Assignment::draft(std::uint32_t shard, std::span<const store::Record> ascending, std::uint32_t batch) const {
  return ShardDraft(std::make_unique<ShardDraft::Impl>(impl_->table.draft(shard, ascending), batch));
}

void Assignment::publish(ShardDraft draft, share::Epoch& epoch) {
  auto& [shard, batch] = *draft.impl_;
  const std::uint32_t index = shard.index;
  std::erase_if(impl_->leaving, [&](const ClientKey& key) {
    const bool leaves = shard_of(key) == index;
    if (leaves) impl_->slots.touch(key, batch);
    return leaves;
  });
  impl_->table.publish(std::move(shard), epoch);
  impl_->raise_epoch(batch);
  reclaim(epoch);
}

void Assignment::set_loaded() { impl_->is_loaded.store(true, std::memory_order_release); }

std::size_t Assignment::reclaim(share::Epoch& epoch) { return impl_->table.reclaim(epoch); }

std::vector<HomeIndex> Assignment::slots() const { return impl_->slots.homes(); }

std::uint32_t Assignment::epoch() const { return impl_->newest.load(std::memory_order_acquire); }

Assignment::Statistics Assignment::statistics() const {
  const Table::Statistics t = impl_->table.statistics();
  return {.pins = t.pins,
          .overrides = t.clients - t.pins,
          .capacity = t.capacity,
          .bytes = t.bytes + impl_->slots.bytes() + sizeof(Impl),
          .bytes_reserved = t.bytes_reserved + impl_->slots.bytes_reserved(),
          .shards = shards_count()};
}

}  // namespace viaduct::assign
