// SPDX-License-Identifier: Apache-2.0
// Walking over Route values.
#include "viaduct/sip/route.h"

#include <algorithm>

#include "field.h"

namespace viaduct::sip {

Routes::Routes(const Message& message, HeaderId header)
    : message_(&message), header_(header), line_(std::min<std::size_t>(message.first[static_cast<std::size_t>(header)], message.headers)) {}

bool Routes::next(RouteValue& out) {
  while ((out.value = next_value(rest_)).empty()) {
    while (line_ < message_->headers && message_->id[line_] != header_) ++line_;
    if (line_ == message_->headers) return false;
    rest_ = message_->header_value(line_++);
  }
  Cursor c{out.value};
  NameAddr name;
  out.uri = take_name_addr(c, name) ? name.uri : std::string_view{};
  return true;
}

}  // namespace viaduct::sip
