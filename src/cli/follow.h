// SPDX-License-Identifier: Apache-2.0
// How far something is, drawn anew until it is over: with its rate, and the time that is left.
#pragma once
#include <chrono>
#include <deque>
#include <expected>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "words.h"

namespace viaduct::cli {

/// How fast what is left becomes less, by the last ten seconds.
class Pace {
 public:
  using Clock = std::chrono::steady_clock;
  /// Shape: times do not go back.
  void note(double left, Clock::time_point now);
  /// `; 12.0/s, 0d 00:00:03 to go`; empty while nothing becomes less.
  [[nodiscard]] std::string text() const;

 private:
  struct Point {
    Clock::time_point at;
    double left;
  };
  std::deque<Point> points_;
};

/// What an answer says of it.
struct Progress {
  std::string line;
  double left{};
  bool is_over{};
};

/// Ask twice a second until it is over. A terminal sees the newest line alone, a file each that says something new; with --json the answers as they come.
[[nodiscard]] std::expected<Exit, Failure> follow(const Options& options, const nlohmann::json& request,
                                                  const std::function<Progress(const nlohmann::json&)>& read);

}  // namespace viaduct::cli
