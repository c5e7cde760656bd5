// SPDX-License-Identifier: Apache-2.0
// Memory as the kernel sees it.
#pragma once
#include <unistd.h>

#include <cstdint>
#include <fstream>

namespace viaduct::bench {

/// Octets of this process that are in memory.
[[nodiscard]] inline std::uint64_t resident_bytes() {
  std::uint64_t all = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return resident * static_cast<std::uint64_t>(getpagesize());
}

}  // namespace viaduct::bench
