// SPDX-License-Identifier: Apache-2.0
// The kernel's share of the ports, opened as the configuration asks for it.
#pragma once
#include <expected>
#include <string>
#include <vector>

#include "viaduct/config/config.h"
#include "viaduct/kernel/network.h"
#include "viaduct/kernel/tap.h"
#include "viaduct/nic/nic.h"

namespace viaduct {

struct KernelShare {
  std::vector<kernel::Tap> taps;           ///< one a port; none: the kernel has no share
  std::vector<kernel::Network> networks;   ///< behind them; none: the routes are the configuration's
};

/// Errors: what the kernel refused.
[[nodiscard]] std::expected<KernelShare, std::string> open_kernel_share(const config::Config& config, const nic::Ports& ports);

}  // namespace viaduct
