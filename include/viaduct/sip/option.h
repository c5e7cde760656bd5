// SPDX-License-Identifier: Apache-2.0
// Option tags: the extensions that a message supports or requires.
#pragma once
#include <string_view>
#include <utility>

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

/// Whether this node, where it answers itself, understands an extension. Source: RFC 3261 8.2.2.3.
[[nodiscard]] bool is_understood(std::string_view option_tag);

/// Hands put(text), piece by piece, the line `Unsupported: ...` of what a request demands that we lack: of Require what is not understood, of Proxy-Require
/// all. Returns whether there is any; else nothing is put. Shape: `header` is one of those two. Source: RFC 3261 8.2.2.3, 16.3 item 5, 20.40.
template <typename Put>
bool put_unsupported(const Message& request, HeaderId header, Put put) {
  bool is_first = true;
  each_listed(request, header, [&](std::string_view tag) {
    if (header == HeaderId::require && is_understood(tag)) return true;
    put(std::string_view(std::exchange(is_first, false) ? "Unsupported: " : ", "));
    for (const char& c : tag) put(c == '\r' || c == '\n' ? std::string_view(" ") : std::string_view(&c, 1));
    return true;
  });
  if (!is_first) put(std::string_view("\r\n"));
  return !is_first;
}
/// Whether there is any such.
[[nodiscard]] bool demands_unsupported(const Message& request, HeaderId header);

}  // namespace viaduct::sip
