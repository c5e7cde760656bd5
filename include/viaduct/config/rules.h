// SPDX-License-Identifier: Apache-2.0
// Screening rules read from TOML files: the operator's and those that are shipped. What a rule means is the screen area's; here only its text.
#pragma once
#include <expected>
#include <filesystem>
#include <vector>

#include "viaduct/config/config.h"
#include "viaduct/screen/rule.h"

namespace viaduct::config {

/// Read the rules of one file, in its order. Errors: file:line: key: what; allowed: range.
[[nodiscard]] std::expected<std::vector<screen::Rule>, Error> read_rules(const std::filesystem::path& file);

/// All rules of a configuration in the order in which they are asked: shipped marks of User-Agents, so that the operator's override them; the operator's; shipped
/// scanners, so that the operator's `allow` comes first. The shipped files are looked for in `rules_dirs`, in order. Errors: as read_rules; two rules of one name.
[[nodiscard]] std::expected<std::vector<screen::Rule>, Error> rules_of(const Config& config, const std::vector<std::filesystem::path>& rules_dirs);

}  // namespace viaduct::config
