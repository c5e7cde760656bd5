// SPDX-License-Identifier: Apache-2.0
// Dealing and counting the slots.
#include "slots.h"

#include "viaduct/assign/rendezvous.h"

namespace viaduct::assign {

Slots::Slots() : words_(base::slots_count, Pages::huge) {
  for (std::size_t i = 0; i < base::slots_count; ++i) store(i, no_home, 0);
}

void Slots::deal(const Homes& homes, const base::Key128& seed, std::uint32_t epoch) {
  Rendezvous order(seed);
  for (std::size_t i = 0; i < homes.size(); ++i) {
    const Home& home = homes[static_cast<HomeIndex>(i)];
    if (home.state == HomeState::up) order.add(home.name, home.weight, static_cast<HomeIndex>(i));
  }
  for (std::size_t i = 0; i < base::slots_count; ++i) store(i, order.choose(i), epoch);
}

void Slots::touch(const ClientKey& key, std::uint32_t epoch) { store(index(key), at(key).home(), epoch); }

void Slots::count_by_home(std::span<std::size_t> slots) const {
  for (const auto& w : words_) {
    const auto home = static_cast<HomeIndex>(w.load(std::memory_order_relaxed));
    if (home < slots.size()) ++slots[home];
  }
}

}  // namespace viaduct::assign
