// SPDX-License-Identifier: Apache-2.0
// A shard made anew from the store's records: the one place where clients whose tags collide are told apart, because here all identities are at hand.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "shard.h"

namespace viaduct::assign {

/// Thread: any one; the shard is nobody else's before it is published. `old`, if any, is only read: words and counts of its lines.
class Build {
 public:
  /// Shape: records ascend by (high, low) and are all of this shard.
  Build(std::span<const store::Record> records, std::unique_ptr<Shard> empty, const Shard& old);
  [[nodiscard]] std::unique_ptr<Shard> run() &&;

 private:
  void add(std::uint32_t record);
  void set_aside(std::uint32_t record, const Shard::Scan& met);
  void carry_over(std::uint32_t place, const ClientKey& client);

  std::span<const store::Record> records_;
  std::unique_ptr<Shard> shard_;
  const Shard& old_;
  std::vector<std::uint32_t> owners_;  // of each used place: its record
  std::vector<std::uint32_t> later_;   // records whose home line is full: they take what all others have left, so that nobody loses his home line to them
  std::vector<SideEntry> aside_;
};

}  // namespace viaduct::assign
