// SPDX-License-Identifier: Apache-2.0
// One cache line a look-up.
#include "buckets.h"

#include <algorithm>
#include <bit>

namespace viaduct::edge {

Buckets::Buckets(std::size_t entries) : set_mask_(std::bit_ceil(std::max(entries, ways) / ways) - 1), sets_(std::make_unique<Set[]>(set_mask_ + 1)) {}

Buckets::Entry& Buckets::entry_of(std::uint64_t key, std::uint64_t now_ns) {
  Set& set = sets_[key & set_mask_];
  Entry* least = &set.entries[0];
  for (Entry& e : set.entries) {
    if (e.key == key) return e;
    if (e.paid_ns < least->paid_ns) least = &e;
  }
  *least = {.key = key, .paid_ns = now_ns};
  return *least;
}

bool Buckets::take(std::uint64_t key, std::uint64_t units, const site::Rate& rate, std::uint64_t now_ns) {
  Entry& e = entry_of(key, now_ns);
  const std::uint64_t paid_ns = std::max(e.paid_ns, now_ns) + units * rate.each_ns;
  if (paid_ns - now_ns > rate.capacity_ns) return false;
  e.paid_ns = paid_ns;
  return true;
}

}  // namespace viaduct::edge
