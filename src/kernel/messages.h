// SPDX-License-Identifier: Apache-2.0
// Messages of rtnetlink read: what they say of one interface. Pure; where they come from is network.cpp's.
#pragma once
#include <libmnl/libmnl.h>

#include <optional>

#include "viaduct/kernel/network.h"

namespace viaduct::kernel {

/// A route of the main table that leads through that interface. Nothing: it is of another kind, or broken.
[[nodiscard]] std::optional<Route> read_route(const nlmsghdr& message, unsigned interface_index);
/// A neighbour on that interface whose MAC the kernel believes.
[[nodiscard]] std::optional<Neighbour> read_neighbour(const nlmsghdr& message, unsigned interface_index);
/// Whether a notification means that the routes through that interface may be others.
[[nodiscard]] bool concerns_routes(const nlmsghdr& message, unsigned interface_index);

}  // namespace viaduct::kernel
