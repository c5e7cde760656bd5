// SPDX-License-Identifier: Apache-2.0
#include "kernel_share.h"

namespace viaduct {

std::expected<KernelShare, std::string> open_kernel_share(const config::Config& c, const nic::Ports& ports) {
  KernelShare share;
  for (const std::string& name : c.exception.taps) {
    auto tap = kernel::Tap::open({.name = name, .mac = ports[share.taps.size()].mac(), .mtu_bytes = c.mtu_bytes});
    if (!tap) return std::unexpected(tap.error());
    share.taps.push_back(std::move(*tap));
    if (c.routes != config::Routes::kernel) continue;
    auto network = kernel::Network::open(share.taps.back().index());
    if (!network) return std::unexpected(network.error());
    share.networks.push_back(std::move(*network));
  }
  return share;
}

}  // namespace viaduct
