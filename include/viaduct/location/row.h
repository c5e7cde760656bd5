// SPDX-License-Identifier: Apache-2.0
// A client's bindings as octets, to be kept while the node is down.
//
//   row:      u8 format (4), u8 count, u16 octets of the AoR, the AoR, then the bindings
//   binding:  flow, next and listener (16 octets of address and u16 port each), u16 q, u32 reg-id, u32 CSeq, u64 hash of Call-ID, u64 hash of branch,
//             i64 added, i64 expires and i64 registered (seconds since 1970; registered 0: not known), u8 flags (1: the flow
//             is the client's own), u16 octets of URI, instance and Path, then these texts
// Of earlier builds are read: format 3, which has no flags, format 2, whose listener is its number in a u8, and format 1, which is that without `registered`.
// Numbers are little endian, as the machine's.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "viaduct/assign/locations.h"

namespace viaduct::location {

/// What is added to a time of the registrar's clock to have seconds since 1970.
using ClockOffset = std::int64_t;

/// What of this node and of its present run the numbers of a row mean.
struct RowBasis {
  ClockOffset offset_s{};
  std::span<const base::Endpoint> listeners;   ///< ours, by number

  /// Where a listener is; nowhere when there is none of that number.
  [[nodiscard]] base::Endpoint endpoint_of(std::uint8_t listener) const { return listener < listeners.size() ? listeners[listener] : base::Endpoint{}; }
  /// The number of the listener that is there now; the first one's when none is.
  [[nodiscard]] std::uint8_t listener_at(const base::Endpoint& endpoint) const;
  /// Of a row that has the number itself: that, or the first one's when there are no longer so many.
  [[nodiscard]] std::uint8_t listener_numbered(std::uint8_t number) const { return number < listeners.size() ? number : std::uint8_t{0}; }
};

[[nodiscard]] std::string to_row(const assign::Location& location, const RowBasis& basis);

/// Texts borrow from the row.
struct FromRow {
  std::string_view aor;
  std::vector<assign::BindingText> bindings;
};
/// What expired before the registrar's clock began expires at 0. Errors: nullopt for anything that to_row does not write.
[[nodiscard]] std::optional<FromRow> from_row(std::string_view row, const RowBasis& basis);

}  // namespace viaduct::location
