// SPDX-License-Identifier: Apache-2.0
#include "viaduct/sip/option.h"

#include "field.h"

namespace viaduct::sip {

bool lists(const Message& message, HeaderId header, std::string_view tag) {
  bool found = false;
  each_listed(message, header, [&](std::string_view one) { return !(found = equal_ignoring_case(one, tag)); });
  return found;
}

bool is_understood(std::string_view option_tag) {
  return equal_ignoring_case(option_tag, "path") || equal_ignoring_case(option_tag, "outbound") || equal_ignoring_case(option_tag, "gruu");
}

bool demands_unsupported(const Message& request, HeaderId header) {
  return request.has(header) && put_unsupported(request, header, [](std::string_view) {});
}

}  // namespace viaduct::sip
