// SPDX-License-Identifier: Apache-2.0
// A shard made anew from the store's records: the one place where clients whose tags collide are told apart, because here all identities are at hand.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "shard.h"

namespace viaduct::assign {

/// Thread: any one; the shard is nobody else's before it is published.
class Build {
 public:
  /// Shape: records ascend by (high, low) and are all of this shard.
  Build(std::span<const store::Record> records, std::unique_ptr<Shard> empty);
  [[nodiscard]] std::unique_ptr<Shard> run() &&;

 private:
  void add(std::uint32_t record);
  void set_aside(std::uint32_t record, const Shard::Scan& met);

  std::span<const store::Record> records_;
  std::unique_ptr<Shard> shard_;
  std::vector<std::uint32_t> owners_;  // of each used place: its record
  std::vector<std::uint32_t> later_;   // records whose home line is full: they take what all others have left, so that nobody loses his home line to them
  std::vector<SideEntry> aside_;
};

}  // namespace viaduct::assign
