// SPDX-License-Identifier: Apache-2.0
// Dealing, setting and counting the slots.
#include "slots.h"

#include "viaduct/assign/assignment.h"
#include "viaduct/assign/rendezvous.h"
#include "viaduct/base/check.h"

namespace viaduct::assign {

Slots::Slots() : words_(base::slots_count) {
  for (std::size_t i = 0; i < base::slots_count; ++i) store(i, no_home, 0);
}

void Slots::set(std::span<const HomeIndex> homes, std::uint32_t epoch) {
  base::check(homes.size() == base::slots_count, "not a home for every slot");
  for (std::size_t i = 0; i < base::slots_count; ++i) store(i, homes[i], epoch);
}

void Slots::touch(const ClientKey& key, std::uint32_t epoch) {
  const Slot slot = at(key);
  if (is_later(epoch, slot.epoch())) store(slot_of(key), slot.home(), epoch);
}

std::vector<HomeIndex> Slots::homes() const {
  std::vector<HomeIndex> homes;
  for (const auto& w : words_) homes.push_back(static_cast<HomeIndex>(w.load(std::memory_order_relaxed)));
  return homes;
}

std::vector<HomeIndex> deal(const Homes& homes, const base::Key128& seed) {
  Rendezvous order(seed);
  for (std::size_t i = 0; i < homes.size(); ++i) {
    const Home& home = homes[static_cast<HomeIndex>(i)];
    if (is_up(home.state)) order.add(home.name, home.weight, static_cast<HomeIndex>(i));
  }
  std::vector<HomeIndex> dealt(base::slots_count);
  for (std::size_t i = 0; i < dealt.size(); ++i) dealt[i] = order.choose(i);
  return dealt;
}

}  // namespace viaduct::assign
