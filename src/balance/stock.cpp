// SPDX-License-Identifier: Apache-2.0
// Calibration: what the clients of a home are thought to bring is scaled so that it adds up to what the home has counted. Sampling errs by client, not by home.
#include "stock.h"

#include <algorithm>

namespace viaduct::balance {
namespace {

/// The loads of a home's clients as estimated, before calibration, and those of guests from homes that are down.
struct Estimate {
  double own{}, immovable{}, guests{};
};

class Stocktaking {
 public:
  explicit Stocktaking(const Request& request) : request_(request), histogram_(request.clients, request.homes.size()), estimates_(request.homes.size()) {}

  Stock take() {
    stock_.homes.resize(request_.homes.size());
    sort_groups();
    for (std::size_t s = 0; s < request_.homes.size(); ++s) add_blocks(static_cast<HomeIndex>(s));
    place_guests();
    for (std::size_t s = 0; s < request_.homes.size(); ++s) calibrate(static_cast<HomeIndex>(s));
    return std::move(stock_);
  }

 private:
  void sort_groups() {
    for (std::uint32_t g = 0; g < request_.groups.size(); ++g) {
      if (request_.groups[g].home < request_.homes.size()) groups_.push_back(g);
    }
    std::ranges::stable_sort(groups_, {}, [this](std::uint32_t g) { return request_.groups[g].home; });
  }

  void add_blocks(HomeIndex home) {
    Holding& holding = stock_.homes[home];
    holding.first_block = static_cast<std::uint32_t>(stock_.blocks.size());
    for (std::size_t c = 0; c < classes_count; ++c) add_class(home, static_cast<LoadClass>(c));
    for (; next_group_ < groups_.size() && request_.groups[groups_[next_group_]].home == home; ++next_group_) add_group(home, groups_[next_group_]);
    holding.end_block = static_cast<std::uint32_t>(stock_.blocks.size());
    stock_.clients += holding.clients;
    std::ranges::stable_sort(stock_.of(home), worth_more);
  }

  void add_class(HomeIndex home, LoadClass c) {
    for (const Row row : {Row::immovable, Row::plain, Row::watched}) {
      const std::uint32_t count = histogram_.count(home, row, c);
      if (count == 0) continue;
      const double cost = row == Row::watched ? request_.limits.watched_cost : 1;
      add({.load = load_of(c), .cost = cost, .count = count, .left = count, .row = row, .load_class = c, .home = home}, row == Row::immovable);
    }
  }

  void add_group(HomeIndex home, std::uint32_t g) {
    const Group& group = request_.groups[g];
    const double load = std::max(group.load, load_of(0));
    add({.load = load, .cost = std::max(1.0, static_cast<double>(group.clients)), .count = 1, .left = 1, .clients = group.clients, .group = g, .home = home},
        group.is_immovable);
  }

  void add(const Block& block, bool is_immovable) {
    Estimate& estimate = estimates_[block.home];
    stock_.homes[block.home].clients += std::uint64_t{block.count} * block.clients;
    const double load = block.load * block.count;
    estimate.own += load;
    if (is_immovable) {
      estimate.immovable += load;
    } else {
      stock_.blocks.push_back(block);
    }
  }

  /// The clients of homes that are down are spread over the up homes by rendezvous hashing: each bears its weight's part.
  void place_guests() {
    double guests = 0, weights = 0;
    for (std::size_t s = 0; s < estimates_.size(); ++s) {
      if (request_.homes[s].state == HomeState::down) guests += estimates_[s].own;
      weights += weight_of_host(s);
    }
    for (std::size_t s = 0; s < estimates_.size() && weights > 0; ++s) estimates_[s].guests = guests * weight_of_host(s) / weights;
  }
  [[nodiscard]] double weight_of_host(std::size_t s) const {
    const Home& home = request_.homes[s];
    return home.state == HomeState::up || home.state == HomeState::joining ? home.weight : 0;
  }

  /// A home that has counted nothing is taken at its clients' estimates. What those bring of whom nobody tells is not laid upon the others.
  void calibrate(HomeIndex s) {
    const Estimate& estimate = estimates_[s];
    Holding& holding = stock_.homes[s];
    if (request_.homes[s].state == HomeState::down) return;
    const double estimated = estimate.own + estimate.guests + request_.homes[s].unknown, counted = request_.homes[s].load;
    holding.load = counted > 0 ? counted : estimated;
    const double factor = estimated > 0 ? holding.load / estimated : 1;
    for (Block& block : stock_.of(s)) block.load *= factor;
    double movable = 0;
    for (const Block& block : stock_.of(s)) movable += block.load * block.count;
    holding.immovable = std::max(0.0, holding.load - movable);
  }

  const Request& request_;
  Histogram histogram_;
  std::vector<Estimate> estimates_;
  std::vector<std::uint32_t> groups_;  // by home
  std::size_t next_group_{};
  Stock stock_;
};

}  // namespace

double load_to_share(const Stock& stock, const Request& request) {
  double load = 0;
  for (std::size_t s = 0; s < stock.homes.size(); ++s) {
    load += stock.homes[s].load - (is_leaving(request.homes[s]) ? stock.homes[s].immovable : 0);
  }
  return load;
}

Stock take_stock(const Request& request) { return Stocktaking(request).take(); }

}  // namespace viaduct::balance
