// SPDX-License-Identifier: Apache-2.0
// `viaduct explain FILE`: hands a file of messages to the daemon's own program, which runs them through the production path offline.
#pragma once
#include <string>

#include "daemon.h"

namespace viaduct::cli {

struct ExplainOptions {
  std::string called_as;   ///< the command's own name, as it was called
  std::string file;
  std::string config;   ///< empty: the program's default
  bool json{};
};

/// Becomes viaductd, found beside this program or in PATH; returns only when it cannot.
[[nodiscard]] Failure explain(const ExplainOptions& options);

}  // namespace viaduct::cli
