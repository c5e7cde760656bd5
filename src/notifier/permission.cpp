// SPDX-License-Identifier: Apache-2.0
#include "viaduct/notifier/permission.h"

#include <array>
#include <charconv>

#include "viaduct/sip/flow.h"
#include "viaduct/sip/route.h"
#include "viaduct/sip/uri.h"
#include "viaduct/sip/via.h"

namespace viaduct::notifier {
namespace {

// The client behind the first hop that a URI names, when that hop's token is genuine; else the flow to the hop itself.
base::Endpoint far_end(std::string_view first_hop, std::string_view call_id, const base::Endpoint& flow, const site::Site& site) {
  const auto uri = sip::parse_uri(first_hop);
  const auto token = uri ? sip::read_flow_token(uri->user) : std::nullopt;
  return token && sip::is_genuine(*token, flow, call_id, site.keys) ? token->client : flow;
}

std::string_view first_value(const sip::Message& m, sip::HeaderId header) {
  sip::Routes values(m, header);
  sip::RouteValue value;
  return values.next(value) ? value.uri : std::string_view{};
}

// A stored Path is the values in one line; the first one's URI.
std::string_view first_uri(std::string_view path) {
  const std::size_t begin = path.find('<');
  return begin == path.npos ? std::string_view{} : path.substr(begin + 1, path.find('>', begin) - begin - 1);
}

// Where an edge of the fleet has the request from: it has written so into the Via that it found on top (RFC 3261 18.2.1, RFC 3581 4).
std::optional<base::Endpoint> before_edge(const WatchRequest& q, const site::Site& site) {
  if (!site::any_contains(site.edges, q.flow.address)) return std::nullopt;
  const auto via = sip::parse_via(q.message[q.message.second_via]);
  const auto address = via ? base::Address::parse(via->received) : std::nullopt;
  std::uint16_t port = 0;
  if (!address || std::from_chars(via->rport.begin(), via->rport.end(), port).ec != std::errc{}) return std::nullopt;
  return base::Endpoint{*address, port};
}

// Of a refresh the edge writes no Record-Route.
base::Endpoint asker(const WatchRequest& q, const site::Site& site) {
  const base::Endpoint recorded = far_end(first_value(q.message, sip::HeaderId::record_route), q.message[q.message.call_id], q.flow, site);
  return recorded != q.flow ? recorded : before_edge(q, site).value_or(q.flow);
}

bool is_on_flow_of_a_binding(const WatchRequest& q, const assign::Location* location, const site::Site& site) {
  const base::Endpoint asks = asker(q, site);
  for (std::size_t i = 0; location != nullptr && i < location->count(); ++i) {
    const assign::BindingText b = (*location)[i];
    if (b.binding.is_own_flow && b.binding.flow == q.flow && far_end(first_uri(b.path), {}, q.flow, site) == asks) return true;
  }
  return false;
}

}  // namespace

Permission may_watch(const WatchRequest& q, const site::Site& site) {
  if (site::any_contains(site.watcher_prefixes, q.flow.address)) return Permission::granted;
  std::array<char, base::aor_bytes_max> room;
  const auto watcher = sip::canonical_aor(q.message[q.message.from_uri], site.domains, room);
  if (!watcher || *watcher != q.aor) return Permission::refused;
  const bool is_shown = is_on_flow_of_a_binding(q, q.location, site) || is_on_flow_of_a_binding(q, q.seen, site);
  return is_shown ? Permission::granted : Permission::after_proof;
}

bool may_be_notified(const location::Registration& r, bool is_proven, const site::Site& site) {
  if (is_proven) return true;
  return site::any_contains(site.edges, r.flow.address) ? !r.path.empty() : r.next.address == r.flow.address;
}

}  // namespace viaduct::notifier
