// SPDX-License-Identifier: Apache-2.0
#include "kernel_share.h"

namespace viaduct {

std::expected<KernelShare, std::string> open_kernel_share(const config::Config& c, const net::Mac& mac) {
  KernelShare share;
  if (c.exception.tap.empty()) return share;
  auto tap = kernel::Tap::open({.name = c.exception.tap, .mac = mac, .mtu_bytes = c.mtu_bytes});
  if (!tap) return std::unexpected(tap.error());
  share.tap.emplace(std::move(*tap));
  if (c.routes != config::Routes::kernel) return share;
  auto network = kernel::Network::open(share.tap->index());
  if (!network) return std::unexpected(network.error());
  share.network.emplace(std::move(*network));
  return share;
}

}  // namespace viaduct
