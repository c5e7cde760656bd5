// SPDX-License-Identifier: Apache-2.0
// The values of Route headers, and of those of the same form, one after the other.
#pragma once
#include <string_view>

#include "viaduct/sip/message.h"

namespace viaduct::sip {

/// One value of a Route, Path, Record-Route or Service-Route header; the texts borrow from the message.
struct RouteValue {
  std::string_view value;   ///< whole, without white space round it
  std::string_view uri;     ///< its URI without <>; empty when it is not well-formed
};

/// Walks over the values in their order, across lines and commas. Source: RFC 3261 7.3.1, 20.34; RFC 3327 4.
class Routes {
 public:
  /// Shape: `message` is indexed and outlives the walk; `header` is one of those named above.
  explicit Routes(const Message& message, HeaderId header = HeaderId::route);
  /// The next one; false at the end.
  [[nodiscard]] bool next(RouteValue& out);

 private:
  const Message* message_;
  HeaderId header_;
  std::size_t line_;
  std::string_view rest_;   // of the line before line_
};

/// What of a request's Routes goes before it is sent on, and what becomes of its Request-URI.
struct RouteEdits {
  std::uint8_t leading{};          ///< so many values from the first on are removed
  bool last{};                     ///< the last value is removed, after it has become the Request-URI (RFC 3261 16.4)
  std::string_view appended;       ///< becomes the last Route, since the next hop is a strict router (16.6 step 6); empty: nothing
  std::string_view request_uri;    ///< the new one; empty: it stays
};

}  // namespace viaduct::sip
