// SPDX-License-Identifier: Apache-2.0
// Servers of etcd for one test, in a folder that goes with them; and one that stands before another and does not always tell what that has answered.
#pragma once
#include <sys/types.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "folder.h"
#include "viaduct/base/address.h"

namespace viaduct::store::test {

/// A port of 127.0.0.1 that nobody has.
[[nodiscard]] base::Endpoint free_endpoint();

/// Wait for a condition. Returns whether it came.
template <typename F>
bool comes(F condition, std::chrono::milliseconds within = std::chrono::seconds(20)) {
  for (const auto until = std::chrono::steady_clock::now() + within; std::chrono::steady_clock::now() < until;) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return condition();
}

/// A cluster. They end with this, or with the test's process, however that ends.
class Servers {
 public:
  explicit Servers(std::size_t count, std::vector<std::string> arguments = {}, const char* scheme = "http");
  ~Servers();
  Servers(const Servers&) = delete;
  Servers& operator=(const Servers&) = delete;

  [[nodiscard]] const std::vector<base::Endpoint>& endpoints() const { return clients_; }
  void start(std::size_t index);
  void kill(std::size_t index);

 private:
  Folder folder_;
  std::vector<std::string> arguments_;
  std::string scheme_;
  std::vector<base::Endpoint> clients_, peers_;
  std::vector<pid_t> pids_;
};

/// Between a client and a server.
class Between {
 public:
  enum class Does : std::uint8_t {
    passes,
    loses,    // the next answer is lost, with the connection; then it passes
    babbles,  // answers without end
    hangs,    // answers nothing
  };
  explicit Between(const base::Endpoint& server);
  ~Between();
  Between(const Between&) = delete;
  Between& operator=(const Between&) = delete;
  [[nodiscard]] const base::Endpoint& endpoint() const { return here_; }
  void set(Does does) { does_ = does; }
  /// Calls that came, of all kinds.
  [[nodiscard]] unsigned calls() const { return calls_; }
  [[nodiscard]] unsigned connections() const { return connections_; }
  /// Octets of answers without end.
  [[nodiscard]] std::size_t babbled() const { return babbled_; }

 private:
  void serve();
  void pass(int client);

  base::Endpoint server_, here_;
  std::atomic<Does> does_{Does::passes};
  std::atomic<unsigned> calls_{}, connections_{};
  std::atomic<std::size_t> babbled_{};
  std::atomic<bool> is_over_{};
  int listener_;
  std::vector<std::thread> threads_;
  std::thread accepting_;
};

}  // namespace viaduct::store::test
