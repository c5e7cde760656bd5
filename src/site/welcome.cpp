// SPDX-License-Identifier: Apache-2.0
// One cache line a look-up; an entry is one word, so that no reader sees half of it.
#include "viaduct/site/welcome.h"

#include <algorithm>
#include <bit>

namespace viaduct::site {
namespace {

std::uint64_t tag_of(std::uint64_t key) { return key >> 32; }

}  // namespace

Welcome::Welcome(std::size_t entries, const base::Key128& secret)
    : secret_(secret), set_mask_(std::bit_ceil(std::max(entries, ways) / ways) - 1), sets_(std::make_unique<Set[]>(set_mask_ + 1)) {}

// Of two workers that take the same place at once one loses it: its source comes again with the next registration.
void Welcome::keep(std::uint64_t key, std::uint32_t until_s) {
  auto& entries = sets_[key & set_mask_].entries;
  std::atomic<std::uint64_t>* place = nullptr;
  std::uint32_t ends_first_s = ~std::uint32_t{0};
  for (auto& entry : entries) {
    const std::uint64_t value = entry.load(std::memory_order_relaxed);
    const auto ends_s = static_cast<std::uint32_t>(value);
    const bool is_its_own = tag_of(value) == tag_of(key) && ends_s != 0;
    if (place == nullptr || is_its_own || ends_s < ends_first_s) {
      place = &entry;
      ends_first_s = ends_s;
    }
    if (is_its_own) break;
  }
  place->store(tag_of(key) << 32 | until_s, std::memory_order_relaxed);
}

bool Welcome::keeps(std::uint64_t key, std::uint32_t now_s) const {
  return std::ranges::any_of(sets_[key & set_mask_].entries, [&](const auto& entry) {
    const std::uint64_t value = entry.load(std::memory_order_relaxed);
    return tag_of(value) == tag_of(key) && static_cast<std::uint32_t>(value) > now_s;
  });
}

}  // namespace viaduct::site
