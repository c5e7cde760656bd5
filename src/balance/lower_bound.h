// SPDX-License-Identifier: Apache-2.0
// The least that a plan's relief could have cost, were clients divisible and receivers without caps.
#pragma once
#include <span>
#include <vector>

#include "stock.h"

namespace viaduct::balance {

/// What is to be had, units a second.
struct Relief {
  std::vector<double> sent;     ///< by each home, of what it had to send
  double filled{};              ///< got by all homes below their floors together, of what they lacked
  std::vector<bool> is_filled;  ///< below its floor: nothing that they send counts
};

/// Exact for the relaxation: the homes' sets of clients are disjoint and lie in the set of all, so that the best of each home first, then the best of what is
/// left of all, costs least.
[[nodiscard]] LowerBound lower_bound(const Stock& stock, const Relief& relief);

}  // namespace viaduct::balance
