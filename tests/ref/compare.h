// SPDX-License-Identifier: Apache-2.0
// The index held against the reference, and against what must hold of every message.
#pragma once
#include <string>
#include <string_view>

namespace viaduct::ref {

/// Index a datagram both ways. Returns what differs or does not hold, one a line; empty when all is well.
std::string differences(std::string_view datagram);

}  // namespace viaduct::ref
