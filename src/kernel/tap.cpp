// SPDX-License-Identifier: Apache-2.0
// The TAP driver of Linux: the clone device, and what is set by requests on a socket.
#include "viaduct/kernel/tap.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace viaduct::kernel {
namespace {

constexpr const char* clone_device = "/dev/net/tun";

std::unexpected<std::string> failure(const TapConfig& config, const std::string& what) {
  return std::unexpected("the kernel's interface " + config.name + ": " + what + ": " + std::strerror(errno));
}

ifreq request_for(const TapConfig& config) {
  ifreq request{};
  config.name.copy(request.ifr_name, IFNAMSIZ - 1);
  return request;
}

std::expected<void, std::string> set_mac(int socket, const TapConfig& config) {
  ifreq request = request_for(config);
  request.ifr_hwaddr.sa_family = ARPHRD_ETHER;
  std::memcpy(request.ifr_hwaddr.sa_data, config.mac.data(), config.mac.size());
  if (ioctl(socket, SIOCSIFHWADDR, &request) != 0) return failure(config, "the device's MAC address is not taken");
  return {};
}

std::expected<void, std::string> set_mtu(int socket, const TapConfig& config) {
  ifreq request = request_for(config);
  request.ifr_mtu = static_cast<int>(config.mtu_bytes);
  if (ioctl(socket, SIOCSIFMTU, &request) != 0) return failure(config, "an MTU of " + std::to_string(config.mtu_bytes) + " is not taken");
  return {};
}

}  // namespace

std::expected<Tap, std::string> Tap::open(const TapConfig& config) {
  base::Descriptor device{::open(clone_device, O_RDWR | O_NONBLOCK | O_CLOEXEC)};
  if (device.get() < 0) return failure(config, std::string{clone_device} + " cannot be opened");
  ifreq request = request_for(config);
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  if (ioctl(device.get(), TUNSETIFF, &request) != 0)
    return failure(config, "it is not given to us (this takes CAP_NET_ADMIN, and a name that nobody else uses)");
  const base::Descriptor socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (socket.get() < 0) return failure(config, "no socket");
  if (const auto ok = set_mac(socket.get(), config); !ok) return std::unexpected(ok.error());
  if (const auto ok = set_mtu(socket.get(), config); !ok) return std::unexpected(ok.error());
  const unsigned index = if_nametoindex(config.name.c_str());
  if (index == 0) return failure(config, "it has no number");
  return Tap{std::move(device), index};
}

bool Tap::write(std::span<const std::uint8_t> frame) { return ::write(device_.get(), frame.data(), frame.size()) == std::ssize(frame); }

std::size_t Tap::read(std::span<std::uint8_t> room) { return static_cast<std::size_t>(std::max<ssize_t>(::read(device_.get(), room.data(), room.size()), 0)); }

}  // namespace viaduct::kernel
