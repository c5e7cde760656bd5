// SPDX-License-Identifier: Apache-2.0
// Clients of third-party homes whose registrations somebody watches at this node: whose REGISTERs workers proxy, so that the answers are seen.
#pragma once
#include <atomic>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "viaduct/assign/locations.h"
#include "viaduct/base/hash.h"
#include "viaduct/share/rcu_map.h"

namespace viaduct::assign {

/// Thread: is_any and contains from any reader of the Epoch; all else from the registrar shard of the client, or of that number.
class Watched {
 public:
  /// Memory: 8 octets for each client that is expected; 32 for each that is watched.
  Watched(unsigned shards, std::size_t clients_expected) {
    for (unsigned i = 0; i < shards; ++i) maps_.push_back(std::make_unique<share::RcuMap<Node>>(clients_expected / shards));
  }
  /// Whether anybody is: else nothing of this is looked at.
  [[nodiscard]] bool is_any() const { return count_.load(std::memory_order_acquire) != 0; }
  [[nodiscard]] bool contains(const base::Hash128& key) const { return std::as_const(*maps_[shard_of(key, maps_.size())]).find(key) != nullptr; }

  void add(const base::Hash128& key) {
    if (contains(key)) return;
    auto node = std::make_unique<Node>();
    node->key = key;
    map_of(key).put(std::move(node));
    count_.fetch_add(1, std::memory_order_release);
  }
  void remove(const base::Hash128& key) {
    if (!contains(key)) return;
    map_of(key).erase(key);
    count_.fetch_sub(1, std::memory_order_release);
  }
  /// Now and then: free what no worker can hold any more. Never waits.
  void reclaim(unsigned shard, share::Epoch& epoch) { maps_[shard]->reclaim(epoch); }

 private:
  struct Node {
    using Owner = std::unique_ptr<Node>;
    base::Hash128 key;
    std::atomic<Node*> chain{};
  };
  [[nodiscard]] share::RcuMap<Node>& map_of(const base::Hash128& key) { return *maps_[shard_of(key, maps_.size())]; }

  std::vector<std::unique_ptr<share::RcuMap<Node>>> maps_;
  std::atomic<std::size_t> count_{0};   // of all; release by a shard after the first is there, acquire by workers
};

}  // namespace viaduct::assign
