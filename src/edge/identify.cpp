// SPDX-License-Identifier: Apache-2.0
// What must be known of a message before it can be judged: where everything is in it, whose it is, where its Routes or its next Via lead. Pure.
#include "own.h"
#include "routes.h"

namespace viaduct::edge {

using sip::Bad;
using sip::HeaderId;
using sip::Method;

void index(std::string_view text, Subject& subject) {
  subject.screening = {};
  subject.is_keepalive = sip::is_keepalive(text);
  if (subject.is_keepalive) return;
  if (text.size() <= base::message_bytes_max) {
    static_cast<void>(sip::index(text, subject.msg));  // a fault stays in the message
    return;
  }
  // Enough is read to answer it; the fault is the size, whatever else the cut has broken.
  static_cast<void>(sip::index(text.substr(0, base::message_bytes_max), subject.msg));
  subject.msg.fault = Bad::too_large;
}

// The device that a Request-URI names when it is a GRUU (RFC 5627 5.1); empty when not.
static std::string_view instance_asked(const Subject& s) {
  const std::string_view asked = s.routing.course == Course::none ? s.msg[s.msg.request_uri] : s.routing.request_uri;
  const auto uri = sip::parse_uri(asked, s.msg.text);
  return uri ? sip::uri_param(uri->params, "gr").value : std::string_view{};
}

// RFC 3261 19.1.1: headers have no place in a Request-URI; a user may have a '?' in it.
static std::string_view without_headers(std::string_view uri) {
  const std::size_t at = uri.find('@');
  return uri.substr(0, uri.find('?', at == uri.npos ? 0 : at));
}

// RFC 5627 5.4: whatever Routes are left, the domain's own proxy alone knows what its GRUU stands for.
[[gnu::noinline]] static void translate_gruu(Subject& s, const assign::Location& location) {
  const std::string_view instance = instance_asked(s);
  const std::size_t chosen = instance.empty() ? location.count() : assign::choose(location, instance);
  if (chosen == location.count()) return;
  sip::RouteEdits& edits = s.routing.edits;
  // Before a strict router the Request-URI is the last Route.
  (edits.appended.empty() ? edits.request_uri : edits.appended) = without_headers(location.uri(chosen));
}

void locate(Subject& s, const assign::Location* location) {
  s.binding = nullptr;
  if (location == nullptr || !s.msg.is_request || s.msg.method == Method::register_) return;
  if (s.routing.course > Course::by_tables) [[unlikely]] {
    if (s.routing.course == Course::to_flow) translate_gruu(s, *location);
    const bool is_behind_all = s.routing.course == Course::onwards && s.routing.target.data() == s.routing.request_uri.data();
    if (!is_behind_all) return;
  }
  const std::size_t chosen = assign::choose(*location, instance_asked(s));
  if (chosen != location->count()) locate_at(s, *location, chosen);
}

std::size_t located_before(const Subject& s, const assign::Location& before) {
  const std::size_t chosen = assign::choose(before, instance_asked(s));
  if (chosen == before.count() || s.binding == nullptr) return chosen;
  const assign::Binding& b = before.binding(chosen);
  const bool is_there = b.next == s.binding->next && b.listener == s.binding->listener && before.path(chosen) == s.path &&
                        without_headers(before.uri(chosen)) == s.routing.edits.request_uri;
  return is_there ? before.count() : chosen;
}

void locate_at(Subject& s, const assign::Location& location, std::size_t binding) {
  if (s.routing.course == Course::none) s.routing.edits = {};
  s.binding = &location.binding(binding);
  s.next = s.binding->next;
  s.path = location.path(binding);
  s.routing.edits.request_uri = without_headers(location.uri(binding));
}

void identify(Subject& s, const Site& site) {
  base::SipText aor;
  if (identify_but_key(s, site, aor)) s.client = sip::client_key(aor.text(), site.fleet_seed);
}

// What the Routes of a request ask for, when there are any or its Request-URI may be one of ours.
[[gnu::noinline]] static void identify_routing(Subject& s, const Site& site) {
  s.routing = find_routing(s, site);
  if (s.routing.course == Course::to_flow || s.routing.course == Course::to_edge) s.next = s.routing.client;
}

// The same of a request whose Request-URI is none of ours: its Routes are taken apart only when they may lead anywhere.
[[gnu::noinline]] static void identify_plain_routing(Subject& s, const Site& site) {
  if (may_find_routing(s, site)) identify_routing(s, site);
}

// A REGISTER, and a SUBSCRIBE to the notifier's own Contact, say in To whose registrations they are about.
static bool names_client_in_to(const Subject& s, const Site& site, std::string_view request_uri) {
  if (s.msg.method != Method::subscribe) return s.msg.method == Method::register_;
  if (s.msg.to_tag.bytes == 0 || !asks_notifier(s.msg)) return false;
  const auto uri = sip::parse_uri(request_uri, s.msg.text);
  return uri && is_notifier(site, *uri);
}

std::string_view client_uri(const Subject& s, const Site& site) {
  const std::string_view request_uri = s.routing.course == Course::none ? s.msg[s.msg.request_uri] : s.routing.request_uri;
  return names_client_in_to(s, site, request_uri) ? s.msg[s.msg.to_uri] : request_uri;
}

// Whose request it is, or where the response goes, when it is not said as nearly always.
[[gnu::noinline]] static void identify_any(Subject& s, const Site& site) {
  s.has_client = false;
  s.next = {};
  if (s.is_keepalive || s.msg.fault != Bad::none) return;
  if (!s.msg.is_request) {
    const auto own = own_request(s.msg, site);
    s.is_to_us = own.has_value();
    if (own) s.client = shard_key(*own);
    const auto via = sip::parse_via(s.msg[s.msg.second_via]);
    s.next = via ? sip::response_destination(*via).value_or(base::Endpoint{}) : base::Endpoint{};
    return;
  }
  identify_routing(s, site);
  const sip::Named named = sip::name_client(client_uri(s, site), s.msg.text, site.domains, site.fleet_seed);
  s.client = named.key;
  s.has_client = named.is_served;
  s.aor_fault = named.fault;
}

bool identify_but_key(Subject& s, const Site& site, base::SipText& aor) {
  s.aor_fault = Bad::none;
  s.routing.course = Course::none;
  s.binding = nullptr;
  if (!s.is_keepalive && s.msg.is_request && s.msg.fault == Bad::none) [[likely]] {
    const sip::Slice uri = s.msg.method == Method::register_ ? s.msg.to_uri : s.msg.request_uri;
    s.has_client = sip::plain_aor(s.msg[uri], s.msg.text, site.domains, aor);
    if (s.has_client) [[likely]] {
      if (s.msg.has(HeaderId::route)) [[unlikely]]
        identify_plain_routing(s, site);
      return true;
    }
  }
  identify_any(s, site);
  return false;
}

}  // namespace viaduct::edge
