// SPDX-License-Identifier: Apache-2.0
// Bindings that the operator makes (RFC 3680 4.7.1 `created`): where requests for them go is what their URI spells.
#include "registration.h"
#include "viaduct/base/limits.h"
#include "viaduct/registrar/shard.h"
#include "viaduct/sip/uri.h"

namespace viaduct::registrar {
namespace {

using Place = std::expected<base::Endpoint, std::string>;

/// Names are not looked up, and nothing but UDP is spoken.
Place place_named_by(std::string_view uri, const site::Site& site) {
  const auto refused = [&](const char* why) { return std::unexpected(std::string(uri) + ": " + why); };
  const auto parts = sip::parse_uri(uri);
  if (!parts || parts->scheme != sip::Scheme::sip) return refused("no SIP URI");
  if (uri.size() > base::contact_uri_bytes_max) return refused("too long");
  const auto transport = sip::uri_param(parts->params, "transport");
  if (transport.found && !is_token(transport.value, "udp")) return refused("only UDP is served");
  const base::Endpoint place = place_of(uri, {}, site);
  if (place == base::Endpoint{}) return refused("its host is no IP address that requests can go to, or it is this node's own");
  return place;
}

std::string reason(std::uint16_t status, const location::Rules& rules) {
  if (status == 423) return "expires: at least " + std::to_string(rules.expires_min_s) + " s";
  if (status == 403) return "it has " + std::to_string(rules.bindings_per_aor_max) + " bindings, as many as are allowed";
  return "the registrar has as many bindings as it is allowed";
}

}  // namespace

std::expected<void, std::string> Shard::create_binding(const location::ClientKey& client, std::string_view aor, std::string_view uri,
                                                       std::optional<std::uint32_t> expires_s, std::uint64_t now_s) {
  const site::Site& site = commons_.site.read();
  const Place place = place_named_by(uri, site);
  if (!place) return std::unexpected(place.error());
  const site::Listener* const from = site.egress(place->address, link_to(place->address));
  if (from == nullptr) return std::unexpected(place->text() + ": no listener of this node reaches it");
  const std::uint16_t status = bindings_.create(
      {.key = client, .aor = aor, .uri = uri, .place = *place, .listener = static_cast<std::uint8_t>(site.number_of(*from)), .expires_s = expires_s}, now_s);
  if (status != 200) return std::unexpected(reason(status, bindings_.rules()));
  return {};
}

}  // namespace viaduct::registrar
