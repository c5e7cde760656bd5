// SPDX-License-Identifier: Apache-2.0
// More REGISTERs than a shard manages: a worker on a CPU of its own hands them over, and puts off whom it is to put off.
#pragma once
#include <atomic>
#include <functional>

#include "registrar/traffic.h"

namespace viaduct::bench {

struct Storm {
  std::size_t offered_per_taken_max{1};   ///< times the capacity
  std::size_t waiting_max{256};           ///< in the shard's ring, by the worker's good will; above its slots: nobody cares
};
inline constexpr Storm calm{}, fivefold{.offered_per_taken_max = 5, .waiting_max = SIZE_MAX};

/// What the shard makes of so many REGISTERs, of users of whom `user`, called by the worker, says the next. Its CPU time counts while there is something to do.
[[nodiscard]] Timed brave(Traffic& traffic, const Storm& storm, std::size_t registers, const std::function<std::uint32_t()>& user);

}  // namespace viaduct::bench
