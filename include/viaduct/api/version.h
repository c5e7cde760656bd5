// SPDX-License-Identifier: Apache-2.0
// The version of this build.
#pragma once
#include <string_view>

namespace viaduct::api {

inline constexpr std::string_view version = "0.1.0";

}  // namespace viaduct::api
