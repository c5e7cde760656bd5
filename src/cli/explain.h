// SPDX-License-Identifier: Apache-2.0
// `viaduct explain FILE`: hands a file of messages to the daemon's own program, which runs them through the production path offline.
#pragma once
#include <string>
#include <vector>

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

/// Becomes viaductd with those words; `called_as` is the command's own name. Returns only when it cannot.
[[nodiscard]] Failure become_daemon(const std::string& called_as, std::vector<std::string> words);

}  // namespace viaduct::cli
