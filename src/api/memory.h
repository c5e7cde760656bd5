// SPDX-License-Identifier: Apache-2.0
// What the process allocator and the system say of this process.
#pragma once
#include <nlohmann/json.hpp>

namespace viaduct::api {

/// jemalloc's allocated, active, resident and mapped octets (its `stats.*`).
[[nodiscard]] nlohmann::json memory_json();
[[nodiscard]] int process_id();

}  // namespace viaduct::api
