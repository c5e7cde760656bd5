// SPDX-License-Identifier: Apache-2.0
// A parsed URI that nobody looks at.
// Refused: ignoring return value.*parse_uri|nodiscard
#include "viaduct/sip/uri.h"

void use(std::string_view text) {
#ifdef REFUSED
  viaduct::sip::parse_uri(text);
#else
  static_cast<void>(viaduct::sip::parse_uri(text));
#endif
}
