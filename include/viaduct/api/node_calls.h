// SPDX-License-Identifier: Apache-2.0
// What other nodes of the fleet may call: the mover's news of clients that have moved, its questions about them, and the whole assignment.
#pragma once
#include "viaduct/api/control_server.h"
#include "viaduct/api/verbs.h"

namespace viaduct::api {

/// POST /v1/moved {"epoch", "mode", "within_s", "clients"} -> {"told"}; POST /v1/bindings {"clients"} -> {"clients": [{"bindings", "subscriptions", "registered_ago_s"}, ...]};
/// POST /v1/standing {} -> {"clients", "bindings", "subscriptions"}; POST /v1/work {} -> {"busy_ms": [...], "uptime_ms"}; POST /v1/assignment {"first_home"} ->
/// {"epoch", "fleet", "clients", "homes_count", "homes": [...], "slots": [...]}; POST /v1/placements {"first", "end"} -> {"epoch", "fleet", "next",
/// "clients": [[aor, home, pin, epoch], ...]}. docs/operations.md says what each means.
/// Thread: any that may wait.
[[nodiscard]] NodeAnswer answer_node(const Plant& plant, const std::string& target, const nlohmann::json& request);

}  // namespace viaduct::api
