// SPDX-License-Identifier: Apache-2.0
// What a client hears whose REGISTER had `Event: registration` when the server takes his registration away: the body `text/registration-event`.
#pragma once
#include <string_view>

#include "viaduct/notifier/watchers.h"

namespace viaduct::notifier {

inline constexpr std::string_view registration_package = "registration";   ///< as a REGISTER names it
inline constexpr std::string_view registration_event_package = "registration-notify";   ///< as the NOTIFY does
inline constexpr std::string_view registration_event_type = "text/registration-event";
inline constexpr std::string_view registration_event_state = "terminated;expires=0";

struct RegistrationEvent {
  std::string_view body;
  std::string_view diagnostics;   ///< header line with CRLF
};

/// `deactivated`: register again; `rejected`: do not, by yourself; any other ending: `unregistered`.
/// Source: [MS-SIPREGE] 2.2.1.13, 4.1.3; the error numbers [MS-OCER] 7.
[[nodiscard]] RegistrationEvent registration_event(Ending ending);

}  // namespace viaduct::notifier
