// SPDX-License-Identifier: Apache-2.0
// libFuzzer target: any octets as a SUBSCRIBE. What is read in it is as the grammar has it; its route set reads the same again; and the NOTIFY of its dialog is a
// message that says what was put into it, whatever came in.
#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "fuzz.h"
#include "viaduct/sip/event.h"
#include "viaduct/sip/notify.h"

namespace {

using namespace viaduct;

constexpr std::string_view token_octets = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-.!%*_+`'~";

std::string difference(std::string_view what, std::string_view is, std::string_view should) {
  return is == should ? "" : std::string(what) + " is '" + std::string(is) + "', not '" + std::string(should) + "'\n";
}

std::string no_token(std::string_view text) { return text.find_first_not_of(token_octets) == text.npos ? "" : "no token: " + std::string(text); }

std::string faults_of_event(const sip::Message& m) {
  const auto event = sip::event(m);
  if (!event) return event.error() == sip::Bad::none ? "a fault without a name" : "";
  if (event->package.empty()) return "an event without a package";
  for (const auto& interval : {event->min_interval_ms, event->max_interval_ms, event->adaptive_interval_ms})
    if (interval == 0U) return "an interval of nothing";
  return no_token(event->package) + no_token(event->id);
}

/// Who says besides that he takes a type takes it, whatever else he says.
std::string faults_of_accept(const sip::Message& m) {
  static_cast<void>(sip::accepts(m, "application/reginfo+xml"));
  std::string more(m.text);
  more.insert(m.line[0], "accept : application/RegInfo+XML ;q=1\r\n");
  sip::Message with_more;
  if (sip::index(std::string_view{more}, with_more) != sip::Bad::none || sip::accepts(with_more, "application/reginfo+xml")) return {};
  return "a type is refused that is named:\n" + more;
}

struct Dialog {
  std::array<char, base::message_bytes_max> routes_room, routing_room;
  std::optional<std::string_view> routes, target;
  std::optional<sip::Routing> routing;

  explicit Dialog(const sip::Message& m) : routes(sip::route_set(m, routes_room)), target(sip::remote_target(m)) {
    if (routes && target && m.from_tag.bytes != 0) routing = sip::arrange_routes(*target, *routes, routing_room);
  }
};

/// The route set as the Record-Route of another message gives the same again.
std::string faults_of_route_set(std::string_view routes) {
  if (routes.find_first_of("\r\n") != routes.npos) return "a route set of several lines";
  if (routes.empty()) return {};
  const std::string text = "SUBSCRIBE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nRecord-Route: " + std::string(routes) +
                           "\r\nFrom: <sip:w@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 1 SUBSCRIBE\r\n\r\n";
  sip::Message again;
  std::array<char, base::message_bytes_max> room;
  if (sip::index(std::string_view{text}, again) != sip::Bad::none) return "a route set that cannot stand in a message: " + std::string(routes);
  return difference("the route set read again", sip::route_set(again, room).value_or("none"), routes);
}

sip::Notify to_notify(const sip::Message& m, const Dialog& dialog) {
  return {.request_uri = dialog.routing->request_uri,
          .via = "SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKn1;rport",
          .routes = dialog.routing->routes,
          .from = m[m.to_uri],
          .from_tag = "ours",
          .to = m[m.from_uri],
          .to_tag = m[m.from_tag],
          .call_id = m[m.call_id],
          .cseq = 1,
          .contact = "sip:198.51.100.7:5060",
          .event = "reg",
          .subscription_state = "active;expires=3600",
          .etag = sip::suppress_if_match(m),
          .headers = {},
          .content_type = "application/reginfo+xml",
          .body = "<reginfo/>"};
}

std::string faults_of_notify(const sip::Notify& n) {
  std::array<char, base::message_bytes_max> room;
  const std::size_t bytes = sip::write_notify(n, room);
  if (bytes == 0) return {};
  const std::string_view text{room.data(), bytes};
  sip::Message m;
  if (const sip::Bad fault = sip::index(text, m); fault != sip::Bad::none) return "no message (" + std::string(name(fault)) + "):\n" + std::string(text);
  return difference("the Request-URI", m[m.request_uri], n.request_uri) + difference("From", m[m.from_uri], n.from) + difference("To", m[m.to_uri], n.to) +
         difference("the To tag", m[m.to_tag], n.to_tag) + difference("the Call-ID", m[m.call_id], n.call_id) +
         difference("the Route", m.value(sip::HeaderId::route), n.routes) + difference("the body", m[m.body], n.body);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const fuzz::Input input(data, size);
  sip::Message message;
  if (sip::index(input.text(), message) != sip::Bad::none || !message.is_request) return 0;
  fuzz::expect_none(faults_of_event(message));
  fuzz::expect_none(faults_of_accept(message));
  fuzz::expect_none(no_token(sip::suppress_if_match(message)));
  static_cast<void>(sip::retry_after_s(message));
  const Dialog dialog(message);
  // Many lines that each may stand make one that may not.
  if (dialog.routes && dialog.routes->size() + message.request_uri.bytes + 64 > base::header_bytes_max) return 0;
  if (dialog.routes) fuzz::expect_none(faults_of_route_set(*dialog.routes));
  if (dialog.routing) fuzz::expect_none(faults_of_notify(to_notify(message, dialog)));
  return 0;
}
