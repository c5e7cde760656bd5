// SPDX-License-Identifier: Apache-2.0
// Drafting and publishing on the spot, from records in memory: for tools that keep no store.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "viaduct/assign/assignment.h"

namespace viaduct::assign {

/// Make these shards anew from their clients' records.
/// Shape: all records of these shards and no others, in any order; no client twice. Thread: the control core, with no store's thread beside it.
void redraft(Assignment& assignment, std::span<const std::uint32_t> shards, std::vector<store::Record> records, std::uint32_t batch, share::Epoch& epoch);

/// Make the whole table of these records, and say that it is loaded. Thread: as redraft.
void fill(Assignment& assignment, std::vector<store::Record> records, std::uint32_t batch, share::Epoch& epoch);

}  // namespace viaduct::assign
