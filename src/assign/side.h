// SPDX-License-Identifier: Apache-2.0
// The exact side table of a shard: the few clients whose tags collide, or who found no place. Immutable; replaced as a whole.
#pragma once
#include <algorithm>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "entry.h"

namespace viaduct::assign {

struct SideEntry {
  ClientKey client;   ///< an identity
  Found found;
};

/// Thread: immutable once published. Sorted by client, so by tag first; a look-up is a binary search.
class Side {
 public:
  Side() = default;
  explicit Side(std::vector<SideEntry> entries) : entries_(std::move(entries)) { std::ranges::sort(entries_, {}, &SideEntry::client); }
  [[nodiscard]] Found find(const ClientKey& key) const {
    const ClientKey client = store::identity(key);
    const auto at = std::ranges::lower_bound(entries_, client, {}, &SideEntry::client);
    return at != entries_.end() && at->client == client ? at->found : Found{};
  }
  /// Whether one here has the tag of that key. (Tag 1 is asked for twice: it stands for two values of the kept bits.)
  [[nodiscard]] bool has_tag_of(const ClientKey& key) const {
    const auto has = [&](std::uint64_t low) {
      const auto at = std::ranges::lower_bound(entries_, ClientKey{.low = low, .high = 0}, {}, &SideEntry::client);
      return at != entries_.end() && at->client.low == low;
    };
    const std::uint64_t tag = tag_of(key);
    return has(tag << (64 - base::entry_tag_bits)) || (tag == 1 && has(0));
  }
  /// A copy with the entry added or replaced. Writer.
  [[nodiscard]] std::unique_ptr<const Side> with(const SideEntry& entry) const {
    auto next = std::make_unique<Side>(*this);
    const auto at = std::ranges::lower_bound(next->entries_, entry.client, {}, &SideEntry::client);
    if (at != next->entries_.end() && at->client == entry.client)
      at->found = entry.found;
    else
      next->entries_.insert(at, entry);
    return next;
  }
  /// A copy without that client. Writer.
  [[nodiscard]] std::unique_ptr<const Side> without(const ClientKey& key) const {
    auto next = std::make_unique<Side>(*this);
    std::erase_if(next->entries_, [client = store::identity(key)](const SideEntry& e) { return e.client == client; });
    return next;
  }
  [[nodiscard]] std::span<const SideEntry> entries() const { return entries_; }
  [[nodiscard]] std::size_t bytes() const { return sizeof *this + entries_.capacity() * sizeof(SideEntry); }

 private:
  std::vector<SideEntry> entries_;
};

}  // namespace viaduct::assign
