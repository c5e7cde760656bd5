// SPDX-License-Identifier: Apache-2.0
// A NOTIFY from a subscription and the state of its client: RFC 6665 4.2.2, RFC 3680 5, RFC 5839 5 to 7, RFC 6446 7, [MS-SIPREGE] 4.1.3.
#include <algorithm>
#include <cstdio>

#include "notifier.h"
#include "registration_event.h"
#include "viaduct/sip/notify.h"

namespace viaduct::notifier {
namespace {

std::string base32(std::uint64_t value) {
  std::array<char, sip::base32_64_bytes> out;
  sip::write_base32(value, out);
  return {out.data(), out.size()};
}

std::string uri_or_plain(std::string_view uri, std::string_view aor) { return uri.empty() ? "sip:" + std::string(aor) : std::string(uri); }

/// `;NAME=RATE` of an interval, in NOTIFYs a second; a slow one with the ten digits that it may have (RFC 6446 10.3).
void put_rate(std::string& out, const char* name, std::uint32_t interval_ms) {
  constexpr std::uint32_t slow_ms = 100'000;
  std::array<char, 48> text;
  const int digits = interval_ms < slow_ms ? 4 : 10;
  out.append(text.data(), static_cast<std::size_t>(std::snprintf(text.data(), text.size(), ";%s=%.*f", name, digits, 1000.0 / interval_ms)));
}

}  // namespace

std::string Watchers::Impl::subscription_state(const Standing& x) const {
  if (x.ending != Ending::none) {
    std::string out = "terminated;reason=" + std::string(reason(x.ending));
    if (x.ending == Ending::probation) out += ";retry-after=" + std::to_string(x.retry_after_s);
    return out;
  }
  std::string out = "active;expires=" + std::to_string(x.expires > now() ? (x.expires - now()) / ticks_per_s : 0);
  // What was asked for, as it is kept (RFC 6446 7).
  if (x.interval_min_ms != 0) put_rate(out, "max-rate", interval_min_ms(x));
  if (x.interval_max_ms != 0) put_rate(out, "min-rate", interval_max_ms(x));
  return out;
}

namespace {

/// A contact that is to be registered again within so many seconds (RFC 3680 4.7.1).
ReginfoContact shortened(ReginfoContact contact, std::uint32_t within_s) {
  contact.event = ContactEvent::shortened;
  contact.expires_s = std::min(contact.expires_s.value_or(within_s), within_s);
  return contact;
}

/// A contact that is to be registered again, elsewhere, after so many seconds (RFC 3680 4.7.1).
ReginfoContact sent_away(ReginfoContact contact, std::uint32_t after_s) {
  contact.state = ContactState::terminated;
  contact.event = ContactEvent::probation;
  contact.retry_after_s = after_s;
  contact.expires_s.reset();
  return contact;
}

/// As its client is to have it who is asked to register again.
ReginfoContact asked_for(const ReginfoContact& contact, const Standing& x) {
  return x.ending == Ending::probation ? sent_away(contact, x.retry_after_s) : shortened(contact, x.retry_after_s);
}

RegistrationState registration_state(const assign::Location* location, bool was_active) {
  if (location != nullptr) return RegistrationState::active;
  return was_active ? RegistrationState::terminated : RegistrationState::init;
}

}  // namespace

/// Equal for equal bindings, on every node and after a restart; a refresh alone changes nothing.
std::uint64_t Watchers::Impl::state_tag(const location::ClientKey& client, bool is_elsewhere) const {
  const assign::Location* const location = location_of(client, is_elsewhere);
  std::uint64_t out = 0;
  for (std::size_t i = 0; location != nullptr && i < location->count(); ++i) {
    const assign::BindingText b = (*location)[i];
    std::string text(b.uri);
    text.append(1, '\0').append(b.instance).append(1, '\0').append(std::to_string(b.binding.q_milli));
    out += base::siphash64(seed, text);   // in whatever order they stand
  }
  return out ^ client.low;
}

/// What a NOTIFY says, whatever dialog it is in.
struct Telling {
  std::string event, state, etag;
  std::string_view headers, content_type;
  std::string body;
  std::size_t contacts{};   // in the body
  bool is_whole{true};      // none is left for another NOTIFY
};

/// Of what there is to tell, as much as is told.
struct Room {
  std::size_t contacts_max{SIZE_MAX};
  bool has_instances{true};
};

Telling Watchers::Impl::contacts_of(const Subscription& s, const Room& room) const {
  const Standing& x = s.standing;
  const DialogTexts t = s.texts();
  const std::uint64_t now_s = now_ms / 1000;
  const assign::Location* const location = location_of(s);
  const std::size_t count = location != nullptr ? location->count() : 0, from = x.due == Due::rest ? x.from : 0;
  std::vector<ReginfoContact> contacts;
  bool is_whole = true;
  if (x.due == Due::changes) {
    contacts = latest(logs[x.is_elsewhere ? 1 : 0].at(s.client), x.from, now_s);
  } else {
    is_whole = count <= from || room.contacts_max >= count - from;
    for (std::size_t i = from; i < count && contacts.size() < room.contacts_max; ++i) {
      const ReginfoContact contact = shown((*location)[i], seed, now_s);
      contacts.push_back(x.shortens ? asked_for(contact, x) : contact);
      if (!room.has_instances) contacts.back().instance = {};
    }
  }
  const std::string aor_uri = "sip:" + std::string(t.aor);
  const Reginfo info{.version = x.version,
                     // After the last NOTIFY nothing is told: who is left out of it is not gone.
                     .is_full = x.due == Due::everything && (is_whole || !s.ends()),
                     .aor_uri = aor_uri,
                     .registration_id = s.client.low,
                     .state = x.shortens && s.ends() ? RegistrationState::terminated : registration_state(location, x.due == Due::changes),
                     .contacts = contacts};
  return {.event = t.event_id.empty() ? "reg" : "reg;id=" + std::string(t.event_id),
          .state = subscription_state(x),
          .etag = is_whole ? base32(state_tag(s.client, x.is_elsewhere)) : std::string{},
          .headers = {},
          .content_type = x.is_unchanged ? std::string_view{} : reginfo_type,
          .body = x.is_unchanged ? std::string{} : reginfo_xml(info),
          .contacts = contacts.size(),
          .is_whole = is_whole};
}

Telling Watchers::Impl::deregistration_of(const Subscription& s) {
  const RegistrationEvent event = registration_event(s.standing.ending);
  return {.event = std::string(registration_event_package),
          .state = std::string(registration_event_state),
          .etag = {},
          .headers = event.diagnostics,
          .content_type = registration_event_type,
          .body = std::string(event.body)};
}

/// A client may have more contacts than a datagram holds: then it tells as many as fit, and the next one goes on (RFC 3680 5.1: partial state).
Composed Watchers::Impl::compose(const Subscription& s, const site::Listener& from, const site::Site& site) {
  const Standing& x = s.standing;
  const DialogTexts t = s.texts();
  std::array<char, base::contact_uri_bytes_max + base::path_bytes_max + 16> room;
  const auto way = sip::arrange_routes(t.target, t.routes, room);
  if (!way) return {};
  const sip::BranchText branch = sip::branch_text(sip::own_branch({.id = s.dialog, .sender = sip::sender_for(s.client)}, x.local_cseq, site.keys));
  const std::string via =
      "SIP/2.0/UDP " + from.host + ':' + std::to_string(from.endpoint.port) + ";branch=" + std::string(branch.data(), branch.size()) + ";rport";
  const site::Listener& here = site.listeners[x.listener];
  const std::string local = uri_or_plain(t.local_uri, t.aor), remote = uri_or_plain(t.remote_uri, t.aor), tag = base32(s.dialog);
  const std::string contact = "sip:" + here.host + ':' + std::to_string(here.endpoint.port);
  const auto write = [&](const Telling& told) {
    return sip::write_notify({.request_uri = way->request_uri,
                              .via = via,
                              .routes = way->routes,
                              .from = local,
                              .from_tag = tag,
                              .to = remote,
                              .to_tag = t.remote_tag,
                              .call_id = t.call_id,
                              .cseq = x.local_cseq,
                              .contact = contact,
                              .event = told.event,
                              .subscription_state = told.state,
                              .etag = told.etag,
                              .headers = told.headers,
                              .content_type = told.content_type,
                              .body = told.body},
                             std::span(scratch).first(base::datagram_bytes_max));
  };
  Room room_for;
  Telling told = x.is_implicit ? deregistration_of(s) : contacts_of(s, room_for);
  std::size_t bytes = write(told);
  while (bytes == 0 && x.due != Due::changes && told.contacts != 0 && !told.body.empty() && room_for.has_instances) {
    room_for.has_instances = told.contacts > 1;
    room_for.contacts_max =
        std::clamp<std::size_t>(told.contacts * base::datagram_bytes_max / told.body.size(), 1, std::max<std::size_t>(told.contacts - 1, 1));
    told = contacts_of(s, room_for);
    bytes = write(told);
  }
  const bool has_rest = !told.is_whole && !s.ends();
  return {.message = {scratch.data(), bytes},
          .rest_from = has_rest ? static_cast<std::uint16_t>((x.due == Due::rest ? x.from : 0) + told.contacts) : std::uint16_t{0}};
}

}  // namespace viaduct::notifier
