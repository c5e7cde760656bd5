// SPDX-License-Identifier: Apache-2.0
// The version of this build, which is that of the project in meson.build.
#pragma once
#include <string_view>

namespace viaduct::api {

extern const std::string_view version;

}  // namespace viaduct::api
