// SPDX-License-Identifier: Apache-2.0
// Cache-line-aligned memory for DPDK's structures, from the process's own allocator, so that they need no EAL.
#pragma once
#include <cstdlib>
#include <memory>

#include "viaduct/base/check.h"

namespace viaduct::share {

inline constexpr std::size_t line_bytes = 64;

struct Freed {
  void operator()(void* memory) const { std::free(memory); }
};
template <typename T>
using Aligned = std::unique_ptr<T, Freed>;

/// Memory of at least that many octets, on lines of its own. Errors: stops the process (start-up only).
template <typename T>
[[nodiscard]] Aligned<T> allocate_aligned(std::size_t bytes) {
  void* memory = std::aligned_alloc(line_bytes, (bytes + line_bytes - 1) / line_bytes * line_bytes);
  base::check(memory != nullptr, "memory at start-up");
  return Aligned<T>{static_cast<T*>(memory)};
}

}  // namespace viaduct::share
