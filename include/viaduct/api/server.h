// SPDX-License-Identifier: Apache-2.0
// A Unix socket, the operator's or the directory's: one JSON request a line, one JSON answer a line; what takes long has a thread and the connection to itself. Knows
// no verb: a handler does.
#pragma once
#include <chrono>
#include <expected>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include <nlohmann/json.hpp>

namespace viaduct::api {

/// A connection while a verb has it to itself. Thread: the verb's.
class Stream {
 public:
  virtual ~Stream() = default;
  /// The next octets that the peer sends, as they come; empty when it has ended its side, is gone, or the server stops. They live until the next call.
  [[nodiscard]] virtual std::string_view read() = 0;
  /// Send octets; false when the peer is gone, has taken nothing for as long as the server has patience, which ends the connection, or the server stops.
  virtual bool write(std::string_view octets) = 0;
  /// Send octets if that needs no waiting: while the peer has not taken what was sent before, they are left out. False: they were.
  virtual bool offer(std::string_view octets) = 0;
  /// An answer, or a part of one, as a line.
  bool write_line(const nlohmann::json& line);
  bool offer_line(const nlohmann::json& line);
};

/// What takes long: done on a thread of its own, answers by itself. Afterwards the connection takes requests again.
using Work = std::function<void(Stream&)>;
using Answer = std::variant<nlohmann::json, Work>;

/// Answers one request, which is an object; called on the server's thread, one at a time. `who` is the peer's user name. What is no object, and a handler that
/// throws, give {"ok": false, "error": "..."}.
using Handler = std::function<Answer(const nlohmann::json& request, const std::string& who)>;

/// A long verb that ends in one answer.
[[nodiscard]] Work answering(std::function<nlohmann::json()> answer);

/// How long peers are waited for.
struct Patience {
  std::chrono::milliseconds taking{30'000};  ///< for one to take what a long verb sends
  std::chrono::milliseconds idle{60'000};  ///< for one to ask something, or to take its answer, while others find no place
};

class Server {
 public:
  /// Bind and listen; who connects waits until it serves. The socket has mode 0660, and that group, where one is named. A stale socket file is replaced; a live
  /// one is an error.
  [[nodiscard]] static std::expected<std::unique_ptr<Server>, std::string> open(const std::filesystem::path& socket, Handler handler, Patience patience = {},
                                                                                const std::string& group = {});
  /// Answer from now on, on a thread of its own. Called once.
  void serve();
  ~Server();  ///< stops the thread, waits for what takes long to give up, removes the socket

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace viaduct::api
