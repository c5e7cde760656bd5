// SPDX-License-Identifier: Apache-2.0
// Whose host it is that a URI names: this node's, a home's.
#pragma once
#include <optional>
#include <string_view>

#include "viaduct/sip/uri.h"
#include "viaduct/site/site.h"

namespace viaduct::edge {

/// RFC 3261 19.1.2.
[[nodiscard]] constexpr std::uint16_t port_or_default(std::uint16_t port) { return port == 0 ? std::uint16_t{5060} : port; }

[[nodiscard]] constexpr char lower_case(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b);

/// The address that a URI's host spells; nullopt for a name.
[[nodiscard]] std::optional<base::Address> host_address(std::string_view host);

/// A name or an address of this node, whatever the port.
[[nodiscard]] bool is_here(const site::Site& site, std::string_view host);
/// The same with the port of a listener; a name, or an address that is no listener's, without one is that of any.
[[nodiscard]] bool is_here_with_port(const site::Site& site, const sip::Uri& uri);

/// A served domain, or an alias of one; an IPv6 address however it is spelt (RFC 4291 2.2).
[[nodiscard]] bool is_served(const site::Site& site, std::string_view host);
/// The name or an address of a home but a removed one, be it this node.
[[nodiscard]] bool is_home(const site::Site& site, std::string_view host);

/// The home that a URI leads to: by its address and port; by its address alone, since a server may name another port of its own than the one that it is
/// configured with; by the home's name, when that is the host name by which its server calls itself. no_home when it leads elsewhere, or to this node.
[[nodiscard]] assign::HomeIndex home_of(const site::Site& site, const sip::Uri& uri);

}  // namespace viaduct::edge
