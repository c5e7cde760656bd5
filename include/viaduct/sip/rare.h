// SPDX-License-Identifier: Apache-2.0
// Headers that few messages carry and that the index therefore does not name: found by walking over the lines that it left as `other`.
#pragma once
#include <string_view>

#include "viaduct/sip/message.h"

namespace viaduct::sip {

/// Walks over the lines of one header that HeaderId has no name for, in their order.
class RareLines {
 public:
  /// Shape: `message` is indexed and outlives the walk; `name` is a header's long name, in any case, and none that HeaderId has.
  RareLines(const Message& message, std::string_view name) : message_(&message), name_(name) {}
  /// The next line's value, folds inside kept; false at the end. A value may be empty.
  [[nodiscard]] bool next(std::string_view& value);

 private:
  const Message* message_;
  std::string_view name_;
  std::size_t line_{};
};

}  // namespace viaduct::sip
