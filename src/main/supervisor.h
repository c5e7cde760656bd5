// SPDX-License-Identifier: Apache-2.0
// What systemd is told of the daemon: it is ready, reads its configuration again, stops, and, where it wants to know, that every core still has its rounds.
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace viaduct {

/// Send a state (`READY=1`) to who has started the process, if he wants it. Thread: any. Source: sd_notify(3), protocol of $NOTIFY_SOCKET.
void tell_supervisor(const std::string& state);

/// How often systemd wants to hear from this process; nullopt: never. Source: sd_watchdog_enabled(3).
[[nodiscard]] std::optional<std::chrono::microseconds> watchdog_interval();

/// Says `WATCHDOG=1` twice as often as is wanted, as long as `are_alive` is true, on a thread of its own.
class Watchdog {
 public:
  Watchdog(std::chrono::microseconds interval, std::function<bool()> are_alive);
  ~Watchdog();

 private:
  std::mutex mutex_;
  std::condition_variable ends_;
  bool is_over_{};
  std::thread thread_;
};

}  // namespace viaduct
