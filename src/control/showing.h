// SPDX-License-Identifier: Apache-2.0
// What a batch will change in the table, shard by shard, gathered while it is written; and in the counts of homes.
#pragma once
#include <vector>

#include "viaduct/control/placements.h"

namespace viaduct::control {

class Placements::Showing {
 public:
  explicit Showing(const assign::Assignment& assignment) : assignment_(assignment), shards_(assignment.shards_count()) {}
  /// A move that is in the batch; `before` stood there.
  void add(const store::Move& move, const std::optional<store::Record>& before);
  [[nodiscard]] std::uint64_t changed() const { return changed_; }
  /// Changes of the shards that take them one by one.
  [[nodiscard]] std::vector<assign::Change> changes() const;
  /// Shards so changed that a new one is less work.
  [[nodiscard]] std::vector<std::uint32_t> shards_to_draft() const;
  void add_to(std::vector<HomeCount>& counts) const;

 private:
  // A new shard costs some 20 ns a client of it; a change some 100 ns, on the control core.
  static constexpr std::size_t changes_per_shard_max = 4096;
  struct Difference {
    std::int64_t overrides{}, pins{};
  };
  void count(assign::HomeIndex home, bool pin, std::int64_t by);

  const assign::Assignment& assignment_;
  std::vector<std::vector<assign::Change>> shards_;   // one more than changes_per_shard_max: to be drafted
  std::vector<Difference> differences_;               // by home
  std::uint64_t changed_{};
};

}  // namespace viaduct::control
