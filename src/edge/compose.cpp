// SPDX-License-Identifier: Apache-2.0
// Answers and edits, composed from a judgement; the packet they go into is act.cpp's business.
#include "viaduct/edge/compose.h"

#include <array>
#include <cstring>

#include "hosts.h"
#include "viaduct/base/append.h"
#include "viaduct/base/text.h"
#include "viaduct/net/stun.h"
#include "viaduct/sip/flow.h"
#include "viaduct/sip/forward.h"
#include "viaduct/sip/mark.h"
#include "viaduct/sip/option.h"
#include "viaduct/sip/overload.h"
#include "viaduct/sip/reply.h"

namespace viaduct::edge {
namespace {

using base::Append;
using base::Verdict;

// Seconds after which a client may ask again when no home is up: long enough to spread, short enough to recover.
constexpr std::uint64_t retry_after_s = 30;

// Writes at most home_proof_bytes_max octets; returns their end.
char* put_proof(char* at, const Subject& s, const assign::Home& home, const Site& site, const Stamp& stamp) {
  const sip::HomeProof proof{.epoch = stamp.epoch, .expires_min = sip::proof_expiry(stamp.now_min)};
  return at + sip::write_home_proof(proof, s.client, home.name, site.keys.signing(), std::span<char, sip::home_proof_bytes_max>{at, sip::home_proof_bytes_max});
}

// What stands in a redirect behind the request's own headers. Returns octets; 0 when there may be too little room.
[[gnu::always_inline]] inline std::size_t put_redirect_end(std::span<char> out, const Subject& s, assign::HomeIndex index, const Site& site, const Stamp& stamp,
                                                           std::string_view last) {
  constexpr std::string_view proof_name = ";vh=";
  const assign::HomeBrief& home = site.homes.brief(index);
  const bool is_v4 = s.source.address.is_v4();
  const std::size_t contact_bytes = is_v4 ? home.contact_v4.size() : site.homes[index].contact_v6.size();
  if (out.size() < contact_bytes + proof_name.size() + sip::home_proof_bytes_max + last.size()) return 0;
  char* at = out.data();
  if (is_v4) [[likely]] {
    std::memcpy(at, home.contact_v4.data(), home.contact_v4.size());
    at += home.contact_v4_bytes;
  } else {
    at = base::copy_text(at, site.homes[index].contact_v6);
  }
  if (home.is_viaduct) at = put_proof(base::copy_text(at, proof_name), s, site.homes[index], site, stamp);
  at = base::copy_text(at, last);
  return static_cast<std::size_t>(at - out.data());
}

// The same without a Server line, for which a redirect of a short request by IPv6 may have no room.
[[gnu::noinline]] std::size_t put_bare_redirect_end(std::span<char> out, const Subject& s, assign::HomeIndex index, const Site& site, const Stamp& stamp) {
  constexpr std::string_view last = ">\r\nContent-Length: 0\r\n\r\n";
  static_assert(last.ends_with(sip::reply_end));
  return put_redirect_end(out, s, index, site, stamp, last);
}

// Where a home is full, 503 goes to proxies alone, and RFC 7339 5.10.2 wants none there.
bool tells_when_to_retry(const Judgement& j) {
  const bool is_homes = j.reason == Reason::home_full || j.reason == Reason::home_overloaded;
  return is_homes ? j.status == 500 : j.status == 503;
}

// The same in any other answer.
[[gnu::noinline]] std::size_t put_answer_end(std::span<char> room, const Subject& s, const Judgement& j, const Site& site) {
  Append out(room);
  if (j.verdict == Verdict::answered) {
    out << site.options_headers;
  } else {
    if (j.status == 420) {
      const sip::HeaderId demands = j.reason == Reason::require ? sip::HeaderId::require : sip::HeaderId::proxy_require;
      sip::put_unsupported(s.msg, demands, [&](std::string_view text) {
        for (const char c : text) out << c;
      });
    }
    if (tells_when_to_retry(j)) out << "Retry-After: " << (s.excess.is_over ? s.excess.retry_after_s : retry_after_s) << "\r\n";
    out << site.server_header;
  }
  out << sip::reply_end;
  return out.overflow() ? 0 : out.bytes();
}

// How an answer begins that says how much this node's registrar wants.
[[gnu::noinline]] std::size_t put_telling_start(const Subject& s, const sip::Reply& reply, std::span<char> out) {
  std::array<char, sip::overload_text_bytes_max> room;
  return sip::write_reply_start(s.msg, reply, out, sip::write_loss(s.excess.loss_percent, s.loss_at_ms, room));
}

std::string_view status_line(const Judgement& j, const Site& site) {
  if (j.verdict == Verdict::redirected) return site.redirect_status_line;
  return j.fault != sip::Bad::none ? sip::status_line(j.fault) : sip::status_line(j.status);
}

std::size_t answer_bytes_max(const Subject& s, const Judgement& j) {
  const std::size_t request = s.msg.text.size();
  return j.verdict == Verdict::answered ? 3 * request : request + base::reply_growth_bytes_max;
}

}  // namespace

std::size_t compose_answer(const Subject& s, const Judgement& j, const Site& site, const Stamp& stamp, std::uint64_t tag, std::span<char> out) {
  if (j.reason == Reason::stun) return net::write_stun_answer(s.msg.text, s.source, out.first<net::stun_answer_bytes_max>());
  const sip::Reply reply{.status_line = status_line(j, site), .source = s.source, .to_tag = tag, .readable_behind = s.readable_behind};
  const std::size_t start = s.excess.loss_percent == 0 ? sip::write_reply_start(s.msg, reply, out) : put_telling_start(s, reply, out);
  if (start == 0) return 0;
  const std::span<char> room{out.data() + start, out.size() - start};
  const bool is_redirect = j.verdict == Verdict::redirected;
  const std::size_t end = is_redirect ? put_redirect_end(room, s, j.home, site, stamp, site.redirect_end) : put_answer_end(room, s, j, site);
  const std::size_t bytes_max = answer_bytes_max(s, j);
  if (end != 0 && start + end <= bytes_max) [[likely]]
    return start + end;
  const std::size_t bare = is_redirect ? put_bare_redirect_end(room, s, j.home, site, stamp) : 0;
  return bare != 0 && start + bare <= bytes_max ? start + bare : 0;
}

namespace {

constexpr std::string_view proof_header = "X-Viaduct-Home: ", path_header = "Path: <sip:", record_route_header = "Record-Route: <sip:";
constexpr std::string_view first_hop = ";ob", uri_header_end = ">\r\n", line_end = "\r\n";
constexpr std::size_t uri_end_bytes_max = std::string_view("@[]:65535;lr").size() + base::address_text_bytes_max;
constexpr std::size_t proof_header_bytes_max = proof_header.size() + sip::home_proof_bytes_max + line_end.size();
constexpr std::size_t path_bytes_max = path_header.size() + sip::flow_token_bytes_max + uri_end_bytes_max + first_hop.size() + uri_header_end.size();
constexpr std::size_t record_route_bytes_max = record_route_header.size() + sip::flow_token_bytes_max + uri_end_bytes_max + uri_header_end.size();

// Lines of ours in a forwarded request beside the Via: Path and X-Viaduct-Home in a REGISTER, else Record-Route.
// Towards a binding, Record-Routes for both its sides, and the Routes to it.
constexpr std::string_view route_header = "Route: ";
using HeaderRoom = std::array<char, 1280>;
struct ForwardRoom {
  HeaderRoom headers;
  std::array<char, sip::via_end_bytes_max> via_end;
};
static_assert(proof_header_bytes_max + path_bytes_max <= std::tuple_size_v<HeaderRoom>);
static_assert(4 * record_route_bytes_max + route_header.size() + base::path_bytes_max + line_end.size() <= std::tuple_size_v<HeaderRoom>);

// A URI of ours that leads to a client, as far as its parameters. Shape: room for flow_token_bytes_max and uri_end_bytes_max. `call_id`: as write_flow_token.
char* put_our_uri(char* at, const sip::Flow& flow, std::string_view call_id, const Listener& through, const sip::SigningKey& key) {
  at += sip::write_flow_token(flow, call_id, key, std::span<char, sip::flow_token_bytes_max>{at, sip::flow_token_bytes_max});
  return base::copy_text(at, through.uri_end);
}

sip::Flow flow_of(const Site& site, const base::Endpoint& client, std::uint8_t listener) {
  return {.client = client, .ours = site.listeners[listener].endpoint, .listener = listener};
}

static_assert(base::listeners_max - 1 <= UINT8_MAX);
std::uint8_t number_of(const Site& site, const Listener& listener) { return static_cast<std::uint8_t>(&listener - site.listeners.data()); }

// RFC 3327 5.1, RFC 5626 5.1: requests for the client come back through us, to the listener on the home's side; with `ob` when he reached us directly.
char* put_path(char* at, const Subject& s, const Site& site, const Listener& through) {
  const sip::Flow flow = flow_of(site, s.source, number_of(site, *s.listener));
  at = put_our_uri(base::copy_text(at, path_header), flow, {}, through, site.keys.signing());
  if (s.msg.via_values == 1) at = base::copy_text(at, first_hop);
  return base::copy_text(at, uri_header_end);
}

// RFC 3261 16.6 step 4: requests of the dialog come back through us, to the client on whose side the request came or goes. Where the two sides are
// on different links or speak different IP versions each gets an address of its own, that of the next hop on top (RFC 5658 5).
char* put_record_route(char* at, const Subject& s, const Site& site, const Listener& through) {
  const bool to_client = s.routing.course == Course::to_flow;
  const sip::Flow flow = to_client ? flow_of(site, s.routing.client, s.routing.listener) : flow_of(site, s.source, number_of(site, *s.listener));
  const auto put = [&](const sip::Flow& client, const Listener& side) {
    at = put_our_uri(base::copy_text(at, record_route_header), client, s.msg[s.msg.call_id], side, site.keys.signing());
    at = base::copy_text(at, uri_header_end);
  };
  // Both ends of the dialog are clients of ours: what two passes through an edge would write, the callee's above the caller's.
  if (s.binding != nullptr) put(flow_of(site, s.next, s.binding->listener), through);
  if (!s.listener->is_beside(through)) put(flow, through);
  put(flow, *s.listener);
  return at;
}

// Requests that may begin a dialog (RFC 3261 12.1, RFC 6665 4.1, RFC 3515 2.4.4). A subscriber's begins with the NOTIFY (RFC 6665 4.3, 4.4.1).
bool may_begin_dialog(const sip::Message& m) {
  if (m.method == sip::Method::notify) return true;
  return m.to_tag.bytes == 0 && (m.method == sip::Method::invite || m.method == sip::Method::subscribe || m.method == sip::Method::refer);
}

// RFC 3327 5.3: the Path of the registration becomes the Routes of the request. What follows in its dialog names the client's Contact, which nothing but
// our Record-Route makes a way to.
[[gnu::noinline]] char* put_binding_headers(char* at, const Subject& s, const Site& site, const Listener& through) {
  if (may_begin_dialog(s.msg)) at = put_record_route(at, s, site, through);
  if (s.path.empty()) return at;
  return base::copy_text(base::copy_text(base::copy_text(at, route_header), s.path), line_end);
}

bool wants_path(const Subject& s, const Site& site) {
  return site.path == site::PathPolicy::always || (site.path == site::PathPolicy::supported && sip::lists(s.msg, sip::HeaderId::supported, "path"));
}

char* put_headers(char* at, const Subject& s, const Judgement& j, const Site& site, const Stamp& stamp, const Listener& through) {
  if (s.msg.method == sip::Method::register_) {
    if (wants_path(s, site)) at = put_path(at, s, site, through);
    const bool is_decided = j.home != assign::no_home && j.reason != Reason::route_home;
    if (!is_decided || !site.homes[j.home].is_viaduct) return at;
    at = put_proof(base::copy_text(at, proof_header), s, site.homes[j.home], site, stamp);
    return base::copy_text(at, line_end);
  }
  if (s.binding != nullptr) return put_binding_headers(at, s, site, through);
  return site.record_route && may_begin_dialog(s.msg) ? put_record_route(at, s, site, through) : at;
}

// RFC 7339 5.1: a home may say how much it wants, and is kept to; a telephone is asked nothing.
constexpr std::string_view via_end = "\r\n", via_end_to_home = ";oc;oc-algo=\"loss\"\r\n";
static_assert(via_end_to_home.starts_with(sip::overload_offer) && via_end_to_home.size() + sip::mark_bytes <= sip::via_end_bytes_max);
static_assert(via_end_to_home.ends_with(via_end));

/// The same with a mark. Returns the text.
[[gnu::noinline]] std::string_view put_marked_end(std::uint64_t mark, std::span<char> out) {
  char* const at = base::copy_text(out.data(), sip::overload_offer);
  sip::write_mark(mark, std::span<char, sip::mark_bytes>{at, sip::mark_bytes});
  return {out.data(), base::copy_text(at + sip::mark_bytes, via_end)};
}

sip::ForwardRequest forward_request(const Subject& s, const Judgement& j, const Site& site, const Stamp& stamp, const Listener& through, std::uint64_t mark,
                                    const sip::Branch& branch, ForwardRoom& room) {
  const char* const end = put_headers(room.headers.data(), s, j, site, stamp, through);
  const sip::RouteEdits& edits = s.routing.edits;
  const bool edits_routes = s.binding != nullptr || (s.routing.course != Course::none && (edits.leading > 0 || edits.last));
  return {.source = s.source,
          .via_prefix = site.via_prefix(*s.listener, through),
          .branch = branch,
          .headers = {room.headers.data(), end},
          .routes = edits_routes ? &edits : nullptr,
          .via_end = j.home == assign::no_home ? via_end
                     : mark == 0               ? via_end_to_home
                                               : put_marked_end(mark, room.via_end)};
}

}  // namespace

std::span<char> compose_in_place(const Subject& s, const Judgement& j, const Site& site, const Stamp& stamp, const Listener& through, const sip::Branch& branch,
                                 const sip::Room& room, sip::Edits& out, std::uint64_t mark) {
  ForwardRoom texts;
  const sip::ForwardRequest how = forward_request(s, j, site, stamp, through, mark, branch, texts);
  const std::span<char> message = sip::forward_in_place(s.msg, how, room);
  if (message.empty()) sip::plan_forward(s.msg, s.msg.top, how, out);
  return message;
}

void compose_edits(const Subject& s, const Judgement& j, const Site& site, const Stamp& stamp, const Listener& through, const sip::Branch& branch,
                   sip::Edits& out) {
  ForwardRoom room;
  sip::plan_forward(s.msg, s.msg.top, forward_request(s, j, site, stamp, through, 0, branch, room), out);
}

}  // namespace viaduct::edge
