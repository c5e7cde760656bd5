// SPDX-License-Identifier: Apache-2.0
// A hash map that one core writes while all others read: a node never changes once it is seen, it is replaced by pointer and destroyed after a grace period.
#pragma once
#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "viaduct/base/hash.h"
#include "viaduct/share/epoch.h"

namespace viaduct::share {

/// Shape: Node has `base::Hash128 key`, `std::atomic<Node*> chain`, which is this map's, and `Owner`, a unique_ptr that knows how to destroy it.
/// Memory: 8 octets for each node that is expected, rounded up to a power of two, taken at once; more nodes make chains longer, nothing else.
/// Thread: `find` and `prefetch` any reader registered with the Epoch, which holds a node no longer than to its next quiescent point; the rest the writer's.
template <typename Node>
class RcuMap {
 public:
  using Owner = typename Node::Owner;

  explicit RcuMap(std::size_t nodes_expected)
      : mask_(std::bit_ceil(std::max<std::size_t>(nodes_expected, 1)) - 1), heads_(std::make_unique<std::atomic<Node*>[]>(mask_ + 1)) {}
  ~RcuMap() {
    for (std::size_t i = 0; i <= mask_; ++i)
      for (Owner node(heads_[i].load(std::memory_order_relaxed)); node;) node.reset(node->chain.load(std::memory_order_relaxed));
  }
  RcuMap(const RcuMap&) = delete;
  RcuMap& operator=(const RcuMap&) = delete;

  void prefetch(const base::Hash128& key) const { __builtin_prefetch(&heads_[key.low & mask_]); }
  /// The next step: that place is at hand, and the first of its nodes comes, as far as `bytes` reach.
  void prefetch_node(const base::Hash128& key, std::size_t bytes) const {
    const auto* const node = reinterpret_cast<const char*>(heads_[key.low & mask_].load(std::memory_order_acquire));
    for (std::size_t at = 0; node != nullptr && at < bytes; at += 64) __builtin_prefetch(node + at);
  }
  /// Wait-free but for chains. Acquire: pairs with the release of `put`.
  [[nodiscard]] const Node* find(const base::Hash128& key) const {
    const Node* node = heads_[key.low & mask_].load(std::memory_order_acquire);
    while (node != nullptr && !(node->key == key)) node = node->chain.load(std::memory_order_acquire);
    return node;
  }
  [[nodiscard]] Node* find(const base::Hash128& key) { return link_to(key)->load(std::memory_order_relaxed); }

  /// Call f(Node&) for each; it may not put or erase any.
  template <typename F>
  void each(F f) {
    for (std::size_t i = 0; i <= mask_; ++i)
      for (Node* node = heads_[i].load(std::memory_order_relaxed); node != nullptr; node = node->chain.load(std::memory_order_relaxed)) f(*node);
  }

  /// Make a node visible, in the place of the one with its key if there is one.
  void put(Owner node) {
    std::atomic<Node*>* const link = link_to(node->key);
    Node* const old = link->load(std::memory_order_relaxed);
    node->chain.store(old != nullptr ? old->chain.load(std::memory_order_relaxed) : nullptr, std::memory_order_relaxed);
    link->store(node.release(), std::memory_order_release);
    if (old == nullptr)
      ++size_;
    else
      retired_.emplace_back(old);
  }
  /// Shape: there is one.
  void erase(const base::Hash128& key) {
    std::atomic<Node*>* const link = link_to(key);
    Node* const old = link->load(std::memory_order_relaxed);
    link->store(old->chain.load(std::memory_order_relaxed), std::memory_order_release);
    retired_.emplace_back(old);
    --size_;
  }
  [[nodiscard]] std::size_t size() const { return size_; }

  /// Call f(const Node&) for the nodes of up to `heads_max` places from `place` on. Returns the next place; 0 when all have been visited.
  template <typename F>
  std::size_t visit(std::size_t place, std::size_t heads_max, F f) const {
    const std::size_t end = std::min(place + heads_max, mask_ + 1);
    for (; place < end; ++place)
      for (const Node* node = heads_[place].load(std::memory_order_relaxed); node != nullptr; node = node->chain.load(std::memory_order_relaxed)) f(*node);
    return place <= mask_ ? place : 0;
  }

  /// Now and then: destroy what no reader can hold any more. Never waits.
  void reclaim(Epoch& epoch) {
    if (!leaving_.empty() && !epoch.is_over(token_)) return;
    leaving_.clear();
    if (retired_.empty()) return;
    std::swap(leaving_, retired_);
    token_ = epoch.start();
  }

 private:
  /// What points, or would point, to the node of a key.
  [[nodiscard]] std::atomic<Node*>* link_to(const base::Hash128& key) {
    std::atomic<Node*>* link = &heads_[key.low & mask_];
    for (Node* node = link->load(std::memory_order_relaxed); node != nullptr && !(node->key == key); node = link->load(std::memory_order_relaxed))
      link = &node->chain;
    return link;
  }

  std::size_t mask_;
  std::unique_ptr<std::atomic<Node*>[]> heads_;
  std::size_t size_{};
  std::vector<Owner> retired_;   // since the last grace period began
  std::vector<Owner> leaving_;   // when that of `token_` is over
  GraceToken token_;
};

}  // namespace viaduct::share
