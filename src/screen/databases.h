// SPDX-License-Identifier: Apache-2.0
// The Hyperscan databases of compiled rules, and their owners.
#pragma once
#include <hs/hs.h>

#include <array>
#include <memory>

#include "viaduct/screen/rules.h"

namespace viaduct::screen {

struct FreeDatabase {
  void operator()(hs_database_t* database) const { hs_free_database(database); }
};
struct FreeScratch {
  void operator()(hs_scratch_t* scratch) const { hs_free_scratch(scratch); }
};
struct FreeError {
  void operator()(hs_compile_error_t* error) const { hs_free_compile_error(error); }
};
using Scratch = std::unique_ptr<hs_scratch_t, FreeScratch>;

struct Rules::Databases {
  std::array<std::unique_ptr<hs_database_t, FreeDatabase>, texts_count> texts;   // by Field; null where no rule asks
  std::vector<Scratch> scratches;                                                // by worker
};

}  // namespace viaduct::screen
