// SPDX-License-Identifier: Apache-2.0
// What other nodes of the fleet may call: the mover's news of clients that have moved, and its questions about them.
#pragma once
#include "viaduct/api/control_server.h"
#include "viaduct/api/verbs.h"

namespace viaduct::api {

/// POST /v1/moved {"epoch", "mode", "within_s", "clients"} -> {"told"}; POST /v1/bindings {"clients"} -> {"clients": [{"bindings", "subscriptions", "registered_ago_s"}, ...]};
/// POST /v1/standing {} -> {"clients", "bindings", "subscriptions"}; POST /v1/work {} -> {"busy_ms": [...], "uptime_ms"}. docs/operations.md says what each means.
/// Thread: any that may wait.
[[nodiscard]] NodeAnswer answer_node(const Plant& plant, const std::string& target, const nlohmann::json& request);

}  // namespace viaduct::api
