// SPDX-License-Identifier: Apache-2.0
// Vector code of the scanner held against the scalar code beside it.
#pragma once
#include <string>
#include <string_view>

namespace viaduct::ref {

/// Find runs and line starts both ways. Returns what differs, one a line; empty when all is well.
std::string scan_differences(std::string_view text);
/// The same of line starts alone.
std::string line_differences(std::string_view text);

}  // namespace viaduct::ref
