// SPDX-License-Identifier: Apache-2.0
// Walking over lines of headers that the index does not name.
#include "viaduct/sip/rare.h"

#include "field.h"

namespace viaduct::sip {

bool RareLines::next(std::string_view& value) {
  while (line_ < message_->headers) {
    const std::size_t i = line_++;
    if (message_->id[i] != HeaderId::other || message_->name_bytes[i] != name_.size()) continue;
    if (!equal_ignoring_case(message_->header_line(i).substr(0, name_.size()), name_)) continue;
    value = message_->header_value(i);
    return true;
  }
  return false;
}

}  // namespace viaduct::sip
