// SPDX-License-Identifier: Apache-2.0
// Whether a request has been here before, by its Vias. Pure.
#pragma once
#include <algorithm>

#include "hosts.h"
#include "viaduct/base/text.h"
#include "viaduct/edge/judge.h"

namespace viaduct::edge {

/// The listener that a Via names; null: none. Such a Via is one that a node of this address wrote: we write addresses, never names.
[[gnu::always_inline]] inline const Listener* listener_of(const Site& site, const sip::Via& via) {
  for (const Listener& l : site.listeners)
    if (base::equal_text(via.host, l.host) && port_or_default(via.port) == l.endpoint.port) return &l;
  return nullptr;
}

/// Whether that Via, one of the request's, closes a loop. A REGISTER that has been here is one; another request only when its loop part is the one that it
/// would get now. Source: RFC 3261 16.3 item 4.
[[gnu::always_inline]] inline bool is_loop_via(const Subject& s, const Site& site, const sip::Via& via) {
  if (listener_of(site, via) == nullptr) [[likely]]
    return false;
  if (s.msg.method == sip::Method::register_) return true;
  const auto theirs = sip::loop_part_of(via.branch);
  return theirs && std::ranges::any_of(site.keys.keys, [&](const auto& key) { return key && *theirs == sip::loop_part(s.msg, direction(s), *key); });
}

/// The same of the Vias below the top one. Hardly ever is there any reason to take them apart. Shape: via_values > 1.
[[nodiscard, gnu::noinline]] bool is_looping_below(const Subject& s, const Site& site);

/// The same of all of them.
[[gnu::always_inline]] inline bool is_looping(const Subject& s, const Site& site) {
  return is_loop_via(s, site, s.msg.top) || (s.msg.via_values > 1 && is_looping_below(s, site));
}

}  // namespace viaduct::edge
