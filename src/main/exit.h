// SPDX-License-Identifier: Apache-2.0
// How viaductd ends when it is used as a command.
#pragma once

namespace viaduct {

/// Words or files will not do; 1 is a configuration that will not, or a node that failed.
inline constexpr int wrong_use = 2;

}  // namespace viaduct
