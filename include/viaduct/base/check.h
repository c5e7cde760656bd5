// SPDX-License-Identifier: Apache-2.0
// Broken invariants stop the process with file and line; nothing here is for bad input, which is data.
#pragma once
#include <source_location>

namespace viaduct::base {

/// Print `what` with its place on standard error and abort.
[[noreturn]] void fail(const char* what, std::source_location where = std::source_location::current());

/// Stop the process if an invariant of ours does not hold.
inline void check(bool holds, const char* what, std::source_location where = std::source_location::current()) {
  if (!holds) [[unlikely]]
    fail(what, where);
}

}  // namespace viaduct::base
