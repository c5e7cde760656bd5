// SPDX-License-Identifier: Apache-2.0
// The HTTP library's server as this area uses it: one call a connection, each with a bound on its time, and a few threads that no single host can hold all of.
#pragma once
#include <httplib.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "viaduct/base/address.h"

namespace viaduct::api {

class Callers;

/// What is answered is said by the library's own means (Get, Post) before it serves.
class Http final : public httplib::Server {
 public:
  /// How long a peer may take for a call, and for taking its answer between two pieces.
  explicit Http(std::chrono::milliseconds patience);
  ~Http() override;  ///< waits for what is being answered
  Http(const Http&) = delete;
  Http& operator=(const Http&) = delete;

  /// Who connects waits until it serves. False: the address cannot be had.
  [[nodiscard]] bool bind(const base::Endpoint& at);
  /// Answer from now on, on threads of its own. Called once.
  void serve();

 private:
  bool process_and_close_socket(socket_t socket) override;
  void answer(int socket);

  const std::chrono::milliseconds patience_;
  Callers* callers_{};  // the library's, while it listens
  std::thread thread_;
  std::atomic<bool> has_ended_{};
};

}  // namespace viaduct::api
