// SPDX-License-Identifier: Apache-2.0
// The kernel's own addresses, all at once: there are few, and who asks does so now and then.
#include <ifaddrs.h>
#include <netinet/in.h>

#include <cstring>
#include <memory>

#include "viaduct/kernel/network.h"

namespace viaduct::kernel {
namespace {

struct FreeList {
  void operator()(ifaddrs* list) const { freeifaddrs(list); }
};

}  // namespace

std::vector<base::Address> addresses() {
  ifaddrs* first = nullptr;
  if (getifaddrs(&first) != 0) return {};
  const std::unique_ptr<ifaddrs, FreeList> list{first};
  std::vector<base::Address> out;
  for (const ifaddrs* i = first; i != nullptr; i = i->ifa_next) {
    if (i->ifa_addr == nullptr) continue;
    if (i->ifa_addr->sa_family == AF_INET) out.push_back(base::Address::v4(reinterpret_cast<const sockaddr_in*>(i->ifa_addr)->sin_addr.s_addr));
    if (i->ifa_addr->sa_family != AF_INET6) continue;
    std::array<std::uint8_t, 16> octets;
    std::memcpy(octets.data(), &reinterpret_cast<const sockaddr_in6*>(i->ifa_addr)->sin6_addr, octets.size());
    out.push_back(base::Address::v6(octets));
  }
  return out;
}

}  // namespace viaduct::kernel
