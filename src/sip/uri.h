// SPDX-License-Identifier: Apache-2.0
// Hosts, ports and escapes, shared by URIs and Via values.
#pragma once
#include <optional>

#include "field.h"
#include "viaduct/base/address.h"
#include "viaduct/sip/uri.h"

namespace viaduct::sip {

/// Take an IPv6 reference with its brackets, the first of which stands there.
bool take_ipv6_reference(Cursor& c, std::string_view& host);
/// Take a host name, an IPv4 address, or an IPv6 reference. Names are letters, digits, hyphen, dot (and the underscore).
inline bool take_host(Cursor& c, std::string_view& host) {
  if (c.peek() == '[') return take_ipv6_reference(c, host);
  host = c.take_run<host_octet>();
  return !host.empty();
}
/// Take 1*DIGIT from 1 to 65535.
bool take_port(Cursor& c, std::uint16_t& port);

/// The address that a host is, with or without brackets; nullopt for a name. Three colons read as two (RFC 5118 4.10).
[[nodiscard]] std::optional<base::Address> to_address(std::string_view host);

/// True for a Request-URI that RFC 3261 25.1 allows: a well-formed SIP, SIPS or tel URI, or any other scheme with the octets of a URI. Shape: it lies in `message`.
[[nodiscard]] bool is_request_uri(std::string_view uri, std::string_view message);

/// The next octet of `text` with a %HH decoded; takes it off. -1 for a bad escape. Shape: text is not empty.
int take_unescaped(std::string_view& text);
/// Equal after decoding: an escape and the octet it stands for are the same (RFC 3261 19.1.4); letters of both cases too if `fold`.
[[nodiscard]] bool equal_unescaped(std::string_view a, std::string_view b, bool fold);

}  // namespace viaduct::sip
