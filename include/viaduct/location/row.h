// SPDX-License-Identifier: Apache-2.0
// A client's bindings as octets, to be kept while the node is down.
//
//   row:      u8 format (2; 1, without `registered`, is read), u8 count, u16 octets of the AoR, the AoR, then the bindings
//   binding:  flow and next (16 octets of address and u16 port each), u8 listener, u16 q, u32 reg-id, u32 CSeq, u64 hash of Call-ID, u64 hash of branch,
//             i64 added, i64 expires, i64 registered (seconds since 1970; registered 0: none), u16 octets of each of URI, instance and Path, then these texts
// Numbers are little endian, as the machine's.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "viaduct/assign/locations.h"

namespace viaduct::location {

/// What is added to a time of the registrar's clock to have seconds since 1970.
using ClockOffset = std::int64_t;

[[nodiscard]] std::string to_row(const assign::Location& location, ClockOffset offset_s);

/// Texts borrow from the row.
struct FromRow {
  std::string_view aor;
  std::vector<assign::BindingText> bindings;
};
/// What expired before the registrar's clock began expires at 0. Errors: nullopt for anything that to_row does not write.
[[nodiscard]] std::optional<FromRow> from_row(std::string_view row, ClockOffset offset_s);

}  // namespace viaduct::location
