// SPDX-License-Identifier: Apache-2.0
// A hash table without tombstones, a list in the order of last samples, and numbers that are decayed when they are touched.
#include "tracked.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>

namespace viaduct::control {
namespace {

std::uint32_t tenths(double seconds) { return static_cast<std::uint32_t>(seconds * 10); }

}  // namespace

void Tracked::set_name(std::string_view text) {
  aor = std::make_unique_for_overwrite<char[]>(text.size());
  std::ranges::copy(text, aor.get());
  aor_bytes = static_cast<std::uint16_t>(text.size());
}

TrackedClients::TrackedClients(std::size_t clients_max, double half_life_s)
    : clients_max_(clients_max), half_life_s_(half_life_s), buckets_(std::bit_ceil(2 * clients_max)), slots_(base::slots_count) {
  clients_.reserve(clients_max);
}

float TrackedClients::decay(std::uint32_t at_ds, double now_s) const { return std::exp2(static_cast<float>(-(now_s - at_ds / 10.0) / half_life_s_)); }

double TrackedClients::remembered_s(double now_s) const { return half_life_s_ / std::numbers::ln2 * (1 - std::exp2(-now_s / half_life_s_)); }

/// Where the client is, or would be.
std::size_t TrackedClients::bucket_of(const sip::ClientKey& key) const {
  const std::size_t mask = buckets_.size() - 1;
  std::size_t at = key.low & mask;
  while (buckets_[at] != 0 && !(clients_[buckets_[at] - 1].key == key)) at = (at + 1) & mask;
  return at;
}

const Tracked* TrackedClients::find(const sip::ClientKey& key) const {
  const std::uint32_t found = buckets_[bucket_of(key)];
  return found != 0 ? &clients_[found - 1] : nullptr;
}

Tracked& TrackedClients::count(const sip::ClientKey& key, const Sampled& sample, bool lives_by_slot, double now_s) {
  const std::uint32_t found = buckets_[bucket_of(key)];
  const std::uint32_t place = found != 0 ? found - 1 : take_in(key);
  if (found != 0) unlink(place);
  link_newest(place);
  Tracked& client = clients_[place];
  const float kept = decay(client.at_ds, now_s);
  const double weight = sample.weight * sample.stands_for;
  client.weight *= kept;
  count_by_slot(client, weight, lives_by_slot, now_s);
  client.events = client.events * kept + 1;
  client.weight += static_cast<float>(weight);
  client.own_weight = client.own_weight * kept + static_cast<float>(sample.weight);
  client.at_ds = tenths(now_s);
  return client;
}

/// Whoever gets an entry of his own takes what he has brought out of his slot, as far as it is known to be his.
void TrackedClients::count_by_slot(Tracked& client, double weight, bool lives_by_slot, double now_s) {
  TrackedSlot& slot = slots_[assign::slot_of(client.key)];
  if (!lives_by_slot && !client.lives_by_slot) return;
  slot.weight *= decay(slot.at_ds, now_s);
  slot.at_ds = tenths(now_s);
  if (lives_by_slot != client.lives_by_slot) {
    slot.clients += lives_by_slot ? 1U : ~0U;
    slot.weight += lives_by_slot ? client.weight : -client.weight;
  }
  if (lives_by_slot) slot.weight += static_cast<float>(weight);
  slot.weight = std::max(slot.weight, 0.0F);
  client.lives_by_slot = lives_by_slot;
}

/// A new client's place. Where there is none, he gets that of the client who was idle for longest.
std::uint32_t TrackedClients::take_in(const sip::ClientKey& key) {
  std::uint32_t place = oldest_;
  if (clients_.size() < clients_max_) {
    place = static_cast<std::uint32_t>(clients_.size());
    clients_.emplace_back();
  } else {
    forget(place);
  }
  clients_[place].key = key;
  buckets_[bucket_of(key)] = place + 1;
  return place;
}

/// His slot keeps its weight: it is borne there, whoever is known.
void TrackedClients::forget(std::uint32_t place) {
  Tracked& client = clients_[place];
  if (client.lives_by_slot) --slots_[assign::slot_of(client.key)].clients;
  // Whoever stands behind the gap, and began before it, moves up: so that a search may end at a free bucket.
  const std::size_t mask = buckets_.size() - 1;
  std::size_t gap = bucket_of(client.key);
  for (std::size_t at = (gap + 1) & mask; buckets_[at] != 0; at = (at + 1) & mask) {
    const std::size_t wanted = clients_[buckets_[at] - 1].key.low & mask;
    if (((at - wanted) & mask) < ((at - gap) & mask)) continue;
    buckets_[gap] = buckets_[at];
    gap = at;
  }
  buckets_[gap] = 0;
  unlink(place);
  client = {};
  ++evicted_;
}

void TrackedClients::unlink(std::uint32_t place) {
  const Tracked& client = clients_[place];
  (client.newer != none ? clients_[client.newer].older : newest_) = client.older;
  (client.older != none ? clients_[client.older].newer : oldest_) = client.newer;
}

void TrackedClients::link_newest(std::uint32_t place) {
  clients_[place].newer = none;
  clients_[place].older = newest_;
  (newest_ != none ? clients_[newest_].newer : oldest_) = place;
  newest_ = place;
}

}  // namespace viaduct::control
