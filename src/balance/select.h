// SPDX-License-Identifier: Apache-2.0
// From parcels to clients by name: the second pass over the clients.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "draft.h"
#include "stock.h"

namespace viaduct::balance {

/// Choose clients, and name groups, for every parcel: the first of each kind, from a place in the arrays that the seed says.
void select(const Request& request, const Stock& stock, std::span<const Parcel> parcels, Plan& plan);

}  // namespace viaduct::balance
