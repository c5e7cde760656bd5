// SPDX-License-Identifier: Apache-2.0
// Finding viaductd and becoming it.
#include "explain.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <vector>

namespace viaduct::cli {
namespace {

namespace fs = std::filesystem;

/// The program beside ours: where we were called, which may be a link, or where we are; its bare name, for PATH, when there is none.
std::string program(const fs::path& called_as) {
  std::error_code failure;
  const fs::path self = fs::read_symlink("/proc/self/exe", failure);
  for (const auto& ours : {called_as, self}) {
    const auto beside = ours.parent_path() / "viaductd";
    if (ours.has_parent_path() && access(beside.c_str(), X_OK) == 0) return beside;
  }
  return "viaductd";
}

}  // namespace

Failure explain(const ExplainOptions& options) {
  std::vector<std::string> words{"--explain", options.file};
  if (!options.config.empty()) words.insert(words.end(), {"--config", options.config});
  if (options.json) words.emplace_back("--json");
  return become_daemon(options.called_as, std::move(words));
}

Failure become_daemon(const std::string& called_as, std::vector<std::string> words) {
  words.insert(words.begin(), program(called_as));
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  return {Exit::unreachable, "viaductd is neither beside this program nor in PATH: " + std::string{std::strerror(errno)}};
}

}  // namespace viaduct::cli
