// SPDX-License-Identifier: Apache-2.0
// The redirect guard's one cache line a look-up.
#include "guard.h"

#include <algorithm>
#include <bit>

#include "viaduct/base/limits.h"

namespace viaduct::edge {

Guard::Guard(std::size_t entries) : set_mask_(std::bit_ceil(std::max(entries, ways) / ways) - 1), sets_(std::make_unique<Set[]>(set_mask_ + 1)) {}

bool Guard::admits(const Key& key, std::uint32_t clock_ms) {
  Set& set = sets_[key.session & set_mask_];
  const std::uint32_t now_ms = clock_ms | 1;  // an entry of time 0 is free
  const auto transaction = static_cast<std::uint32_t>(key.transaction);
  Entry* oldest = &set.entries[0];
  for (Entry& e : set.entries) {
    const bool is_live = e.at_ms != 0 && now_ms - e.at_ms < base::redirect_guard_ms;
    if (is_live && e.session == key.session) return e.transaction == transaction;
    if (e.at_ms == 0 || now_ms - e.at_ms > now_ms - oldest->at_ms) oldest = &e;
  }
  *oldest = {.session = key.session, .transaction = transaction, .at_ms = now_ms};
  return true;
}

}  // namespace viaduct::edge
