// SPDX-License-Identifier: Apache-2.0
// The exact side table of a shard: the few clients whose stored bits collide, or who found no place. Immutable; replaced as a whole.
#pragma once
#include <algorithm>
#include <memory>
#include <span>
#include <vector>

#include "entry.h"

namespace viaduct::assign {

struct SideEntry {
  ClientKey key;
  Found found;
};

/// Thread: immutable once published. Sorted by key; a look-up is a binary search.
class Side {
 public:
  [[nodiscard]] Found find(const ClientKey& key) const {
    const auto at = std::ranges::lower_bound(entries_, key, {}, &SideEntry::key);
    return at != entries_.end() && at->key == key ? at->found : Found{};
  }
  /// A copy with `entries` added or replaced. Writer.
  [[nodiscard]] std::unique_ptr<const Side> with(std::span<const SideEntry> entries) const {
    auto next = std::make_unique<Side>(*this);
    for (const SideEntry& e : entries) {
      const auto at = std::ranges::lower_bound(next->entries_, e.key, {}, &SideEntry::key);
      if (at != next->entries_.end() && at->key == e.key)
        at->found = e.found;
      else
        next->entries_.insert(at, e);
    }
    return next;
  }
  /// A copy without `key`. Writer.
  [[nodiscard]] std::unique_ptr<const Side> without(const ClientKey& key) const {
    auto next = std::make_unique<Side>(*this);
    std::erase_if(next->entries_, [&](const SideEntry& e) { return e.key == key; });
    return next;
  }
  [[nodiscard]] std::span<const SideEntry> entries() const { return entries_; }
  [[nodiscard]] std::size_t bytes() const { return sizeof *this + entries_.capacity() * sizeof(SideEntry); }

 private:
  std::vector<SideEntry> entries_;
};

}  // namespace viaduct::assign
