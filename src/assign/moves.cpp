// SPDX-License-Identifier: Apache-2.0
#include "viaduct/assign/moves.h"

#include "slots.h"

namespace viaduct::assign {
namespace {

// Confirmations that a worker may be ahead of the control core: what it can see in the 10 ms between two of its looks, and some.
constexpr std::size_t confirmations_kept = 16'384;

}  // namespace

Moves::Moves(unsigned workers, std::size_t clients_expected) : clients_(clients_expected), slots_(base::slots_count) {
  for (auto& slot : slots_) slot.store(no_home, std::memory_order_relaxed);
  for (unsigned i = 0; i < workers; ++i) confirmations_.push_back(std::make_unique<share::Feed<Confirmation>>(confirmations_kept));
}

std::optional<Move> Moves::find(const ClientKey& key, Layer layer) const {
  if (const Node* const node = clients_.find(key)) return node->move;
  if (layer != Layer::slot) return std::nullopt;
  const HomeIndex previous = slots_[slot_of(key)].load(std::memory_order_acquire);
  if (previous == no_home) return std::nullopt;
  return Move{.previous = previous};
}

std::vector<Confirmation> Moves::take(std::size_t most) {
  std::vector<Confirmation> taken;
  Confirmation c;
  for (const auto& feed : confirmations_)
    while (taken.size() < most && feed->pop(c)) taken.push_back(c);
  return taken;
}

void Moves::set(const ClientKey& key, const Move& move) {
  auto node = std::make_unique<Node>();
  node->key = key;
  node->move = move;
  const std::size_t before = clients_.size();
  clients_.put(std::move(node));
  count_.fetch_add(clients_.size() - before, std::memory_order_release);
}

void Moves::end(const ClientKey& key) {
  if (clients_.find(key) == nullptr) return;
  clients_.erase(key);
  count_.fetch_sub(1, std::memory_order_release);
}

void Moves::set_slot(std::size_t slot, HomeIndex previous) {
  const HomeIndex before = slots_[slot].exchange(previous, std::memory_order_acq_rel);
  if ((before == no_home) == (previous == no_home)) return;
  if (previous != no_home)
    count_.fetch_add(1, std::memory_order_release);
  else
    count_.fetch_sub(1, std::memory_order_release);
}

}  // namespace viaduct::assign
