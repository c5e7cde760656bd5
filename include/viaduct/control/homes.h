// SPDX-License-Identifier: Apache-2.0
// Homes as the store keeps them: their descriptions to and fro, and how a configuration seeds them or differs.
#pragma once
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "viaduct/assign/homes.h"
#include "viaduct/config/config.h"

namespace viaduct::control {

/// A home as one JSON object: what it is and its state, without what is prebuilt from it.
[[nodiscard]] std::string describe(const assign::Home& home);
/// Errors: a sentence; a description that another build has written may hold what this one does not know.
[[nodiscard]] std::expected<assign::Home, std::string> home_described(std::string_view description);

[[nodiscard]] assign::Home home_of(const config::Home& home);
[[nodiscard]] std::vector<assign::Home> homes_of(const config::Config& config);

/// What of a home is the same on all nodes of a fleet: not whether it is this one's, nor what its health has seen.
[[nodiscard]] assign::Home as_shared(assign::Home home);

/// In which ways the configuration's homes are not those that stand: a sentence each. They are told, never applied: the store is the one truth.
[[nodiscard]] std::vector<std::string> differences(const config::Config& config, const assign::Homes& standing);

}  // namespace viaduct::control
