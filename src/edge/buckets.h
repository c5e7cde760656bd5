// SPDX-License-Identifier: Apache-2.0
// Token buckets of any number of keys in fixed memory. A bucket belongs to one key: nobody is held back for what another has sent.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

#include "viaduct/site/limits.h"

namespace viaduct::edge {

/// The generic cell rate algorithm (ITU-T I.371): of each key only the time is kept at which what it has used is paid for. A key whose time is past is as good as
/// new, so that forgetting it changes nothing. A set whose keys all owe gives away the one that owes least: it gets a new bucket, never another's.
/// Thread: its worker's. Memory: 16 octets an entry, taken here.
class Buckets {
 public:
  /// Shape: `entries` is rounded up to a power of two of at least one set.
  explicit Buckets(std::size_t entries);

  void prefetch(std::uint64_t key) const { __builtin_prefetch(&sets_[key & set_mask_]); }
  /// Take `units` from the key's bucket. False: it has not so many, and nothing is taken.
  [[nodiscard]] bool take(std::uint64_t key, std::uint64_t units, const site::Rate& rate, std::uint64_t now_ns);

 private:
  struct Entry {
    std::uint64_t key{};
    std::uint64_t paid_ns{};
  };
  static constexpr std::size_t ways = 4;
  struct alignas(64) Set {
    Entry entries[ways];
  };
  /// The key's entry, or the one that it gets.
  [[nodiscard]] Entry& entry_of(std::uint64_t key, std::uint64_t now_ns);

  std::size_t set_mask_;
  std::unique_ptr<Set[]> sets_;
};

}  // namespace viaduct::edge
