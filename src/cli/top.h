// SPDX-License-Identifier: Apache-2.0
// What is shown once a second until the operator has seen enough: `viaduct top` and whatever else is watched.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "daemon.h"

namespace viaduct::cli {

struct TopOptions {
  unsigned count{};   ///< frames to show; 0: until q or Ctrl-C
  bool json{};        ///< the daemon's answers, a line a second, in place of frames
};

/// An answer as text.
using Show = std::function<std::string(const nlohmann::json&)>;

/// Returns when the operator quits, after `count` frames, when standard output takes no more, or when the daemon is gone.
[[nodiscard]] std::expected<Exit, Failure> top(Daemon daemon, const TopOptions& options);

/// One question, asked once a second and shown; it ends as `top` does.
[[nodiscard]] std::expected<Exit, Failure> watch(Daemon daemon, const TopOptions& options, const nlohmann::json& request, const Show& show);

}  // namespace viaduct::cli
