// SPDX-License-Identifier: Apache-2.0
// The operator's Unix socket: one JSON request a line, one JSON answer a line. Knows no verb: a handler does.
#pragma once
#include <expected>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace viaduct::api {

/// Answers one request; called on the server's thread, one at a time. Shape of a request: {"verb": "...", ...}; of an answer:
/// {"ok": true, ...} or {"ok": false, "error": "..."}. A handler that throws gives the latter.
using Handler = std::function<nlohmann::json(const nlohmann::json& request)>;

class Server {
 public:
  /// Bind, listen and serve on a thread of its own. The socket has mode 0660. A stale socket file is replaced; a live one is an error.
  [[nodiscard]] static std::expected<std::unique_ptr<Server>, std::string> start(const std::filesystem::path& socket, Handler handler);
  ~Server();   ///< stops the thread, removes the socket

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace viaduct::api
