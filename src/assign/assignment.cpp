// SPDX-License-Identifier: Apache-2.0
// The layers put together: an entry of the client's own (pin or override), else its slot, else nobody. Batches and their epoch.
#include "viaduct/assign/assignment.h"

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
  std::atomic<std::uint32_t> epoch{0};  // of the last batch; release after all of its stores

  [[nodiscard]] Placement find_step_by_step(const ClientKey& key) const;
};

namespace {

Placement placed(const Found& f) { return {f.home, f.pinned ? Layer::pin : Layer::override_, f.epoch}; }
Placement by_slot(const Slots::Slot& s) { return {s.home(), s.home() == no_home ? Layer::none : Layer::slot, s.epoch()}; }

}  // namespace

/// What `find` does when nobody is known by his slot, or a slot has changed meanwhile.
Placement Assignment::Impl::find_step_by_step(const ClientKey& key) const {
  const Found found = table.find(key);
  if (found.home != no_home) return placed(found);
  // The slot is believed only if the client still has no entry after it was read: else a slot dealt later would sign over an entry made in between.
  const Slots::Slot slot = slots.at(key);
  const Found again = table.find(key);
  if (again.home != no_home) return placed(again);
  return policy == Policy::explicit_ ? Placement{no_home, Layer::none, slot.epoch()} : by_slot(slot);
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
  }
  base::fail("a layer without a name");
}

Assignment::Assignment(Policy policy, std::size_t entries_expected) : impl_(new Impl{policy, Table(entries_expected), {}}) {}
Assignment::~Assignment() = default;

void Assignment::prefetch(const ClientKey& key) const {
  impl_->table.prefetch(key);
  if (impl_->policy == Policy::slots) impl_->slots.prefetch(key);
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

HomeIndex Assignment::slot_home(const ClientKey& key) const { return impl_->slots.at(key).home(); }

void Assignment::deal_slots(const Homes& homes, const base::Key128& seed) {
  const std::uint32_t next = epoch() + 1;
  impl_->slots.deal(homes, seed, next);
  impl_->epoch.store(next, std::memory_order_release);
}

std::uint32_t Assignment::apply(std::span<const Change> changes, share::Epoch& epoch) {
  const std::uint32_t next = this->epoch() + 1;
  bool changed = false;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (i + prefetch_changes < changes.size()) impl_->table.prefetch_to_write(changes[i + prefetch_changes].key);
    const Change& c = changes[i];
    if (c.home != no_home) {
      changed |= impl_->table.put(c.key, {c.home, c.pin, next}, epoch);
    } else if (impl_->table.find(c.key).home != no_home) {
      impl_->slots.touch(c.key, next);  // first: whoever finds the entry gone finds the slot's new epoch
      impl_->table.erase(c.key, epoch);
      changed = true;
    }
  }
  impl_->table.close_batch(epoch);
  if (changed) impl_->epoch.store(next, std::memory_order_release);
  reclaim(epoch);
  return this->epoch();
}

std::size_t Assignment::reclaim(share::Epoch& epoch) { return impl_->table.reclaim(epoch); }

std::uint32_t Assignment::epoch() const { return impl_->epoch.load(std::memory_order_acquire); }

Assignment::Statistics Assignment::statistics() const {
  const Table::Statistics t = impl_->table.statistics();
  return {.pins = t.pins, .overrides = t.clients - t.pins, .capacity = t.capacity, .bytes = t.bytes + impl_->slots.bytes(), .shards = t.shards};
}

void Assignment::count_by_home(std::span<std::size_t> entries, std::span<std::size_t> slots) const {
  impl_->table.count_by_home(entries);
  impl_->slots.count_by_home(slots);
}

}  // namespace viaduct::assign
