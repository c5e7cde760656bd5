// SPDX-License-Identifier: Apache-2.0
// The parts of a Via value that ends before the first look at them.
// Refused: use of deleted function|call to deleted function
#include "viaduct/sip/via.h"

bool good(std::string_view text) {
#ifdef REFUSED
  return viaduct::sip::parse_via(std::string{text}).has_value();
#else
  const std::string kept{text};
  return viaduct::sip::parse_via(kept) && viaduct::sip::parse_via("SIP/2.0/UDP a");
#endif
}
