// SPDX-License-Identifier: Apache-2.0
// How a configuration becomes the snapshot that every core reads.
#pragma once
#include <expected>
#include <memory>
#include <string>

#include "viaduct/config/config.h"
#include "viaduct/site/site.h"

namespace viaduct::control {

/// Build a site from a configuration. `previous` keeps the indices of homes that it had; homes gone from the configuration stay as `removed`.
/// Errors: a sentence naming the key.
[[nodiscard]] std::expected<std::unique_ptr<const site::Site>, std::string> build_site(const config::Config& config, const site::Site* previous);

}  // namespace viaduct::control
