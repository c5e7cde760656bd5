// SPDX-License-Identifier: Apache-2.0
// A fault taken for true or false: none is 0, and a good message would be a bad one.
// Refused: cannot convert|cannot initialize return object
#include "viaduct/sip/message.h"

bool good(std::string_view text, viaduct::sip::Message& message) {
#ifdef REFUSED
  return viaduct::sip::index(text, message);
#else
  return viaduct::sip::index(text, message) == viaduct::sip::Bad::none;
#endif
}
