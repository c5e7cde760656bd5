// SPDX-License-Identifier: Apache-2.0
// Option tags: the extensions that a message supports or requires.
#pragma once
#include <string_view>

#include "viaduct/sip/message.h"

namespace viaduct::sip {

/// Whether any line of a header that is a list of tokens (Supported, Require, Proxy-Require) names `tag`, in any case.
/// Shape: message indexed without fault. Source: RFC 3261 7.3.1, 20.29, 20.32, 20.37.
[[nodiscard]] bool lists(const Message& message, HeaderId header, std::string_view tag);

/// Calls f(tag) for each element of the lines of such a header, until it returns false.
template <typename F>
void each_listed(const Message& message, HeaderId header, F f) {
  for (std::size_t i = 0; i < message.headers; ++i) {
    if (message.id[i] != header) continue;
    std::string_view rest = message.header_value(i);
    for (std::string_view tag = next_value(rest); !tag.empty(); tag = next_value(rest))
      if (!f(tag)) return;
  }
}

}  // namespace viaduct::sip
