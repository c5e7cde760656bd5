// SPDX-License-Identifier: Apache-2.0
// The values of a list that is gone before the first is read.
// Refused: non-const lvalue reference
#include "viaduct/sip/message.h"

std::string_view first(std::string_view list) {
#ifdef REFUSED
  return viaduct::sip::next_value(std::string_view{list});
#else
  return viaduct::sip::next_value(list);
#endif
}
