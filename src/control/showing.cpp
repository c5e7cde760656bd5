// SPDX-License-Identifier: Apache-2.0
// Changes gathered by shard.
#include "showing.h"

namespace viaduct::control {

void Placements::Showing::count(assign::HomeIndex home, bool pin, std::int64_t by) {
  if (home >= differences_.size()) differences_.resize(home + 1u);
  (pin ? differences_[home].pins : differences_[home].overrides) += by;
}

void Placements::Showing::add(const store::Move& move, const std::optional<store::Record>& before) {
  if (!before && !move.home) return;
  if (before && move.home && before->home == *move.home && before->pin == move.pin) return;
  ++changed_;
  if (before) count(before->home, before->pin, -1);
  if (move.home) count(*move.home, move.pin, 1);
  auto& changes = shards_[assignment_.shard_of(move.key)];
  if (changes.size() > changes_per_shard_max) return;
  changes.push_back({.key = move.key, .home = move.home.value_or(assign::no_home), .pin = move.pin, .is_new = !before});
}

std::vector<assign::Change> Placements::Showing::changes() const {
  std::vector<assign::Change> all;
  for (const auto& changes : shards_)
    if (changes.size() <= changes_per_shard_max) all.insert(all.end(), changes.begin(), changes.end());
  return all;
}

std::vector<std::uint32_t> Placements::Showing::shards_to_draft() const {
  std::vector<std::uint32_t> shards;
  for (std::uint32_t i = 0; i < shards_.size(); ++i)
    if (shards_[i].size() > changes_per_shard_max) shards.push_back(i);
  return shards;
}

void Placements::Showing::add_to(std::vector<HomeCount>& counts) const {
  if (counts.size() < differences_.size()) counts.resize(differences_.size());
  for (std::size_t home = 0; home < differences_.size(); ++home) {
    counts[home].overrides += static_cast<std::uint64_t>(differences_[home].overrides);
    counts[home].pins += static_cast<std::uint64_t>(differences_[home].pins);
  }
}

}  // namespace viaduct::control
