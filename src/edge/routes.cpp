// SPDX-License-Identifier: Apache-2.0
// Where the Routes of a request lead: through a flow of ours to a client, on to a home, or by the tables.
#include "routes.h"

#include <immintrin.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "hosts.h"
#include "viaduct/sip/flow.h"

namespace viaduct::edge {
namespace {

/// Route values that are looked at: two clients of ours with two Routes each, as many outbound proxies, and the next hop.
constexpr std::size_t routes_read_max = 8;

/// The first Routes of a request, how many there are, and the last.
struct RouteList {
  std::array<std::string_view, routes_read_max> uri;
  std::size_t count{};
  std::string_view last;
  explicit RouteList(const sip::Message& request) {
    sip::Routes routes(request);
    for (sip::RouteValue route; routes.next(route); ++count) {
      if (count < uri.size()) uri[count] = route.uri;
      last = route.uri;
    }
  }
};

/// Whose a URI is.
struct Owner {
  enum class Kind : std::uint8_t { other, ours, forged, flow };
  Kind kind{};
  base::Endpoint client;       // flow
  std::uint8_t listener{};     // flow
  std::string_view side;       // flow: which side of ours it names, as it stands there
  bool is_home{};              // flow: the client is a home
};

bool is_home_at(const Site& site, const base::Endpoint& e) {
  const assign::HomeIndex home = site.homes.find(e);
  return home != assign::no_home && site.homes.brief(home).address == e;
}

Owner owner_of_token(const Subject& s, const Site& site, const sip::FlowToken& token, std::string_view side) {
  const bool genuine =
      token.listener < site.listeners.size() && sip::is_genuine(token, site.listeners[token.listener].endpoint, s.msg[s.msg.call_id], site.keys);
  if (!genuine) return {.kind = Owner::Kind::forged};
  return {.kind = Owner::Kind::flow, .client = token.client, .listener = token.listener, .side = side, .is_home = is_home_at(site, token.client)};
}

/// Host and port of a URI in `text`, and what is behind them.
std::string_view side_of(const sip::Uri& uri, std::string_view text) { return text.substr(static_cast<std::size_t>(uri.host.data() - text.data())); }

/// A Route of ours names a listener; without a user a served domain will do as well, as telephones have it for their outbound proxy.
Owner owner_of_route(const Subject& s, const Site& site, std::string_view text) {
  const auto uri = sip::parse_uri(text);
  if (!uri || (uri->scheme != sip::Scheme::sip && uri->scheme != sip::Scheme::sips)) return {};
  if (!uri->has_user) return {.kind = is_here_with_port(site, *uri) || is_served(site, uri->host) ? Owner::Kind::ours : Owner::Kind::other};
  if (!is_here_with_port(site, *uri)) return {};
  const auto token = sip::read_flow_token(uri->user);
  return token ? owner_of_token(s, site, *token, side_of(*uri, text)) : Owner{.kind = Owner::Kind::forged};
}

/// A Request-URI counts only when its user is a token.
Owner owner_of_request_uri(const Subject& s, const Site& site) {
  const std::string_view text = s.msg[s.msg.request_uri];
  const auto uri = sip::parse_uri(text, s.msg.text);
  const auto token = uri ? sip::read_flow_token(uri->user) : std::nullopt;
  return token && is_here_with_port(site, *uri) ? owner_of_token(s, site, *token, side_of(*uri, text)) : Owner{};
}

/// Neighbouring Routes of one flow: it stands twice where our two sides have different addresses (RFC 5658), and where both ends of the dialog are there.
struct Leg {
  Owner owner;         // with the listener of its last
  std::size_t end{};   // Routes up to and with its last
  bool has_both_ends{};
};

/// The Routes of ours that a request begins with: those of the client whom it comes from or goes to, or those of both when the two are ours and no home
/// has put a Route between. A home that sent the INVITE on may have left the dialog again (RFC 3261 16.6 step 4): its Route stands for it only where nothing
/// else says where the request goes.
struct Legs {
  std::array<Leg, 2> leg;
  std::size_t count{};
  std::size_t leading{};   // Routes of ours, with a token or without
  bool forged{};
  std::optional<Leg> home;   // a home's behind which no client's has come

  void add(const Leg& next) {
    if (count == 0 || leg[count - 1].owner.client != next.owner.client) {
      leg[count++] = next;
      return;
    }
    Leg& last = leg[count - 1];
    last.has_both_ends |= last.owner.side == next.owner.side || last.owner.listener != next.owner.listener;
    last.owner.listener = next.owner.listener;
    last.end = next.end;
  }
  void add(const Owner& owner) {
    home.reset();
    if (owner.is_home)
      home = Leg{.owner = owner, .end = leading};
    else
      add(Leg{.owner = owner, .end = leading});
  }
  /// Take the next Route; false when it is not ours, or of a third client's.
  bool take(const Owner& owner) {
    const bool is_third = count == leg.size() && owner.kind == Owner::Kind::flow && leg[1].owner.client != owner.client;
    if (owner.kind == Owner::Kind::other || is_third) return false;
    ++leading;
    if (owner.kind == Owner::Kind::flow) add(owner);
    forged |= owner.kind == Owner::Kind::forged;
    return true;
  }
};

assign::HomeIndex named_home(const Site& site, std::string_view text) {
  const auto uri = sip::parse_uri(text);
  return uri ? home_of(site, *uri) : assign::no_home;
}

std::optional<base::Endpoint> place_of(const sip::Uri& uri) {
  const auto address = host_address(uri.host);
  return address ? std::optional(base::Endpoint{*address, port_or_default(uri.port)}) : std::nullopt;
}

/// Where the edge is that has recorded this Route, when it is one of the fleet's: the user is a token under the fleet's keys, made for the listener that the
/// URI names. Where an edge has two sides (RFC 5658) the token may be made for that of the Route behind; then `fleet.edges` is to name this one.
std::optional<base::Endpoint> edge_of_route(const Subject& s, const Site& site, std::string_view text, std::string_view behind) {
  const auto uri = sip::parse_uri(text);
  const auto token = uri ? sip::read_flow_token(uri->user) : std::nullopt;
  const auto place = token ? place_of(*uri) : std::nullopt;
  if (!place) return std::nullopt;
  const auto is_made_for = [&](const base::Endpoint& ours) { return sip::is_genuine(*token, ours, s.msg[s.msg.call_id], site.keys); };
  if (is_made_for(*place)) return place;
  const auto other = sip::parse_uri(behind);
  const auto side = other && other->user == uri->user ? place_of(*other) : std::nullopt;
  return side && site::any_contains(site.edges, place->address) && is_made_for(*side) ? place : std::nullopt;
}

/// What comes behind the Routes of ours.
struct Onwards {
  std::string_view uri;  // of the next Route, else the Request-URI
  bool is_route{};
  bool is_to_home{};
  std::optional<base::Endpoint> edge;  // another edge's Route
};

/// Whether a request comes from the first leg's client: from his flow; or, as when a NAT gave him another port, from no home and on its way to one, or to the
/// other leg's client, or from no edge and on its way to one. A sender's route set begins with his own side (RFC 3261 12.1.1, 12.1.2), so that of two legs the
/// first is his.
bool is_from_client(const Subject& s, const Site& site, const Legs& legs, const Onwards& next) {
  if (legs.leg[0].owner.client == s.source) return true;
  if (site.homes.is_home_host(s.source.address)) return false;
  if (legs.count == legs.leg.size()) return legs.leg[1].owner.client != s.source;
  return next.is_to_home || (next.edge && !site::any_contains(site.edges, s.source.address));
}

/// The leg that a request goes to; the number of them when it goes on.
std::size_t leg_to(const Subject& s, const Site& site, const Legs& legs, const Onwards& next) {
  if (legs.count == 0 || !is_from_client(s, site, legs, next)) return 0;
  // Two lines of one device call each other: behind a NAT the other's Contact leads nowhere but back.
  const bool is_back = legs.count == 1 && legs.leg[0].has_both_ends && !next.is_route && !next.is_to_home;
  return is_back ? 0 : 1;
}

/// The one of those flows that a URI leads to: a proxy, on whose side both ends of the dialog are. It has proved its place as a client has.
const Owner* flow_named(const Legs& legs, std::string_view text) {
  const auto uri = sip::parse_uri(text);
  const auto place = uri ? place_of(*uri) : std::nullopt;
  for (std::size_t i = 0; place && i < legs.count; ++i)
    if (legs.leg[i].owner.client == *place) return &legs.leg[i].owner;
  return nullptr;
}

/// RFC 3261 16.6 step 6: a next hop without `lr` wants its own URI in the Request-URI, and that as the last Route.
void obey_strict_router(std::string_view next, Routing& out) {
  const auto uri = sip::parse_uri(next);
  if (!uri || sip::uri_param(uri->params, "lr").found) return;
  ++out.edits.leading;
  out.edits.appended = out.request_uri;
  out.edits.request_uri = next;
}

/// Whether a REGISTER would pass the tables by its Routes, to a home, to another edge, or to where its Request-URI leads. To the first two one goes on that a
/// home or an edge sends by a token of ours.
bool passes_tables(const Subject& s, const Site& site, const Routing& routing, const Legs& legs) {
  const bool is_onwards = routing.course == Course::onwards;
  const bool is_to_home =
      is_onwards ? named_home(site, routing.target) != assign::no_home : routing.course == Course::to_flow && site.homes.is_home_host(routing.client.address);
  if (!is_to_home && routing.course != Course::to_edge) return is_onwards && routing.target.data() == routing.request_uri.data();
  const bool has_token = legs.count > 0 || legs.home;
  return !has_token || !(site.homes.is_home_host(s.source.address) || site::any_contains(site.edges, s.source.address));
}

/// By the tables, without the Routes of ours and of homes that it begins with.
void leave_to_tables(const Subject& s, const Site& site, std::span<const std::string_view> routes, Routing& out) {
  const auto stays = [&](std::string_view route) {
    return owner_of_route(s, site, route).kind == Owner::Kind::other && named_home(site, route) == assign::no_home;
  };
  out.course = Course::by_tables;
  out.edits.leading = static_cast<std::uint8_t>(std::ranges::find_if(routes, stays) - routes.begin());
  out.edits.appended = {};
  out.edits.request_uri = out.edits.last ? out.request_uri : std::string_view{};
}

/// What comes behind the Routes of ours that a request begins with. Shape: `end` Routes are looked at. Only behind a token of ours another edge is gone on to.
Onwards onwards(const Subject& s, const Site& site, const RouteList& routes, std::size_t end, const Legs& legs, const Routing& routing) {
  Onwards out{.is_route = legs.leading < end};
  out.uri = out.is_route ? routes.uri[legs.leading] : routing.request_uri;
  out.is_to_home = named_home(site, out.uri) != assign::no_home;
  const std::string_view behind = legs.leading + 1 < end ? routes.uri[legs.leading + 1] : std::string_view{};
  if (out.is_route && !out.is_to_home && (legs.count > 0 || legs.home)) out.edge = edge_of_route(s, site, out.uri, behind);
  return out;
}

/// The host name of `<sip:HOST...>`, when one may be told at a glance; empty when not, or when it is an address.
std::string_view plain_host(std::string_view route, const char* readable_end) {
  constexpr std::string_view begin = "<sip:";
  if (!route.starts_with(begin)) return {};
  const char* const host = route.data() + begin.size();
  if (readable_end - host < 32 || *host == '[' || (*host >= '0' && *host <= '9')) return {};
  const __m256i text = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(host));
  const auto mask = [&](char c) { return static_cast<std::uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(text, _mm256_set1_epi8(c)))); };
  const std::uint32_t close = mask('>');
  const std::uint32_t inside = close ^ (close - 1);   // up to the first one
  if (close == 0 || (mask('@') & inside) != 0) return {};
  std::string_view out{host, _tzcnt_u32(close | mask(';') | mask(':'))};
  if (out.ends_with('.')) out.remove_suffix(1);
  return out;
}

}  // namespace

bool may_find_routing(const Subject& s, const Site& site) {
  const std::string_view host = plain_host(s.msg.value(sip::HeaderId::route), s.msg.text.data() + s.msg.text.size());
  return host.empty() || site.route_hosts.may_hold(host);
}

Routing find_routing(const Subject& s, const Site& site) {
  Routing out{.request_uri = s.msg[s.msg.request_uri]};
  const RouteList routes(s.msg);
  std::size_t end = routes.count;
  Legs legs;
  if (const Owner owner = owner_of_request_uri(s, site); owner.kind != Owner::Kind::other) {
    legs.forged = owner.kind == Owner::Kind::forged;
    if (owner.kind == Owner::Kind::flow) legs.add(owner);
    if (end > 0) {
      // RFC 3261 16.4: a strict router put our URI there, and what stood there behind the other Routes.
      --end;
      out.edits.last = true;
      out.edits.request_uri = out.request_uri = routes.last;
    }
  }
  while (legs.leading < std::min(end, routes_read_max) && legs.take(owner_of_route(s, site, routes.uri[legs.leading]))) {
  }
  const Onwards next = onwards(s, site, routes, std::min(end, routes_read_max), legs, out);
  if (legs.home && !next.is_to_home && !next.edge) legs.add(*legs.home);
  const std::size_t goes_to = leg_to(s, site, legs, next);
  out.edits.leading = static_cast<std::uint8_t>(legs.leading);
  if (legs.forged || out.request_uri.empty()) {
    out.course = Course::forbidden;
  } else if (goes_to < legs.count) {
    const Leg& leg = legs.leg[goes_to];
    out.course = Course::to_flow;
    out.client = leg.owner.client;
    out.listener = leg.owner.listener;
    out.edits.leading = static_cast<std::uint8_t>(leg.end);
  } else if (const Owner* const proxy = flow_named(legs, next.uri); proxy != nullptr) {
    out.course = Course::to_flow;
    out.client = proxy->client;
    out.listener = proxy->listener;
    if (next.is_route) obey_strict_router(next.uri, out);
  } else if (next.edge) {
    out.course = Course::to_edge;
    out.client = *next.edge;
    obey_strict_router(next.uri, out);
  } else if (legs.count > 0 || legs.home || (next.is_route && next.is_to_home)) {
    out.course = Course::onwards;
    out.target = next.uri;
    if (next.is_route) obey_strict_router(next.uri, out);
  } else if (legs.leading > 0) {
    out.course = Course::by_tables;
  }
  if (s.msg.method == sip::Method::register_ && passes_tables(s, site, out, legs))
    leave_to_tables(s, site, std::span(routes.uri).first(std::min(end, routes_read_max)), out);
  return out;
}

}  // namespace viaduct::edge
