// SPDX-License-Identifier: Apache-2.0
// A parsed Via that nobody looks at.
// Refused: ignoring return value.*parse_via|nodiscard
#include "viaduct/sip/via.h"

void use(std::string_view value) {
#ifdef REFUSED
  viaduct::sip::parse_via(value);
#else
  static_cast<void>(viaduct::sip::parse_via(value));
#endif
}
