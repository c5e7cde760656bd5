// SPDX-License-Identifier: Apache-2.0
#include "loop.h"

#include <algorithm>

#include "contains.h"

namespace viaduct::edge {
namespace {

// Whether a listener's address stands anywhere in a text: seldom, so that the Vias in it need not be taken apart.
bool names_listener(const Site& site, std::string_view text) {
  return std::ranges::any_of(site.listeners, [&](const Listener& l) { return contains(text, l.host); });
}

// Where they stand in a line that names a listener.
[[gnu::noinline]] bool is_looping_in_lines(const Subject& s, const Site& site) {
  for (std::size_t i = s.msg.first[static_cast<std::size_t>(sip::HeaderId::via)]; i < s.msg.headers; ++i) {
    if (s.msg.id[i] != sip::HeaderId::via || !names_listener(site, s.msg.header_line(i))) continue;
    std::string_view rest = s.msg.header_value(i);
    for (std::string_view value = sip::next_value(rest); !value.empty(); value = sip::next_value(rest))
      if (const auto via = sip::parse_via(value); via && is_loop_via(s, site, *via)) return true;
  }
  return false;
}

}  // namespace

bool is_looping_below(const Subject& s, const Site& site) { return names_listener(site, below_top_via(s.msg)) && is_looping_in_lines(s, site); }

}  // namespace viaduct::edge
