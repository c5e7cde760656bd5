// SPDX-License-Identifier: Apache-2.0
// The parts of a URI that ends before the first look at them.
// Refused: use of deleted function|call to deleted function
#include "viaduct/sip/uri.h"

bool good(std::string_view text) {
#ifdef REFUSED
  return viaduct::sip::parse_uri(std::string{text}).has_value();
#else
  const std::string kept{text};
  return viaduct::sip::parse_uri(kept) && viaduct::sip::parse_uri("sip:a@b");
#endif
}
