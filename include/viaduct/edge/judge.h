// SPDX-License-Identifier: Apache-2.0
// The decision about one SIP message: pure, from what is in the message, where it came from, the site and the client's placement.
#pragma once
#include <cstdint>
#include <string_view>

#include "viaduct/assign/assignment.h"
#include "viaduct/assign/locations.h"
#include "viaduct/base/verdict.h"
#include "viaduct/edge/routing.h"
#include "viaduct/screen/outcome.h"
#include "viaduct/sip/message.h"
#include "viaduct/sip/via.h"
#include "viaduct/site/site.h"

namespace viaduct::edge {

using site::Listener;
using site::Site;

// One row a reason: enumerator, and the sentence an operator reads.
#define VIADUCT_REASONS(X)                                                                                                 \
  X(none, "")                                                                                                              \
  X(keepalive, "it is a keep-alive")                                                                                       \
  X(malformed, "the message is malformed")                                                                                 \
  X(unanswerable, "the message is too broken to be answered")                                                              \
  X(unsafe_source, "its source address or port must not be answered")                                                      \
  X(scheme, "the scheme of the Request-URI is not served")                                                                 \
  X(foreign_domain, "the domain is not served here")                                                                       \
  X(options_here, "OPTIONS is asked of this node")                                                                         \
  X(node_drains, "this node drains: another is to be asked")                                                               \
  X(from_edge, "it comes from an edge, which decided that this node is the home")                                          \
  X(home_proof, "its vh parameter proves that an edge decided that this node is the home")                                 \
  X(home_here, "this node is the client's home")                                                                           \
  X(client_unknown, "the client has neither pin nor override, and the policy is explicit")                                 \
  X(assignment_loading, "the client's placement is not yet loaded: his retransmission will find it")                       \
  X(no_home_up, "the client's home is down and no other is up")                                                            \
  X(one_via, "one Via: the client reached us directly and is sent to its home")                                            \
  X(moving, "the client is on his way to this home: proxied once, so that its answer is seen")                             \
  X(watched, "somebody watches the client here: proxied, so that its answer is seen")                                      \
  X(several_vias, "several Vias: it came through a proxy, so it is forwarded to the home")                                 \
  X(assignment_stale, "the fleet's log is out of reach, and what it has now is not known: nobody is redirected")           \
  X(policy_never, "the policy is to never redirect")                                                                       \
  X(sips, "a sips: request is never redirected")                                                                           \
  X(no_public_address, "the home has no public address of the client's family")                                            \
  X(source_not_redirected, "the source is outside the prefixes that are redirected")                                       \
  X(redirected_before, "the client was redirected with this Call-ID within 32 s and came back")                            \
  X(never_follows, "the client, or every client of its User-Agent so far, does not follow redirects")                      \
  X(not_listed, "only clients that are known to follow a redirect are redirected")                                         \
  X(initial_request, "it goes to the home of the client that its Request-URI names")                                       \
  X(notifier, "it asks the notifier of this node, which is the client's home")                                             \
  X(notifier_dialog, "it is in a dialog with the notifier of this node")                                                   \
  X(edge_notifier, "it asks this node, which notifies in the place of the client's home")                                  \
  X(registered_here, "the client is registered here: to its binding with the highest q, of equal ones the one added last") \
  X(not_registered, "the client's home is this node, where it has no binding that can be reached")                         \
  X(in_dialog_to_home, "an in-dialog request for a home goes there")                                                       \
  X(in_dialog_nowhere, "an in-dialog request that names neither a home nor a client")                                      \
  X(route_home, "its next Route, or its Request-URI behind a Route of ours, names a home")                                 \
  X(route_flow, "a Route of ours leads to this client")                                                                    \
  X(route_edge, "its next Route is that of another edge of the fleet")                                                     \
  X(route_nowhere, "its Routes lead to a place that is neither a home nor a client of ours")                               \
  X(route_forged, "a Route that names this node has a token that does not verify")                                         \
  X(stun, "it is a STUN binding request")                                                                                  \
  X(loop, "a Via names this node: the request went in a circle")                                                           \
  X(max_forwards, "Max-Forwards is used up")                                                                               \
  X(proxy_require, "Proxy-Require asks for an extension that is not supported")                                            \
  X(require, "Require asks for an extension that is not supported")                                                        \
  X(ack_of_ours, "it acknowledges or cancels an answer of ours")                                                           \
  X(ack_nowhere, "an ACK with no place to go is never answered")                                                           \
  X(response_ours, "its top Via is ours and verifies")                                                                     \
  X(response_to_us, "it answers a request of this node's own")                                                             \
  X(response_foreign, "its top Via is not ours, or does not verify")                                                       \
  X(response_nowhere, "its next Via names no usable destination")                                                          \
  X(too_large, "the message is larger than message_bytes_max")                                                             \
  X(screened, "a screening rule decides")                                                                                  \
  X(over_limit, "its source, its client or all strangers together are over a limit")                                       \
  X(home_full, "its home already gets home.max_per_s requests a second")                                                   \
  X(home_overloaded, "its home is overloaded and has asked for fewer requests (RFC 7339)")                                 \
  X(registrar_crowded, "the registrar is overloaded, and the client has no binding here yet")                              \
  X(marked_proxy_only, "a screening rule marks its User-Agent as one that never follows a redirect")

enum class Reason : std::uint8_t {
#define X(name, sentence) name,
  VIADUCT_REASONS(X)
#undef X
};
[[nodiscard]] std::string_view sentence(Reason r);

/// What to do with a message. A response that is returned, and a request that is proxied to no home, go to their subject's `next`.
struct Judgement {
  base::Verdict verdict{base::Verdict::dropped};
  base::Drop drop{base::Drop::sip_unanswerable};   ///< when dropped
  Reason reason{Reason::none};
  sip::Bad fault{sip::Bad::none};                  ///< when rejected for a fault
  std::uint16_t status{};                          ///< when rejected (0: by `fault`)
  assign::HomeIndex home{assign::no_home};         ///< when redirected, proxied or registered
};
static_assert(sizeof(Judgement) == 8, "it is handed on in a register");

/// A message that is over a limit.
struct Excess {
  bool is_over{};
  base::Drop limit{};             ///< which, and so the counter of those that are dropped
  std::uint8_t retry_after_s{};   ///< of those that are answered
  std::uint8_t loss_percent{};    ///< of those that are answered: how many of a hundred an edge should leave out; 0: nothing is said
};

/// One message and what the path has found out about it. Each field says from which stage on it is valid.
struct Subject {
  sip::Message msg;               ///< index; not filled for a keep-alive
  bool is_keepalive{};            ///< index
  base::Endpoint source;          ///< frame
  std::size_t readable_behind{};  ///< frame: octets behind the text that may be read
  const Listener* listener{};     ///< frame: the listener it came to
  base::Endpoint next;  ///< identify: where a response goes by its second Via, a request by a flow of ours; judge: a request for `binding`; else unset
  Routing routing;  ///< identify: of a request
  const assign::Binding* binding{};  ///< judge: of a request other than REGISTER whose client is registered here, where it goes
  std::string_view path;  ///< judge: the Routes to `binding`
  sip::ClientKey client;  ///< identify: when has_client; of a response with `is_to_us`, what its branch knows of it
  bool has_client{};  ///< identify: To (REGISTER, and SUBSCRIBE to the notifier) or Request-URI (else) is an address-of-record of a served domain
  bool is_to_us{};  ///< identify: of a response, that it answers a request of this node's own
  sip::Bad aor_fault{};  ///< identify: why it is none
  std::uint64_t loss_at_ms;  ///< judge: when excess.loss_percent is set: of which time that is
  Excess excess;  ///< receive: none; limit
  screen::Outcome screening;  ///< screen: what the rules say of it; index: nothing
};

/// Which way a request goes, for its branch and its loop part.
[[nodiscard]] inline sip::Direction direction(const Subject& s) {
  if (s.binding != nullptr) [[unlikely]]
    return sip::Direction::to_binding;
  return s.routing.course <= Course::by_tables ? sip::Direction::to_home : sip::Direction::by_route;
}

/// The listener that a request leaves through to a place which `by` leads to: that of the flow which it follows, else the one that it came to, or who stands
/// in for it there. nullptr: none reaches that address.
[[nodiscard]] inline const Listener* leaves_through(const Subject& s, const Site& site, const base::Address& to, base::Link by) {
  if (s.binding != nullptr) [[unlikely]]
    return site.egress(site.listeners[s.binding->listener], to, by);
  return site.egress(s.routing.course == Course::to_flow ? site.listeners[s.routing.listener] : *s.listener, to, by);
}

/// Where a request judged proxied, or a response judged returned, goes.
[[nodiscard]] inline const base::Endpoint& goes_to(const Subject& s, const Judgement& j, const Site& site) {
  const bool to_home = j.verdict == base::Verdict::proxied && j.home != assign::no_home;
  return to_home ? site.homes.brief(j.home).address : s.next;
}

/// Index the message and find out whose it is. Leaves msg.fault for judge.
/// Shape: subject.source and subject.listener are set; text as sip::index wants it.
void index(std::string_view text, Subject& subject);
void identify(Subject& subject, const Site& site);
/// The same for all but the key of an ordinary client, so that those of a burst are made together: true when `aor` is what subject.client is to be made from.
[[nodiscard]] bool identify_but_key(Subject& subject, const Site& site, base::SipText& aor);
/// Whether requests for a client may be this node's to serve: it is his home, or stands in for one, or an edge has decided so. Else bindings that he has left
/// here are not his any more.
[[nodiscard]] bool may_be_served_here(const Subject& subject, const Site& site, const assign::Placement& placement);
/// What names the client of a request. Shape: has_client.
[[nodiscard]] std::string_view client_uri(const Subject& subject, const Site& site);
/// Let a request, not REGISTER, that no Route leads elsewhere go to the binding of its client, which is registered here; `location` may be null.
/// Shape: the location outlives the judgement and what is made of it.
void locate(Subject& subject, const assign::Location* location);
/// The same to one binding of it.
void locate_at(Subject& subject, const assign::Location& location, std::size_t binding);
/// Of a request that follows its INVITE: the binding of `before` that this may have gone to; count() if it is none, or the one that the request goes to itself.
[[nodiscard]] std::size_t located_before(const Subject& subject, const assign::Location& before);
/// Whether a request goes where its INVITE went, and no Route says where that was: a CANCEL, or an ACK (RFC 3261 9.1, 17.1.1.3).
[[nodiscard]] inline bool follows_invite(const Subject& request) {
  return (request.msg.method == sip::Method::cancel || request.msg.method == sip::Method::ack) && request.routing.course <= Course::by_tables;
}

/// The decision. `placement` is the client's when has_client. `now_min` are minutes since 1970.
/// Thread: any; pure. Source: "What is decided about a message" in docs/architecture.md.
[[nodiscard]] Judgement judge(const Subject& subject, const Site& site, const assign::Placement& placement, std::uint32_t now_min);

/// The decision for a REGISTER that would be redirected, but for what its client did before: RFC 3261 8.1.3.4 has no guard against loops, and most stacks
/// do not follow a redirect of a REGISTER.
[[nodiscard]] Judgement judge_by_past(const Subject& subject, const Judgement& redirect, Reason why);

}  // namespace viaduct::edge
