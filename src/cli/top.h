// SPDX-License-Identifier: Apache-2.0
// `viaduct top`: rates once a second, until the operator has seen enough.
#pragma once

#include "daemon.h"

namespace viaduct::cli {

struct TopOptions {
  unsigned count{};   ///< frames to show; 0: until q or Ctrl-C
  bool json{};        ///< the daemon's counters, a line a second, in place of frames
};

/// Returns when the operator quits, after `count` frames, or when the daemon is gone.
[[nodiscard]] std::expected<Exit, Failure> top(Daemon daemon, const TopOptions& options);

}  // namespace viaduct::cli
