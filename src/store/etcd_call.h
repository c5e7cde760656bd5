// SPDX-License-Identifier: Apache-2.0
// Calls to etcd's servers: one connection that is kept, to the server that answered last, and the next server when it does not.
#pragma once
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "etcd_json.h"
#include "viaduct/store/etcd.h"

namespace httplib {
class ClientImpl;
}

namespace viaduct::store::etcd {

/// What a server that has its quorum says.
struct Answer {
  std::string refusal;   ///< empty: done
  bool is_no_such_lease{};
  json body;
};

/// Thread: any, one call at a time, the others wait.
class Calls {
 public:
  explicit Calls(const EtcdOptions& options);
  ~Calls();
  Calls(const Calls&) = delete;
  Calls& operator=(const Calls&) = delete;

  /// Whether a connection could be begun. Errors: failed.
  [[nodiscard]] Result<void> check() const;
  /// Ask each server once, until one answers. `is_last`: also after stop(), and in less time. Errors: unreachable.
  [[nodiscard]] Result<Answer> call(const char* target, const json& request, bool is_last = false);
  /// The call under way ends soon, as do all to come.
  void stop();

  /// What the call under way is bounded by.
  struct Bounds {
    std::chrono::milliseconds within{};
    bool is_last{};
  };

 private:
  [[nodiscard]] std::unique_ptr<httplib::ClientImpl> connection(const base::Endpoint& server, std::string& fault) const;
  [[nodiscard]] std::optional<Answer> ask(const char* target, const std::string& body, std::string& fault);
  void drop();

  const EtcdOptions options_;
  std::mutex calling_;
  std::size_t at_{};       // which server is asked first
  Bounds bounds_;
  std::atomic<bool> is_over_{};
  std::mutex connecting_;  // of the pointer below, which only a call changes
  std::unique_ptr<httplib::ClientImpl> client_;
};

}  // namespace viaduct::store::etcd
