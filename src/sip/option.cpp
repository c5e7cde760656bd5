// SPDX-License-Identifier: Apache-2.0
#include "viaduct/sip/option.h"

#include "field.h"

namespace viaduct::sip {

bool lists(const Message& message, HeaderId header, std::string_view tag) {
  bool found = false;
  each_listed(message, header, [&](std::string_view one) { return !(found = equal_ignoring_case(one, tag)); });
  return found;
}

}  // namespace viaduct::sip
