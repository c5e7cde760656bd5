// SPDX-License-Identifier: Apache-2.0
// Files to and from the daemon: a file sent while its answers are read, rows received into a file; and how far it is, for people.
#pragma once
#include <cstdint>
#include <expected>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "daemon.h"

namespace viaduct::cli {

/// What `clients import`, `assign`, `pin` and `unassign` were told.
struct ImportWords {
  std::string kind;           ///< import, assign, pin or unassign
  std::string home;
  std::string file;           ///< `-`: standard input
  std::string why;
  bool dry_run{};
  bool skip_rejected{};
};

/// Send a file; rejected lines go to standard error as they come. Returns the daemon's report. Memory: bounded. Errors: usage when the file cannot be read.
[[nodiscard]] std::expected<nlohmann::json, Failure> import_file(const std::filesystem::path& socket, const ImportWords& words, bool as_json);

struct ExportWords {
  std::string home;
  std::string prefix;
  bool pins_only{};
  bool overrides_only{};
  std::string out;            ///< empty or `-`: standard output
};

/// Receive rows into a file. The file is only there under its name when all have come.
[[nodiscard]] std::expected<Exit, Failure> export_file(const std::filesystem::path& socket, const ExportWords& words);

/// Ask for something long and wait for its answer, telling how far it is.
[[nodiscard]] std::expected<nlohmann::json, Failure> ask_long(const std::filesystem::path& socket, const nlohmann::json& request);

}  // namespace viaduct::cli
