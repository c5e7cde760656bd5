// SPDX-License-Identifier: Apache-2.0
// What must be known of plans after a crash: each plan, each move that is not over or still means something, whose watchers are to be told, and homes that
// join. In a file of rows beside the store.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "viaduct/control/placements.h"
#include "viaduct/migration/plan.h"
#include "viaduct/store/rows.h"

namespace viaduct::migration {

/// Thread: any; who writes waits for who writes before.
class Ledger {
 public:
  explicit Ledger(std::unique_ptr<store::Rows> rows) : rows_(std::move(rows)) {}

  struct Contents {
    std::vector<Plan> plans;   ///< ascending by id
    std::vector<Step> steps;  ///< that are not over, or resting; a client may have a settled one for each home whose watchers are to be told, beside another
    std::set<std::string> joining;  ///< homes, by name
    std::uint32_t next_plan{1};  ///< numbers below have been given, though their plans may be gone
    std::int64_t ahead_s{};  ///< how far the times of all steps are ahead of the machine's clock as it was last
    std::optional<base::Hash128> store;  ///< whose moves these are; nullopt: an earlier build did not say
    std::uint64_t unread{};  ///< rows that are broken, or of another build
  };
  [[nodiscard]] Expected<Contents> read() const;
  /// All of it or nothing: plans as they now stand, steps as they now stand, and steps of which nothing need be known any more.
  [[nodiscard]] Expected<void> write(std::span<const Plan> plans, std::span<const Step* const> changed, std::span<const Step* const> over);
  /// Old plans go.
  [[nodiscard]] Expected<void> forget(std::span<const std::uint32_t> plans);
  /// All rows go, but for the one that says whose they were.
  [[nodiscard]] Expected<void> forget_all();
  /// From now on these are that store's moves (Snapshot::mark).
  [[nodiscard]] Expected<void> write_store(const base::Hash128& store);
  /// The number of the plan to come: those before it are gone with their numbers.
  [[nodiscard]] Expected<void> write_next_plan(std::uint32_t id);
  /// How far base::unset_wall_s() is ahead of the machine's clock, which somebody has set. With it, all or nothing, steps whose times were changed.
  [[nodiscard]] Expected<void> write_clock(std::int64_t ahead_s, std::span<const Step* const> changed);
  /// Homes that came with nothing and have not their share yet.
  [[nodiscard]] Expected<void> write_joining(const std::set<std::string>& homes);

 private:
  std::unique_ptr<store::Rows> rows_;
};

}  // namespace viaduct::migration
