// SPDX-License-Identifier: Apache-2.0
// Asking jemalloc for its statistics.
#include "memory.h"

#include <jemalloc/jemalloc.h>
#include <unistd.h>

#include <cstdint>
#include <string>

namespace viaduct::api {

nlohmann::json memory_json() {
  std::uint64_t epoch = 1;
  std::size_t bytes = sizeof epoch;
  mallctl("epoch", &epoch, &bytes, &epoch, bytes);  // refreshes what follows
  nlohmann::json out;
  for (const char* name : {"allocated", "active", "resident", "mapped"}) {
    std::size_t value = 0;
    bytes = sizeof value;
    if (mallctl((std::string("stats.") + name).c_str(), &value, &bytes, nullptr, 0) == 0) out[name] = value;
  }
  return out;
}

int process_id() { return getpid(); }

}  // namespace viaduct::api
