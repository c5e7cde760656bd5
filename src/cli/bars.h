// SPDX-License-Identifier: Apache-2.0
// Bars of characters: how much there is of something, how far something is.
#pragma once
#include <string>

namespace viaduct::cli {

/// A load beside the largest one, which has the longest bar.
[[nodiscard]] std::string load_bar(double load, double largest);
/// What is done in brackets, dots for what is left; full only when all is done. `ratio`: 0 to 1; what is beyond counts as these.
[[nodiscard]] std::string progress_bar(double ratio);

}  // namespace viaduct::cli
