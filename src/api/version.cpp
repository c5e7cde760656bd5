// SPDX-License-Identifier: Apache-2.0
#include "viaduct/api/version.h"

namespace viaduct::api {

const std::string_view version = VIADUCT_VERSION;

}  // namespace viaduct::api
