// SPDX-License-Identifier: Apache-2.0
// What every request that fails is answered with.
#pragma once
#include <string_view>

#include <nlohmann/json.hpp>

namespace viaduct::api {

[[nodiscard]] inline nlohmann::json failure(std::string_view why) { return {{"ok", false}, {"error", why}}; }

}  // namespace viaduct::api
