// SPDX-License-Identifier: Apache-2.0
// Walking over Route values.
#include "viaduct/sip/route.h"

#include <algorithm>

#include "field.h"

namespace viaduct::sip {

Routes::Routes(const Message& request)
    : request_(&request), line_(std::min<std::size_t>(request.first[static_cast<std::size_t>(HeaderId::route)], request.headers)) {}

bool Routes::next(RouteValue& out) {
  while ((out.value = next_value(rest_)).empty()) {
    while (line_ < request_->headers && request_->id[line_] != HeaderId::route) ++line_;
    if (line_ == request_->headers) return false;
    rest_ = request_->header_value(line_++);
  }
  Cursor c{out.value};
  NameAddr name;
  out.uri = take_name_addr(c, name) ? name.uri : std::string_view{};
  return true;
}

}  // namespace viaduct::sip
