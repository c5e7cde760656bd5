// SPDX-License-Identifier: Apache-2.0
// The writer's side of the table: sizes, growth of a shard, grace periods of freed entries and unpublished shards.
#include "table.h"

#include <algorithm>
#include <bit>

#include "viaduct/base/check.h"

namespace viaduct::assign {
namespace {

/// Clients of a shard as the table is made: rebuilding one takes the control core some 30 ms, and its lines fill whole huge pages.
constexpr std::size_t shard_clients_aimed = std::size_t{1} << 18;
constexpr std::uint32_t shard_lines_min = 8;
constexpr std::uint32_t shard_lines_max = std::uint32_t{1} << 30;

/// Lines that hold so many clients at a load of so many percent; even, because lines are neighbours in pairs.
std::uint32_t lines_for(std::size_t clients, std::size_t load_percent) {
  const std::size_t lines = clients * 100 / (entries_per_line * load_percent) + 1;
  base::check(lines <= shard_lines_max, "a shard of the assignment table beyond its bound");
  return std::max(shard_lines_min, static_cast<std::uint32_t>((lines + 1) / 2 * 2));
}

}  // namespace

unsigned Table::bits_for(std::size_t entries_expected) {
  const std::size_t shards = std::bit_ceil(entries_expected / shard_clients_aimed);
  return std::clamp(static_cast<unsigned>(std::bit_width(shards)) - 1, shard_bits_min, shard_bits_max);
}

/// Whoever finds the head finds the shard: what the lines do not tell is then looked up in it or in one that came later.
void Table::publish(std::uint32_t i, std::unique_ptr<Shard> shard) {
  const Head head = shard->head();
  shards_[i].store(shard.release(), std::memory_order_release);
  heads_[i].store(head, std::memory_order_release);
}

Table::Table(std::size_t entries_expected) : bits_(bits_for(entries_expected)) {
  const std::size_t shards_count = std::size_t{1} << bits_;
  shards_ = std::make_unique<std::atomic<Shard*>[]>(shards_count);
  generations_.resize(shards_count);
  // From 76 % load down to 58 % when the expected clients are in, 24 octets of lines a client on average: few walks go beyond the prefetched pair,
  // and shards of an even hash do not all grow in one moment.
  for (std::size_t i = 0; i < shards_count; ++i) {
    const std::uint32_t lines = lines_for(entries_expected / shards_count, 76 - 18 * i / shards_count);
    publish(static_cast<std::uint32_t>(i), std::make_unique<Shard>(lines, bits_));
  }
}

Table::~Table() {
  for (std::uint32_t i = 0; i < generations_.size(); ++i) delete &writable(i);
}

void Table::retire(Shard::Effect& effect, share::Epoch& epoch) {
  if (effect.old_side) retired_.add(std::move(effect.old_side), epoch);
}

bool Table::put(const ClientKey& key, const Found& next, share::Epoch& epoch) {
  const std::uint32_t i = index(key);
  if (writable(i).is_full()) grow(i, epoch);
  Shard::Effect effect = writable(i).put(key, next);
  retire(effect, epoch);
  pins_ = pins_ - effect.before.pinned + next.pinned;
  return effect.before.home != next.home || effect.before.pinned != next.pinned;
}

void Table::erase(const ClientKey& key, share::Epoch& epoch) {
  const std::uint32_t i = index(key);
  Shard::Effect effect = writable(i).erase(key);
  retire(effect, epoch);
  if (effect.freed) freed_.push_back({i, generations_[i], *effect.freed});
  pins_ -= effect.before.pinned;
}

/// Publish a larger shard in place of a full one: by half, or as it is when freed entries are what fills it.
void Table::grow(std::uint32_t i, share::Epoch& epoch) {
  retired_.reclaim(epoch);
  const Shard& old = writable(i);
  const std::uint32_t lines = std::max(old.lines_count(), lines_for(old.clients() * 3 / 2, 85));
  publish(i, old.rebuilt(lines));
  ++generations_[i];
  retired_.add(std::unique_ptr<const Shard>(&old), epoch);
}

void Table::close_batch(share::Epoch& epoch) {
  if (freed_.empty()) return;
  freed_batches_.emplace_back(epoch.start(), std::move(freed_));
  freed_.clear();
}

std::size_t Table::reclaim(share::Epoch& epoch) {
  retired_.reclaim(epoch);
  while (!freed_batches_.empty() && epoch.is_over(freed_batches_.front().first)) {
    for (const FreedPlace& f : freed_batches_.front().second)
      if (f.generation == generations_[f.shard]) writable(f.shard).release(f.place);
    freed_batches_.pop_front();
  }
  return retired_.size() + freed_batches_.size();
}

Table::Statistics Table::statistics() const {
  Statistics sum{.pins = pins_, .shards = generations_.size()};
  for (std::uint32_t i = 0; i < generations_.size(); ++i) {
    const Shard& s = writable(i);
    sum.clients += s.clients();
    sum.capacity += std::size_t{s.lines_count()} * entries_per_line;
    sum.bytes += s.bytes();
  }
  return sum;
}

void Table::count_by_home(std::span<std::size_t> clients) const {
  const auto count = [&](HomeIndex home) {
    if (home < clients.size()) ++clients[home];
  };
  for (std::uint32_t i = 0; i < generations_.size(); ++i) writable(i).for_each_home(count);
}

}  // namespace viaduct::assign
