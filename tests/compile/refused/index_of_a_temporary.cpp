// SPDX-License-Identifier: Apache-2.0
// The index of a string that ends before the first look at it; a literal does not end.
// Refused: use of deleted function|call to deleted function
#include "viaduct/sip/message.h"

bool good(std::string_view text, viaduct::sip::Message& message) {
#ifdef REFUSED
  return viaduct::sip::index(std::string{text}, message) == viaduct::sip::Bad::none;
#else
  const std::string kept{text};
  return viaduct::sip::index(kept, message) == viaduct::sip::Bad::none && viaduct::sip::index("a literal", message) == viaduct::sip::Bad::none;
#endif
}
