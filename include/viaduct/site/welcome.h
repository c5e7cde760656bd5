// SPDX-License-Identifier: Apache-2.0
// Sources that have shown who they are: a home's 2xx to a REGISTER went back to them. One table of all workers, since the answer may come by another worker
// than the client's next request.
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "viaduct/base/hash.h"

namespace viaduct::site {

/// A source is remembered by 32 bits of its key, so that one in some 500 million strangers is taken for one who is not.
/// Thread: any; relaxed, since nothing hangs on the order. Memory: 8 octets an entry, taken here.
class Welcome {
 public:
  /// Shape: `entries` is rounded up to a power of two of at least one set; `secret` is new at each start.
  Welcome(std::size_t entries, const base::Key128& secret);

  /// What keys of sources are hashed by.
  [[nodiscard]] const base::Key128& secret() const { return secret_; }
  void prefetch(std::uint64_t key) const { __builtin_prefetch(&sets_[key & set_mask_]); }
  /// Remember a source until that second; of a full set the one is forgotten whose time ends first. Units: seconds of nic::ticks. Shape: until_s is not 0.
  void keep(std::uint64_t key, std::uint32_t until_s);
  /// Whether it is remembered.
  [[nodiscard]] bool keeps(std::uint64_t key, std::uint32_t now_s) const;

 private:
  static constexpr std::size_t ways = 8;
  struct alignas(64) Set {
    std::array<std::atomic<std::uint64_t>, ways> entries{};   // 32 bits of the key, 32 of the second; 0: nobody
  };
  base::Key128 secret_;
  std::size_t set_mask_;
  std::unique_ptr<Set[]> sets_;
};

}  // namespace viaduct::site
