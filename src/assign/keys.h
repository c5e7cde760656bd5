// SPDX-License-Identifier: Apache-2.0
// The whole keys beside a shard's entries, for the writer alone: what a reader needs is in the entries. A store that holds the keys can take its place.
#pragma once
#include "entry.h"
#include "region.h"

namespace viaduct::assign {

/// Thread: the writer's. A place is the index of an entry in its shard: line * entries_per_line + entry.
class Keys {
 public:
  explicit Keys(std::size_t places) : keys_(places, Pages::fitting) {}
  [[nodiscard]] const ClientKey& operator[](std::uint32_t place) const { return keys_[place]; }
  void set(std::uint32_t place, const ClientKey& key) { keys_[place] = key; }
  void prefetch(std::uint32_t place) const { __builtin_prefetch(&keys_[place], 1); }
  [[nodiscard]] std::size_t bytes() const { return keys_.bytes(); }

 private:
  RegionArray<ClientKey> keys_;
};

}  // namespace viaduct::assign
