// SPDX-License-Identifier: Apache-2.0
// The clock of all measurements here.
#pragma once
#include <time.h>

namespace viaduct::bench {

/// Seconds that this thread has had a CPU: what others take from a shared machine does not count.
[[nodiscard]] inline double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

}  // namespace viaduct::bench
