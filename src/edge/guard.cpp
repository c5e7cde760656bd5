// SPDX-License-Identifier: Apache-2.0
// The redirect guard's one cache line a look-up.
#include "guard.h"

#include <immintrin.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "viaduct/base/limits.h"

namespace viaduct::edge {

Guard::Guard(std::size_t entries) : set_mask_(std::bit_ceil(std::max(entries, ways) / ways) - 1), sets_(std::make_unique<Set[]>(set_mask_ + 1)) {}

// The client key is keyed by the fleet's secret, so a CRC over the Call-ID beside it is enough: who forges a collision redirects himself less.
Guard::Key Guard::key(const base::Hash128& client, std::string_view call_id, std::uint64_t transaction) {
  std::uint64_t crc = client.high;
  std::size_t i = 0;
  for (; i + 8 <= call_id.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, call_id.data() + i, 8);
    crc = _mm_crc32_u64(crc, word);
  }
  for (; i < call_id.size(); ++i) crc = _mm_crc32_u8(static_cast<std::uint32_t>(crc), static_cast<std::uint8_t>(call_id[i]));
  return {.session = client.low ^ (crc << 32), .transaction = transaction};
}

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
