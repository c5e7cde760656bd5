// SPDX-License-Identifier: Apache-2.0
// A configuration's screening rules compiled, and `viaductd --test-rules`: what a file of rules says of messages, offline.
#pragma once
#include <expected>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "viaduct/config/config.h"
#include "viaduct/screen/rules.h"

namespace viaduct {

/// All rules of a configuration, for so many workers. Errors: file, line, and what is wrong.
[[nodiscard]] std::expected<std::unique_ptr<screen::Rules>, std::string> compile_rules(const config::Config& config, unsigned workers,
                                                                                       const std::vector<std::filesystem::path>& rules_dirs);

struct RulesTest {
  std::filesystem::path file;
  std::string source{"192.0.2.1"};   ///< where the messages are taken to come from: TEST-NET-1 (RFC 5737)
  bool as_json{};
};

/// Say of each message on standard input, messages parted by lines of `--`, what the rules of a file decide. Returns an exit status.
[[nodiscard]] int test_rules(const RulesTest& test);

}  // namespace viaduct
