// SPDX-License-Identifier: Apache-2.0
// The terminal while frames are shown, one after the other in the same place.
#pragma once
#include <signal.h>
#include <termios.h>

#include <chrono>
#include <string>

namespace viaduct::cli {

/// Keys come at once and unseen, signals come as readable events, the cursor is hidden. Undone at the end.
class Terminal {
 public:
  Terminal();
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  /// Wait until then; true when the operator wants to quit.
  bool quits_before(std::chrono::steady_clock::time_point then);
  /// What a terminal has room for of a frame, in the place of the one before; all of it elsewhere. False when it is not taken.
  [[nodiscard]] bool show(const std::string& frame) const;

 private:
  int signals_{-1};
  sigset_t signals_before_{};
  termios before_{};
  bool reads_keys_{};
};

}  // namespace viaduct::cli
