// SPDX-License-Identifier: Apache-2.0
// Extensions of registrations: Path (RFC 3327), outbound (RFC 5626), GRUU (RFC 5627), Service-Route (RFC 3608).
#include "registration.h"

#include <algorithm>

#include "viaduct/sip/contact.h"
#include "viaduct/sip/event.h"
#include "viaduct/sip/option.h"
#include "viaduct/sip/route.h"
#include "viaduct/sip/uri.h"

namespace viaduct::registrar {
namespace {

using sip::HeaderId;

/// What the client understands and wants, and what of that is beyond us: RFC 3261 10.3 step 2, 20.37, 20.40.
struct Options {
  bool path{}, outbound{}, gruu{};
  std::string unsupported;   ///< header line of a 420; empty: nothing is required that we lack
};

void note(std::string_view tag, Options& options) {
  bool* const known = is_token(tag, "path") ? &options.path : is_token(tag, "outbound") ? &options.outbound : is_token(tag, "gruu") ? &options.gruu : nullptr;
  if (known != nullptr) *known = true;
}

Options read_options(const sip::Message& request) {
  Options out;
  sip::each_listed(request, HeaderId::supported, [&](std::string_view tag) { return note(tag, out), true; });
  const bool path_supported = out.path;
  if (!request.has(HeaderId::require)) return out;
  sip::each_listed(request, HeaderId::require, [&](std::string_view tag) { return note(tag, out), true; });
  out.path = path_supported;   // RFC 3327 5.3: it is Supported that asks for it
  sip::put_unsupported(request, HeaderId::require, [&](std::string_view text) { out.unsupported += text; });
  return out;
}

}  // namespace

Belief belief_in_path(const site::Site& site, const base::Address& source) {
  const bool is_named = std::ranges::any_of(site.trusted_proxies, [&](const base::Prefix& p) { return !p.is_whole() && p.contains(source); }) ||
                        site::any_contains(site.edges, source);
  if (is_named) return Belief::whole;
  return site.trust_all_proxies || site::any_contains(site.trusted_proxies, source) ? Belief::as_routes : Belief::none;
}

base::Endpoint place_of(std::string_view path_uri, const base::Endpoint& flow, const site::Site& site) {
  const auto uri = sip::parse_uri(path_uri);
  if (!uri || uri->scheme != sip::Scheme::sip) return flow;
  std::string_view host = uri->host;
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  const auto address = base::Address::parse(host);
  if (!address || address->is_unusable_destination()) return flow;
  const base::Endpoint place{*address, uri->port != 0 ? uri->port : std::uint16_t{5060}};
  return site.listener(place) != nullptr ? flow : place;
}

namespace {

// What of the Path a registration keeps. Returns 200, 400 when it cannot be read (RFC 3327 4), 513 when it is too long.
std::uint16_t read_path(const sip::Message& request, const site::Site& site, Belief belief, std::span<char, base::path_bytes_max> room,
                        location::Registration& out, bool& has_first_hop) {
  std::size_t bytes = 0;
  sip::Routes values(request, HeaderId::path);
  for (sip::RouteValue value; values.next(value);) {
    const auto uri = sip::parse_uri(value.uri);
    if (!uri) return 400;
    if (bytes == 0 && belief == Belief::whole) out.next = place_of(value.uri, out.flow, site);
    if (bytes + 2 + value.value.size() > room.size()) return 513;
    if (bytes != 0) bytes += std::string_view(", ").copy(room.data() + bytes, 2);
    std::ranges::replace_copy_if(value.value, room.data() + bytes, [](char c) { return c == '\r' || c == '\n'; }, ' ');
    bytes += value.value.size();
    has_first_hop = sip::uri_param(uri->params, "ob").found;
  }
  out.path = {room.data(), bytes};
  return 200;
}

// Contacts that are to be bound by their reg-id: each is a flow, and a request comes by one.
std::ptrdiff_t count_flows(const sip::Message& request) {
  const auto contacts = sip::contacts(request);
  if (!contacts) return 0;
  const std::uint32_t otherwise_s = sip::expires_s(request).value_or(1);
  const auto is_flow = [&](const sip::Contact& c) { return c.reg_id != 0 && c.expires_s.value_or(otherwise_s) != 0; };
  return std::ranges::count_if(std::span(contacts->values).first(contacts->count), is_flow);
}

}  // namespace

base::Endpoint first_hop(const sip::Message& request, const base::Endpoint& flow, const site::Site& site) {
  sip::Routes values(request, HeaderId::record_route);
  sip::RouteValue first;
  const bool is_believed = values.next(first) && (site::any_contains(site.watcher_prefixes, flow.address) || site::any_contains(site.edges, flow.address));
  return is_believed ? place_of(first.uri, flow, site) : flow;
}

std::expected<location::Registration, location::Outcome> read_registration(const sip::Message& request, std::string_view aor, const site::Note& note,
                                                                           const site::Site& site, std::span<char, base::path_bytes_max> path_room) {
  Options options = read_options(request);
  if (!options.unsupported.empty()) return std::unexpected(location::Outcome{.status = 420, .headers = std::move(options.unsupported)});
  const base::Endpoint& flow = note.frame.source;
  location::Registration out{.message = request,
                             .aor = aor,
                             .key = note.client,
                             .flow = flow,
                             .next = flow,
                             .listener = static_cast<std::uint8_t>(site.listener(note.frame.destination) - site.listeners.data()),
                             .is_own_flow = is_own_flow(request, flow, site),
                             .supports_path = options.path,
                             .supports_outbound = options.outbound,
                             .supports_gruu = options.gruu};
  bool has_first_hop = request.via_values == 1;
  const Belief belief = belief_in_path(site, flow.address);
  const std::uint16_t path_status = belief != Belief::none ? read_path(request, site, belief, path_room, out, has_first_hop) : std::uint16_t{200};
  if (path_status == 400) return std::unexpected(location::Outcome{.status = 400, .fault = sip::Bad::uri_syntax});
  if (path_status != 200) return std::unexpected(location::Outcome{.status = path_status});
  if (out.supports_outbound && count_flows(request) > 1) return std::unexpected(location::Outcome{.status = 400, .fault = sip::Bad::contact_syntax});
  // RFC 5626 6: behind a first hop that keeps no flows, outbound registration would not do what it promises. Who asks for no reg-id does not mind.
  if (out.supports_outbound && !has_first_hop) {
    const auto contacts = sip::contacts(request);
    if (contacts && std::ranges::any_of(std::span(contacts->values).first(contacts->count), [](const sip::Contact& c) { return c.reg_id != 0; }))
      return std::unexpected(location::Outcome{.status = 439});
  }
  return out;
}

void put_extensions(std::string& out, const location::Registration& registration, const location::Outcome& outcome, const site::Site& site) {
  if (!registration.path.empty() && registration.supports_path) out.append("Path: ").append(registration.path).append("\r\n");
  if (outcome.is_outbound) out.append("Require: outbound\r\n");
  out.append(site.service_route);
}

}  // namespace viaduct::registrar
