// SPDX-License-Identifier: Apache-2.0
// Sorting records, and one draft after the other.
#include "viaduct/assign/fill.h"

#include <algorithm>
#include <numeric>

namespace viaduct::assign {
namespace {

bool is_before(const store::Record& a, const store::Record& b) {
  return a.client.high != b.client.high ? a.client.high < b.client.high : a.client.low < b.client.low;
}

}  // namespace

void redraft(Assignment& assignment, std::span<const std::uint32_t> shards, std::vector<store::Record> records, std::uint32_t batch, share::Epoch& epoch) {
  std::ranges::sort(records, is_before);
  for (const std::uint32_t shard : shards) {
    const auto of_shard = std::ranges::equal_range(records, shard, {}, [&](const store::Record& r) { return assignment.shard_of(r.client); });
    assignment.publish(assignment.draft(shard, of_shard, batch), epoch);
  }
}

void fill(Assignment& assignment, std::vector<store::Record> records, std::uint32_t batch, share::Epoch& epoch) {
  std::vector<std::uint32_t> shards(assignment.shards_count());
  std::iota(shards.begin(), shards.end(), 0U);
  redraft(assignment, shards, std::move(records), batch, epoch);
  assignment.set_loaded();
}

}  // namespace viaduct::assign
