// SPDX-License-Identifier: Apache-2.0
#include "viaduct/assign/moves.h"

#include "slots.h"

namespace viaduct::assign {
namespace {

// Confirmations that one may be ahead of the control core: what it can see in the 10 ms between two of its looks, and some.
constexpr std::size_t confirmations_kept = 4096;

}  // namespace

Moves::Moves(unsigned senders, std::size_t clients_expected) : clients_(clients_expected), slots_(base::slots_count) {
  for (auto& slot : slots_) slot.store(no_home, std::memory_order_relaxed);
  for (unsigned i = 0; i < senders; ++i) confirmations_.push_back(std::make_unique<share::Slots<Confirmation>>(confirmations_kept));
}

std::optional<Move> Moves::find(const ClientKey& key, Layer layer) const {
  if (const Node* const node = clients_.find(key)) return node->move;
  if (layer != Layer::slot) return std::nullopt;
  const HomeIndex previous = slots_[slot_of(key)].load(std::memory_order_acquire);
  if (previous == no_home) return std::nullopt;
  return Move{.previous = previous};
}

void Moves::confirm(std::size_t sender, const Confirmation& c) {
  Confirmation* const room = confirmations_[sender]->free_slot();
  if (room == nullptr) return;
  *room = c;
  confirmations_[sender]->commit();
}

std::vector<Confirmation> Moves::take(std::size_t most) {
  std::vector<Confirmation> taken;
  for (const auto& of_sender : confirmations_) {
    while (taken.size() < most) {
      const Confirmation* const oldest = of_sender->oldest();
      if (oldest == nullptr) break;
      taken.push_back(*oldest);
      of_sender->release();
    }
  }
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
