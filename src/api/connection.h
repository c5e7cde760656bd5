// SPDX-License-Identifier: Apache-2.0
// One operator's connection: octets in until a line is whole, answers out as fast as the peer takes them. Knows no socket but its own.
#pragma once
#include <chrono>
#include <string>
#include <string_view>

namespace viaduct::api {

/// Thread: the server's. Owns its descriptor, which does not block.
class Connection {
 public:
  explicit Connection(int descriptor) : descriptor_(descriptor) {}
  ~Connection();
  Connection(Connection&& other) noexcept;
  Connection& operator=(Connection&& other) noexcept;

  [[nodiscard]] int descriptor() const { return descriptor_; }
  /// The poll events that bring it on: an answer not yet taken by the peer comes before its next request.
  [[nodiscard]] short events() const;
  /// When octets last came or went.
  [[nodiscard]] std::chrono::steady_clock::time_point touched() const { return touched_; }
  /// Nothing more can come of it: close it.
  [[nodiscard]] bool is_finished() const;

  /// Take what the peer has sent, up to one buffer.
  void receive();
  /// Send what waits, as far as the peer takes it.
  void send();
  /// A request can be answered now: a whole line is there, and no answer still waits. A last line without its end counts once the peer has
  /// closed its side.
  [[nodiscard]] bool has_line() const;
  /// Take that line, without its line end. Shape: has_line(); the line lives until the next call of a member.
  [[nodiscard]] std::string_view take_line();
  /// True when the peer has sent more than a request may have without ending the line.
  [[nodiscard]] bool is_over_limit() const;
  /// What the peer has sent beyond the lines that were given out. The texts of earlier lines are gone.
  [[nodiscard]] std::string take_input();
  /// Octets behind those that wait to be sent.
  void put(std::string_view octets) { output_ += octets; }
  [[nodiscard]] bool has_output() const { return !output_.empty(); }
  [[nodiscard]] bool is_ended() const { return is_ended_; }
  [[nodiscard]] bool is_broken() const { return is_broken_; }
  /// Put an answer line on its way.
  void answer(std::string_view line);
  /// The peer is taken for gone.
  void give_up() { is_broken_ = true; }
  /// No further request is read.
  void finish() { is_ended_ = true, input_.clear(), taken_ = 0; }

 private:
  int descriptor_;
  std::string input_;
  std::size_t taken_{};     // octets of input_ that were given out as lines
  std::string output_;
  std::size_t sent_{};
  bool is_ended_{};         // the peer sends no more
  bool is_broken_{};
  std::chrono::steady_clock::time_point touched_{std::chrono::steady_clock::now()};
};

}  // namespace viaduct::api
