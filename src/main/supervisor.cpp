// SPDX-License-Identifier: Apache-2.0
#include "supervisor.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "viaduct/base/descriptor.h"

namespace viaduct {

void tell_supervisor(const std::string& state) {
  const char* const named = std::getenv("NOTIFY_SOCKET");  // NOLINT(concurrency-mt-unsafe): nobody sets the environment
  if (named == nullptr) return;
  const std::string_view path = named;
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  if (path.empty() || path.size() >= sizeof address.sun_path) return;
  std::ranges::copy(path, address.sun_path);
  if (path.front() == '@') address.sun_path[0] = '\0';   // one without a name in the file system
  const base::Descriptor link{socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  const auto bytes = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  static_cast<void>(sendto(link.get(), state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address), bytes));
}

std::optional<std::chrono::microseconds> watchdog_interval() {
  const auto number = [](const char* name) -> std::optional<std::uint64_t> {
    const char* const text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nobody sets the environment
    std::uint64_t out = 0;
    if (text == nullptr) return std::nullopt;
    const std::string_view all = text;
    const auto [end, error] = std::from_chars(all.begin(), all.end(), out);
    return error == std::errc{} && end == all.end() && out != 0 ? std::optional(out) : std::nullopt;
  };
  const auto interval_us = number("WATCHDOG_USEC");
  const auto whose = number("WATCHDOG_PID");
  if (!interval_us || (whose && *whose != static_cast<std::uint64_t>(getpid()))) return std::nullopt;
  return std::chrono::microseconds(*interval_us);
}

Watchdog::Watchdog(std::chrono::microseconds interval, std::function<bool()> are_alive) {
  thread_ = std::thread([this, interval, are_alive = std::move(are_alive)] {
    std::unique_lock lock(mutex_);
    while (!ends_.wait_for(lock, interval / 2, [this] { return is_over_; })) {
      lock.unlock();
      if (are_alive()) tell_supervisor("WATCHDOG=1");
      lock.lock();
    }
  });
}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  ends_.notify_one();
  thread_.join();
}

}  // namespace viaduct
