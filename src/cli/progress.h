// SPDX-License-Identifier: Apache-2.0
// One line on a terminal that says how far something is; nothing where standard error is no terminal.
#pragma once
#include <chrono>
#include <cstdint>
#include <string_view>

namespace viaduct::cli {

class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine();   ///< takes the line away
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  /// `ratio` of the phase is done, 0 to 1, or below 0 when nobody knows; `count` clients so far. Drawn five times a second at the most.
  void show(std::string_view phase, double ratio, std::uint64_t count);

 private:
  using Clock = std::chrono::steady_clock;
  bool is_terminal_;
  bool is_drawn_{};
  Clock::time_point began_{Clock::now()};
  Clock::time_point drawn_{};
};

}  // namespace viaduct::cli
