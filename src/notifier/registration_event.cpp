// SPDX-License-Identifier: Apache-2.0
#include "registration_event.h"

#include "viaduct/sip/event.h"

namespace viaduct::notifier {

bool asks_for_end(const sip::Message& request) {
  if (!request.has(sip::HeaderId::event)) return false;
  const auto event = sip::event(request);
  return event && event->package == registration_package;
}

RegistrationEvent registration_event(Ending ending) {
  switch (ending) {
    case Ending::deactivated:
    case Ending::probation:
      return {.body = "deregistered;event=deactivated", .diagnostics = "ms-diagnostics-public: 4142;reason=\"User moved\"\r\n"};
    case Ending::rejected:
      return {.body = "deregistered;event=rejected", .diagnostics = "ms-diagnostics-public: 4141;reason=\"User disabled\"\r\n"};
    case Ending::none:
    case Ending::timeout:
    case Ending::giveup:
    case Ending::noresource:
      break;
  }
  return {.body = "deregistered;event=unregistered", .diagnostics = "ms-diagnostics-public: 4140;reason=\"Registration removed\"\r\n"};
}

}  // namespace viaduct::notifier
