// SPDX-License-Identifier: Apache-2.0
// A message indexed, and its fault not looked at.
// Refused: ignoring return value.*index|nodiscard
#include "viaduct/sip/message.h"

void use(std::string_view text, viaduct::sip::Message& message) {
#ifdef REFUSED
  viaduct::sip::index(text, message);
#else
  static_cast<void>(viaduct::sip::index(text, message));
#endif
}
