// SPDX-License-Identifier: Apache-2.0
// SIP and tel URIs, the canonical address-of-record, and the client key made from it.
#pragma once
#include <cstdint>
#include <expected>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "viaduct/base/borrow.h"
#include "viaduct/base/hash.h"
#include "viaduct/base/siphash4.h"
#include "viaduct/sip/bad.h"

namespace viaduct::sip {

enum class Scheme : std::uint8_t { sip, sips, tel, other };

/// A URI taken apart; the texts borrow from the text that was parsed and are not unescaped.
struct Uri {
  Scheme scheme{};
  std::string_view user;      ///< without password; for tel: the number and its parameters
  std::string_view password;
  std::string_view host;      ///< IPv6 with its brackets; empty for tel:
  std::uint16_t port{};       ///< 0 when absent
  bool has_user{};
  std::string_view params;    ///< after the first ';' behind the host, without it
  std::string_view headers;   ///< after '?', without it
};

/// Take a URI apart. Errors: Bad::uri_syntax; a scheme other than sip, sips, tel gives Scheme::other with nothing else filled (not an error).
/// Thread: any; pure. Source: RFC 3261 19.1.1, 25.1; RFC 3966 3.
[[nodiscard]] std::expected<Uri, Bad> parse_uri(std::string_view text);
template <base::PassingString Text>
std::expected<Uri, Bad> parse_uri(Text&& text) = delete;
/// The same of a URI that lies in a message: faster, since octets of the message around it are read too.
[[nodiscard]] std::expected<Uri, Bad> parse_uri(std::string_view uri, std::string_view message);
template <base::PassingString Text>
std::expected<Uri, Bad> parse_uri(Text&& uri, std::string_view message) = delete;

/// The value of a URI parameter, by case-insensitive name; `found` tells a flag parameter from an absent one. Params as in Uri::params.
struct UriParam {
  bool found{};
  std::string_view value;
};
[[nodiscard]] UriParam uri_param(std::string_view params, std::string_view name);

/// What a site's configuration says about domains. Immutable; built by the control core.
struct Domains {
  std::vector<std::string> served;                               ///< lower case
  std::vector<std::pair<std::string, std::string>> aliases;      ///< alias -> served domain, lower case
  std::string default_domain;                                    ///< for tel:; empty: the first served
};

/// The name of a client everywhere: canonical AoR in its key's hash.
using ClientKey = base::Hash128;

/// Write the canonical form of an address-of-record, `user@host`.
/// Shape:  out holds at least base::aor_bytes_max octets.
/// Errors: Bad::uri_syntax (no user and no host, a bad escape, too long), Bad::uri_scheme (neither sip, sips nor tel).
/// Rules:  parameters, headers, password dropped; %HH decoded, then each octet that may not stand raw in a user part written as %HH in
///         upper case; user case-sensitive; host in lower case, trailing dot and default port (5060) off, other ports kept as `:port`, IPv6 in RFC 5952 form
///         with brackets; mapped through aliases; sip: and sips: alike; a global number, in tel: or with user=phone, loses its visual
///         separators; a tel: number is at default_domain. A URI without a user gives `host` alone.
/// Thread: any; pure. Source: RFC 3261 10.3 step 5, 19.1.4; RFC 3966 5.1.1; docs/rfc.md.
[[nodiscard]] std::expected<std::string_view, Bad> canonical_aor(std::string_view uri, const Domains& domains, std::span<char> out);

/// True when `host` (any case, trailing dot tolerated) is a served domain or an alias of one.
[[nodiscard]] bool serves(const Domains& domains, std::string_view host);

/// The key of a canonical AoR: SipHash-1-3-128 under the fleet's seed.
[[nodiscard]] inline ClientKey client_key(std::string_view canonical, const base::Key128& fleet_seed) { return base::siphash128(fleet_seed, canonical); }

/// Whose an address-of-record is.
struct Named {
  ClientKey key;     ///< when is_served
  bool is_served{};  ///< its domain is a served one
  Bad fault{};       ///< why it is no address-of-record
};

/// canonical_aor, serves and client_key in one, for an address-of-record in a message.
/// Shape:  uri lies in text; octets of text behind it are read too. No served domain is an alias.
/// Errors: as canonical_aor, in `fault`.
/// Thread: any; pure.
[[nodiscard]] Named name_client(std::string_view uri, std::string_view text, const Domains& domains, const base::Key128& fleet_seed);

/// The same in two steps, so that the keys of several clients are made at the same time. True: `out` is the canonical form of a served domain's client,
/// as nearly every telephone writes it. False says nothing: name_client knows.
[[nodiscard]] bool plain_aor(std::string_view uri, std::string_view text, const Domains& domains, base::SipText& out);
/// client_key of each. Shape: out has as many places.
void client_keys(std::span<const base::SipText> aors, const base::Key128& fleet_seed, std::span<ClientKey> out);

}  // namespace viaduct::sip
