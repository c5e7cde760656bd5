// SPDX-License-Identifier: Apache-2.0
// What a thing that is kept in a row knows of it; which rows are to be written is unsaved.h's.
#pragma once

namespace viaduct::store {

struct RowState {
  bool is_unsaved : 1 {};   ///< it has changed since its row was last taken
  bool is_stored : 1 {};    ///< a row of it was taken, or stands in the store
};

}  // namespace viaduct::store
