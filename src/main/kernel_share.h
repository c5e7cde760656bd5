// SPDX-License-Identifier: Apache-2.0
// The kernel's share of the device, opened as the configuration asks for it.
#pragma once
#include <expected>
#include <optional>
#include <string>

#include "viaduct/config/config.h"
#include "viaduct/kernel/network.h"
#include "viaduct/kernel/tap.h"
#include "viaduct/net/frame.h"

namespace viaduct {

struct KernelShare {
  std::optional<kernel::Tap> tap;           ///< nothing: the kernel has no share
  std::optional<kernel::Network> network;   ///< nothing: the routes are the configuration's
};

/// `mac` is the device's. Errors: what the kernel refused.
[[nodiscard]] std::expected<KernelShare, std::string> open_kernel_share(const config::Config& config, const net::Mac& mac);

}  // namespace viaduct
