// SPDX-License-Identifier: Apache-2.0
// How a configuration and the fleet's homes become the snapshot that every core reads.
#pragma once
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "viaduct/config/config.h"
#include "viaduct/site/site.h"

namespace viaduct::control {

/// Build a site from a configuration and the homes that stand, whose order are their indices; a stale one redirects nobody. Errors: what those homes need and the
/// configuration has not: key: what; allowed: range.
[[nodiscard]] std::expected<std::unique_ptr<const site::Site>, std::string> build_site(const config::Config& config, std::vector<assign::Home> homes,
                                                                                       bool is_stale = false);

}  // namespace viaduct::control
