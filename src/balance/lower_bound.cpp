// SPDX-License-Identifier: Apache-2.0
// Fractional knapsacks.
#include "lower_bound.h"

#include <algorithm>

namespace viaduct::balance {
namespace {

/// What is left of a block, in items and parts of items.
struct Rest {
  const Block* block;
  double count;
};

/// Take from the front of what is sorted by worth until the loads add up to `load`; returns the cost.
double take(std::span<Rest> rests, double load) {
  double cost = 0;
  for (Rest& rest : rests) {
    if (load <= 0) break;
    const double count = std::min(rest.count, load / rest.block->load);
    rest.count -= count;
    load -= count * rest.block->load;
    cost += count * rest.block->cost;
  }
  return cost;
}

/// All of which may fill a home below its floor, most worth first.
std::vector<Rest> outside(std::span<const Rest> rests, const std::vector<bool>& is_filled) {
  std::vector<Rest> out;
  for (const Rest& rest : rests) {
    if (!is_filled[rest.block->home] && rest.count > 0) out.push_back(rest);
  }
  std::ranges::stable_sort(out, [](const Rest& a, const Rest& b) { return worth_more(*a.block, *b.block); });
  return out;
}

}  // namespace

LowerBound lower_bound(const Stock& stock, const Relief& relief) {
  std::vector<Rest> rests;
  for (const Block& block : stock.blocks) rests.push_back({&block, static_cast<double>(block.count)});
  LowerBound out;
  auto all = relief.filled > 0 ? outside(rests, relief.is_filled) : std::vector<Rest>{};
  out.in = take(all, relief.filled);
  double sent = 0;
  for (std::size_t s = 0; s < stock.homes.size(); ++s) {
    const Holding& h = stock.homes[s];
    out.out += take(std::span(rests).subspan(h.first_block, h.end_block - h.first_block), relief.sent[s]);
    sent += relief.sent[s];
  }
  out.both = out.out;
  if (relief.filled <= sent) return out;
  auto left = outside(rests, relief.is_filled);
  out.both += take(left, relief.filled - sent);
  return out;
}

}  // namespace viaduct::balance
