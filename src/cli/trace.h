// SPDX-License-Identifier: Apache-2.0
// `viaduct trace`: a client's or a prefix's packets as they pass, as lines or into a capture file.
#pragma once
#include <filesystem>
#include <string>

#include "daemon.h"

namespace viaduct::cli {

struct TraceWords {
  std::string what;          ///< an address-of-record, an address or a prefix
  std::string for_text{"60s"};
  std::string out;           ///< a file; empty: lines on standard output
};

/// Seconds of a text: `90`, `90s`, `5m` or `1h`; 0 when it is none.
[[nodiscard]] unsigned seconds_of(const std::string& text);

/// Returns when the time is over or the daemon is gone.
[[nodiscard]] std::expected<Exit, Failure> trace(const std::filesystem::path& socket, const TraceWords& words, bool as_json);

}  // namespace viaduct::cli
