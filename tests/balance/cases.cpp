// SPDX-License-Identifier: Apache-2.0
#include "cases.h"

namespace viaduct::balance::test {
namespace {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}
  bool one_in(unsigned n) { return below(n) == 0; }
  std::size_t below(std::size_t n) { return random_() % n; }
  double between(double a, double b) { return std::uniform_real_distribution(a, b)(random_); }

 private:
  std::mt19937_64 random_;
};

Home random_home(Dice& dice) {
  Home h{.weight = static_cast<double>(1 + dice.below(3))};
  if (dice.one_in(8)) h.state = HomeState::joining;
  if (dice.one_in(8)) h.state = HomeState::draining;
  if (dice.one_in(12)) h.state = HomeState::down;
  if (dice.one_in(10)) h.slow_start = dice.one_in(4) ? 0 : dice.between(0.1, 1);
  if (dice.one_in(4)) h.zone = static_cast<std::uint16_t>(dice.below(3));
  return h;
}

std::uint8_t random_flags(Dice& dice) {
  return static_cast<std::uint8_t>((dice.one_in(10) ? immovable_flag : 0) | (dice.one_in(4) ? watched_flag : 0) | (dice.one_in(16) ? 0x80 : 0));
}

void add_clients(Case& out, Dice& dice) {
  const std::size_t clients = 20 + dice.below(400);
  const double skew = dice.between(0, 1);  // towards the first home
  for (std::size_t i = 0; i < clients; ++i) {
    const std::size_t home = dice.between(0, 1) < skew * 0.5 ? 0 : dice.below(out.homes.size());
    out.add(static_cast<HomeIndex>(home), 1, std::exp2(dice.between(-7, -2)), random_flags(dice));
  }
}

}  // namespace

Case random_case(std::uint64_t seed) {
  Dice dice(seed);
  Case out;
  const std::size_t homes = 2 + dice.below(5);
  for (std::size_t s = 0; s < homes; ++s) out.homes.push_back(random_home(dice));
  add_clients(out, dice);
  for (std::size_t g = dice.one_in(3) ? dice.below(20) : 0; g > 0; --g) {
    const auto clients = static_cast<std::uint32_t>(dice.below(12));
    out.add_group(
        {.load = dice.between(0, 0.1) * clients, .clients = clients, .home = static_cast<HomeIndex>(dice.below(homes)), .is_immovable = dice.one_in(10)});
  }
  for (Home& h : out.homes) {
    h.load *= dice.between(0.7, 1.4);  // the exact counter differs from the sum of estimates
    if (dice.one_in(8)) h.capacity = h.load * dice.between(0.9, 3);
    if (h.state == HomeState::down) h.load = 0;
  }
  if (dice.one_in(3)) out.limits.moves_ratio_max = 1;
  if (dice.one_in(3)) out.limits.target = dice.between(0.01, 0.2);
  return out;
}

}  // namespace viaduct::balance::test
