// SPDX-License-Identifier: Apache-2.0
// What moves must cost at least, by the simplex method: the planner's task written down as a linear program, with nothing of the planner in it.
#pragma once
#include <optional>
#include <vector>

#include "cases.h"

namespace viaduct::balance::test {

/// Clients of one kind at one home, or one group, as the rules of plan.h say that they count.
struct Lot {
  double load{}, cost{};  // of each
  double count{};
  HomeIndex home{};
  bool is_movable{};
};

/// The homes' loads and the lots, calibrated: estimates of a home's own clients, and of the guests that it has by its weight, scaled to its counter.
struct Accounts {
  std::vector<Lot> lots;
  std::vector<double> factor;  // of each home, from estimates to calibrated loads
  std::vector<double> loads;   // what plans are about: with the guests where they stay, else without
  double shared{};             // what is shared out
};
Accounts accounts_of(const Case& c);

[[nodiscard]] bool receives(const Home& h);
[[nodiscard]] bool is_left(const Home& h);

/// The load that a home may end with: bounds of the linear program.
struct Range {
  double least, most;
};
std::vector<Range> ranges_of(const Case& c, const Accounts& a);

/// The least cost of moves, in parts of clients too, after which every home is within its range and those that are to be left are empty of whoever may move;
/// none when there is no way.
std::optional<double> least_cost(const Case& c);

}  // namespace viaduct::balance::test
