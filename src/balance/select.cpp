// SPDX-License-Identifier: Apache-2.0
// The pass runs at the speed of memory: nearly every client is left where he is after one comparison with his home's lowest class that has to give.
#include "select.h"

#include <algorithm>

#include "histogram.h"

namespace viaduct::balance {
namespace {

constexpr std::uint32_t no_parcel = std::numeric_limits<std::uint32_t>::max();

class Selection {
 public:
  Selection(const Request& request, const Stock& stock, std::span<const Parcel> parcels)
      : clients_(request.clients), homes_(request.homes.size()), lowest_(homes_ * rows_count, classes_count), next_(homes_ * kinds_count, no_parcel) {
    for (const Parcel& parcel : parcels) {
      if (stock.blocks[parcel.block].group == no_group) parcels_.push_back(parcel);
    }
    std::ranges::stable_sort(parcels_, {}, &Parcel::block);
    for (std::uint32_t p = 0; p < parcels_.size(); ++p) enter(p, stock.blocks[parcels_[p].block]);
  }

  /// Shape: [first, end) of the clients.
  void pick(std::size_t first, std::size_t end, std::vector<Move>& out) {
    for (std::size_t i = first; i < end; ++i) {
      const std::size_t home = clients_.home[i];
      if (home >= homes_) continue;
      const Row row = row_of(clients_.flags[i]);
      const LoadClass c = clients_.load[i];
      if (c < lowest_[home * rows_count + static_cast<std::size_t>(row)]) continue;
      std::uint32_t& at = next_[home * kinds_count + kind_of(row, c)];
      if (at != no_parcel) out.push_back({static_cast<std::uint32_t>(i), take(at)});
    }
  }

  [[nodiscard]] std::size_t wanted() const { return wanted_; }

 private:
  void enter(std::uint32_t p, const Block& block) {
    std::uint16_t& lowest = lowest_[block.home * rows_count + static_cast<std::size_t>(block.row)];
    lowest = std::min<std::uint16_t>(lowest, block.load_class);
    std::uint32_t& first = next_[block.home * kinds_count + kind_of(block.row, block.load_class)];
    first = std::min(first, p);
    wanted_ += parcels_[p].count;
  }

  HomeIndex take(std::uint32_t& at) {
    Parcel& parcel = parcels_[at];
    if (--parcel.count == 0) {
      const bool has_next = at + 1 < parcels_.size() && parcels_[at + 1].block == parcel.block;
      at = has_next ? at + 1 : no_parcel;
    }
    return parcel.to;
  }

  const Clients& clients_;
  std::size_t homes_;
  std::vector<Parcel> parcels_;         // of clients, by block
  std::vector<std::uint16_t> lowest_;   // class that has to give, by home and row
  std::vector<std::uint32_t> next_;     // parcel of a home and kind that is not full yet
  std::size_t wanted_{};
};

}  // namespace

void select(const Request& request, const Stock& stock, std::span<const Parcel> parcels, Plan& plan) {
  for (const Parcel& parcel : parcels) {
    const std::uint32_t group = stock.blocks[parcel.block].group;
    if (group != no_group) plan.groups.push_back({group, parcel.to});
  }
  Selection selection(request, stock, parcels);
  if (selection.wanted() == 0) return;
  plan.clients.reserve(selection.wanted());
  const std::size_t size = request.clients.home.size();
  const std::size_t start = request.seed % size;
  selection.pick(start, size, plan.clients);
  selection.pick(0, start, plan.clients);
}

}  // namespace viaduct::balance
