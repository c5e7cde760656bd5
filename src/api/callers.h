// SPDX-License-Identifier: Apache-2.0
// The connections of who calls the control address: those on which something has come are served by a few threads, the others wait for that, and take nobody's place.
#pragma once
#include <httplib.h>
#include <poll.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "viaduct/base/descriptor.h"

namespace viaduct::api {

/// Takes the place of the library's pool: its tasks run at once, on its own thread, and bring their connection here. From one address no more than half of the
/// threads are served at a time, so that no single host can hold all of them; and when too many wait, one of the address from which most do makes way.
class Callers final : public httplib::TaskQueue {
 public:
  /// `serve` is called on one of the threads. A connection that is not served within that time is closed.
  Callers(std::function<void(int socket)> serve, std::chrono::milliseconds patience);
  ~Callers() override = default;
  Callers(const Callers&) = delete;
  Callers& operator=(const Callers&) = delete;

  void take(base::Descriptor socket);
  void enqueue(std::function<void()> accept) override { accept(); }
  /// Who waits is left, what is being read is cut off, what is being answered is answered.
  void shutdown() override;

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Caller {
    base::Descriptor socket;
    std::string source;  ///< its address, without the port
    Time until;
  };

  void watch();
  void serve_all();
  [[nodiscard]] std::vector<Caller> sort_out(std::vector<Caller> waiting, const std::vector<pollfd>& polled);
  void make_way(std::vector<Caller>& still);
  [[nodiscard]] std::deque<Caller>::iterator next_ready();

  const std::function<void(int socket)> serve_;
  const std::chrono::milliseconds patience_;
  base::Descriptor wake_;  // an eventfd
  std::mutex mutex_;
  std::condition_variable changed_;
  bool has_ended_{};
  std::vector<Caller> arrived_;
  std::deque<Caller> ready_;
  std::map<std::string, std::size_t> served_of_;  // by source
  std::set<int> served_;  // sockets
  std::vector<std::thread> threads_;
};

}  // namespace viaduct::api
