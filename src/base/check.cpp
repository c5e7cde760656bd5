// SPDX-License-Identifier: Apache-2.0
// How a broken invariant ends the process.
#include "viaduct/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace viaduct::base {

void fail(const char* what, std::source_location where) {
  std::fprintf(stderr, "%s:%u: invariant broken: %s\n", where.file_name(), where.line(), what);
  std::abort();
}

}  // namespace viaduct::base
