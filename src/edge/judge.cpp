// SPDX-License-Identifier: Apache-2.0
// The decision about one message, rule by rule. Pure: nothing here touches a packet, a clock or shared memory.
#include "viaduct/edge/judge.h"

#include <algorithm>
#include <array>

#include "hosts.h"
#include "loop.h"
#include "own.h"
#include "viaduct/base/text.h"
#include "viaduct/net/stun.h"
#include "viaduct/sip/option.h"

namespace viaduct::edge {
namespace {

using base::Drop;
using base::Verdict;
using sip::Bad;
using sip::HeaderId;
using sip::Method;

Judgement dropped(Drop why, Reason reason) { return {.verdict = Verdict::dropped, .drop = why, .reason = reason}; }
Judgement rejected(std::uint16_t status, Reason reason) { return {.verdict = Verdict::rejected, .reason = reason, .status = status}; }
Judgement rejected(Bad fault) { return {.verdict = Verdict::rejected, .reason = Reason::malformed, .fault = fault}; }

// Whether the assignment decides, and no Route.
[[gnu::always_inline]] inline bool is_by_tables(const Subject& s) { return s.routing.course <= Course::by_tables; }

// What every request must pass that would be forwarded: RFC 3261 16.3 items 3 and 5.
Judgement proxied(const Subject& s, assign::HomeIndex home, Reason reason) {
  if (s.msg.max_forwards == 0) {
    if (s.msg.method == Method::options) {
      if (sip::demands_unsupported(s.msg, HeaderId::require)) return rejected(420, Reason::require);
      return {.verdict = Verdict::answered, .reason = Reason::max_forwards, .status = 200};
    }
    return rejected(483, Reason::max_forwards);
  }
  if (s.msg.has(HeaderId::proxy_require) && sip::demands_unsupported(s.msg, HeaderId::proxy_require)) [[unlikely]]
    return rejected(420, Reason::proxy_require);
  return {.verdict = Verdict::proxied, .reason = reason, .home = home};
}

// Of a home in slow start, who has not had his turn stays where he went while it was down.
[[gnu::noinline]] assign::HomeIndex home_of_returning(const Subject& s, const Site& site, assign::HomeIndex home) {
  if (assign::has_returned(site.homes.brief(home), s.client)) return home;
  const assign::HomeIndex next = assign::next_up(site.homes, s.client.low);
  return next != assign::no_home ? next : home;
}

// The assigned home, or while that is down the next up home in the rendezvous order of the client's key.
[[gnu::always_inline]] inline assign::HomeIndex effective_home(const Subject& s, const Site& site, const assign::Placement& placement) {
  switch (site.homes.brief(placement.home).state) {
    case assign::HomeState::up:
    case assign::HomeState::draining:
      return placement.home;
    case assign::HomeState::returning:
      return home_of_returning(s, site, placement.home);
    case assign::HomeState::down:
    case assign::HomeState::removed:
      break;
  }
  return assign::next_up(site.homes, s.client.low);
}

// Nobody knows the client, or nobody yet.
[[gnu::noinline]] Judgement judge_unplaced(const assign::Placement& placement) {
  if (placement.layer == assign::Layer::loading) return dropped(Drop::assignment_loading, Reason::assignment_loading);
  return rejected(404, Reason::client_unknown);
}

// How often the REGISTER has been forwarded, as far as we believe it.
[[gnu::always_inline]] inline unsigned via_count(const Subject& s, const Site& site) {
  const bool believed = s.msg.via_values == 1 || site.trust_all_proxies || site::any_contains(site.trusted_proxies, s.source.address);
  return believed ? s.msg.via_values : 1;
}

// The fourth octet tells sips: from sip: and tel:, before anything is compared.
[[gnu::always_inline]] inline bool is_sips(const sip::Message& msg, sip::Slice uri) {
  return (msg.text[uri.offset + 3U] | 0x20) == 's' && uri.bytes > 5 && equal_ignoring_case(msg[uri].substr(0, 5), "sips:");
}

// Why a client that reached us directly is not sent away but proxied; Reason::none when it is redirected.
[[gnu::always_inline]] inline Reason redirect_hindrance(const Subject& s, const Site& site, const assign::HomeBrief& home) {
  if (site.redirect == site::RedirectPolicy::never) return site.is_stale ? Reason::assignment_stale : Reason::policy_never;
  if (s.screening.proxy_only && site.redirect != site::RedirectPolicy::always) return Reason::marked_proxy_only;
  if (is_sips(s.msg, s.msg.request_uri) || is_sips(s.msg, s.msg.to_uri)) return Reason::sips;
  if (!site.redirect_all_sources && !site::any_contains(site.redirect_from, s.source.address)) return Reason::source_not_redirected;
  const bool has_public = s.source.address.is_v4() ? home.contact_v4_bytes != 0 : home.has_public_v6;
  if (!has_public) return Reason::no_public_address;
  return site.redirect == site::RedirectPolicy::listed && !s.screening.redirect_capable ? Reason::not_listed : Reason::none;
}

// The table for a REGISTER of docs/architecture.md, once the client and its home are known.
[[gnu::always_inline]] inline Judgement judge_placed(const Subject& s, const Site& site, assign::HomeIndex home, bool is_moving) {
  const assign::HomeBrief& brief = site.homes.brief(home);
  if (brief.is_local) return {.verdict = Verdict::registered, .reason = Reason::home_here, .home = home};
  if (is_moving) [[unlikely]]
    return proxied(s, home, Reason::moving);
  if (via_count(s, site) > 1) return proxied(s, home, Reason::several_vias);
  if (const Reason hindrance = redirect_hindrance(s, site, brief); hindrance != Reason::none) return proxied(s, home, hindrance);
  return {.verdict = Verdict::redirected, .reason = Reason::one_via, .home = home};
}

// A home accepts what an edge sent, or what an edge's proof names, whatever its own table says.
// Shape: there is a home here.
[[gnu::noinline]] Reason sent_here(const Subject& s, const Site& site, std::string_view uri_params, std::uint32_t now_min) {
  if (site::any_contains(site.edges, s.source.address)) return Reason::from_edge;
  if (uri_params.empty()) return Reason::none;
  const sip::UriParam vh = sip::uri_param(uri_params, "vh");
  if (vh.found && sip::verify_home_proof(vh.value, s.client, site.homes[site.local_home].name, now_min, site.keys)) return Reason::home_proof;
  return Reason::none;
}

// What a REGISTER's Request-URI says: whether its host is a served domain, this node or a home, and the parameters.
struct Registrar {
  bool is_ours{};
  std::string_view params;
};

[[gnu::always_inline]] inline Judgement judge_register(const Subject& s, const Site& site, const Registrar& registrar, const assign::Placement& placement,
                                                       std::uint32_t now_min) {
  if (s.aor_fault != Bad::none) return rejected(s.aor_fault);
  if (!s.has_client || !registrar.is_ours) return rejected(404, Reason::foreign_domain);
  if (site.local_home != assign::no_home)
    if (const Reason why = sent_here(s, site, registrar.params, now_min); why != Reason::none)
      return {.verdict = Verdict::registered, .reason = why, .home = site.local_home};
  if (placement.home == assign::no_home) return judge_unplaced(placement);
  const assign::HomeIndex home = effective_home(s, site, placement);
  if (home == assign::no_home) return rejected(503, Reason::no_home_up);
  return judge_placed(s, site, home, placement.is_moving);
}

// A request for a client of this node: to its binding, or the notifier.
Judgement judge_local(const Subject& s) {
  if (asks_notifier(s.msg)) return {.verdict = Verdict::subscribed, .reason = Reason::notifier};
  return s.binding != nullptr ? proxied(s, assign::no_home, Reason::registered_here) : rejected(480, Reason::not_registered);
}

// Whether it asks whose registrations this node knows of in the place of their home. Without a package it is the home's to refuse.
bool is_told_of_here(const Subject& s, const assign::Home& home) {
  return s.msg.method == Method::subscribe && home.edge_notifies && asks_notifier(s.msg) && !s.msg.value(HeaderId::event).empty();
}

// A request outside a dialog: to the home of the client that its Request-URI names, whatever the Vias. An edge has decided already, as with a REGISTER.
Judgement judge_initial(const Subject& s, const Site& site, const assign::Placement& placement) {
  if (s.aor_fault != Bad::none) return rejected(s.aor_fault);
  if (!s.has_client) return rejected(404, Reason::foreign_domain);
  const bool is_known_here = s.binding != nullptr || (site.local_home != assign::no_home && asks_notifier(s.msg));
  if (is_known_here && site::any_contains(site.edges, s.source.address)) return judge_local(s);
  if (placement.home == assign::no_home) return judge_unplaced(placement);
  const assign::HomeIndex home = effective_home(s, site, placement);
  if (home == assign::no_home) return rejected(503, Reason::no_home_up);
  // Where this node stands in for a home, who watches is told on when that is back.
  if (home != placement.home && site.homes.brief(home).is_local && is_told_of_here(s, site.homes[placement.home]))
    return {.verdict = Verdict::subscribed, .reason = Reason::edge_notifier, .home = placement.home};
  if (site.homes.brief(home).is_local) return judge_local(s);
  if (is_told_of_here(s, site.homes[home])) return {.verdict = Verdict::subscribed, .reason = Reason::edge_notifier, .home = home};
  return proxied(s, home, Reason::initial_request);
}

// A request inside a dialog, without a Route of ours: to the notifier, to a client registered here, or a configured home that its Request-URI spells; else to
// the home of the client that this names, as a GRUU does (RFC 5627 5.4).
Judgement judge_in_dialog(const Subject& s, const Site& site, const sip::Uri& request_uri, const assign::Placement& placement) {
  const bool has_notifier = site.local_home != assign::no_home || site.homes.has_edge_notified();
  const bool is_to_notifier = has_notifier && s.has_client && asks_notifier(s.msg) && is_notifier(site, request_uri);
  if (is_to_notifier) return {.verdict = Verdict::subscribed, .reason = Reason::notifier_dialog};
  if (s.binding != nullptr) return proxied(s, assign::no_home, Reason::registered_here);
  const assign::HomeIndex home = home_of(site, request_uri);
  if (home != assign::no_home) return proxied(s, home, Reason::in_dialog_to_home);
  return s.has_client && request_uri.has_user ? judge_initial(s, site, placement) : rejected(481, Reason::in_dialog_nowhere);
}

// A request that leaves by its Routes. Behind the last one a Request-URI may be the address-of-record of a client, as a GRUU is.
Judgement judge_onwards(const Subject& s, const Site& site, const assign::Placement& placement) {
  const auto target = sip::parse_uri(s.routing.target);
  const assign::HomeIndex home = target && s.binding == nullptr ? home_of(site, *target) : assign::no_home;
  if (home != assign::no_home) return proxied(s, home, Reason::route_home);
  if (s.has_client && s.routing.target.data() == s.routing.request_uri.data()) return judge_initial(s, site, placement);
  return rejected(s.msg.to_tag.bytes != 0 ? 481 : 403, Reason::route_nowhere);
}

// A request with a Route that we know.
[[gnu::noinline]] Judgement judge_routed(const Subject& s, const Site& site, const assign::Placement& placement) {
  switch (s.routing.course) {
    case Course::forbidden:
      return rejected(403, Reason::route_forged);
    case Course::to_flow:
      return proxied(s, assign::no_home, Reason::route_flow);
    case Course::to_edge:
      return proxied(s, assign::no_home, Reason::route_edge);
    case Course::onwards:
    case Course::by_tables:
    case Course::none:
      break;
  }
  return judge_onwards(s, site, placement);
}

// An ACK is never answered, a CANCEL follows its INVITE: where we answered that, there is nothing to cancel (RFC 3261 9.2, 17.1.1.3).
[[gnu::noinline]] Judgement without_answer(const Subject& s, const Judgement& j) {
  if (j.verdict != Verdict::rejected && j.verdict != Verdict::answered) return j;
  if (s.msg.method == Method::ack) return dropped(Drop::ack_unrouted, Reason::ack_nowhere);
  if (s.msg.method == Method::cancel) return {.verdict = Verdict::absorbed, .reason = Reason::ack_of_ours};
  return j;
}

// `sip:` and a served domain, as the Request-URI of a telephone's REGISTER has it: known at sight, with nothing behind it.
bool is_served_domain(const Site& site, std::string_view uri) {
  if (!uri.starts_with("sip:")) return false;
  const std::string_view host{uri.data() + 4, uri.size() - 4};
  return std::ranges::any_of(site.domains.served, [&](const std::string& domain) { return base::equal_text(host, domain); });
}

// After a redirect the Request-URI of a REGISTER is the home's bare address, also when an outbound proxy brings it back to us.
bool is_ours(const Site& site, std::string_view host) { return is_served(site, host) || is_here(site, host) || is_home(site, host); }

[[gnu::noinline]] Judgement judge_any_request(const Subject& s, const Site& site, const assign::Placement& placement, std::uint32_t now_min) {
  const auto request_uri = sip::parse_uri(s.routing.course == Course::none ? s.msg[s.msg.request_uri] : s.routing.request_uri, s.msg.text);
  if (!request_uri) return rejected(Bad::request_uri);
  if (request_uri->scheme == sip::Scheme::other) return rejected(416, Reason::scheme);
  if (s.msg.method == Method::ack && s.msg.to_tag.bytes != 0 && sip::is_reply_tag(s.msg, s.msg.top, site.keys))
    return {.verdict = Verdict::absorbed, .reason = Reason::ack_of_ours};
  // Of a domain without a user nobody but this node can be asked (RFC 3261 11).
  if (s.msg.method == Method::options && !request_uri->has_user && is_by_tables(s) &&
      (is_here(site, request_uri->host) || is_served(site, request_uri->host))) {
    if (site.local_home != assign::no_home && !assign::is_up(site.homes.brief(site.local_home).state)) return rejected(503, Reason::node_drains);
    if (sip::demands_unsupported(s.msg, HeaderId::require)) return rejected(420, Reason::require);
    return {.verdict = Verdict::answered, .reason = Reason::options_here, .status = 200};
  }
  if (is_looping(s, site)) return rejected(482, Reason::loop);
  if (!is_by_tables(s)) return judge_routed(s, site, placement);
  if (s.msg.method == Method::register_)
    return judge_register(s, site, {.is_ours = is_ours(site, request_uri->host), .params = request_uri->params}, placement, now_min);
  const bool by_tables = s.msg.to_tag.bytes == 0 || (s.msg.method == Method::ack && s.has_client);
  return by_tables ? judge_initial(s, site, placement) : judge_in_dialog(s, site, *request_uri, placement);
}

// What the rules decide. An ACK is never answered, so a rejected one is dropped.
[[gnu::noinline]] Judgement judge_screened(const Subject& s) {
  if (s.screening.decision == screen::Decision::drop || s.msg.method == Method::ack) return dropped(Drop::screened, Reason::screened);
  return without_answer(s, rejected(s.screening.status, Reason::screened));
}

// Nothing is sent to a place that cannot have asked, nor to ourselves.
bool is_unsafe_source(const Subject& s, const Site& site) {
  return s.source.port == 0 || s.source.address.is_unusable_destination() || site.listener(s.source) != nullptr;
}

// What is over a limit: dropped, or told to come back later, where it can be told anything.
[[gnu::noinline]] Judgement judge_excess(const Subject& s, const Site& site) {
  const bool can_be_told = s.msg.fault != Bad::not_sip && s.msg.is_request && s.msg.answerable && !is_unsafe_source(s, site);
  if (site.limits.over == site::Over::drop || !can_be_told) return dropped(s.excess.limit, Reason::over_limit);
  return without_answer(s, rejected(503, Reason::over_limit));
}

[[gnu::noinline]] Judgement judge_faulty_request(const Subject& s) {
  if (s.msg.answerable) return without_answer(s, rejected(s.msg.fault));
  return s.msg.fault == Bad::too_large ? dropped(Drop::sip_too_large, Reason::too_large) : dropped(Drop::sip_unanswerable, Reason::unanswerable);
}

Judgement judge_request(const Subject& s, const Site& site, const assign::Placement& placement, std::uint32_t now_min) {
  if (is_unsafe_source(s, site)) return dropped(Drop::reply_unsafe, Reason::unsafe_source);
  if (s.screening.decision != screen::Decision::none) [[unlikely]]
    return judge_screened(s);
  if (s.msg.fault != Bad::none) return judge_faulty_request(s);
  // A telephone's REGISTER is most of what comes: of all the rules for requests it can meet those of a loop and its own.
  if (s.msg.method == Method::register_ && is_by_tables(s) && is_served_domain(site, s.msg[s.msg.request_uri])) {
    if (is_looping(s, site)) return rejected(482, Reason::loop);
    return judge_register(s, site, {.is_ours = true}, placement, now_min);
  }
  return without_answer(s, judge_any_request(s, site, placement, now_min));
}

[[gnu::noinline]] Judgement judge_response(const Subject& s, const Site& site) {
  if (s.msg.fault != Bad::none) return dropped(Drop::response_malformed, Reason::malformed);
  const auto ours = sip::parse_via(s.msg[s.msg.top_via]);
  if (!ours || listener_of(site, *ours) == nullptr) return dropped(Drop::response_foreign, Reason::response_foreign);
  if (s.is_to_us) return {.verdict = Verdict::concluded, .reason = Reason::response_to_us};
  if (s.msg.via_values < 2 || s.next.address.is_unusable_destination() || site.listener(s.next) != nullptr)
    return dropped(Drop::response_destination, Reason::response_nowhere);
  if (!sip::verify_branch(ours->branch, s.msg, s.next, site.keys)) return dropped(Drop::response_foreign, Reason::response_foreign);
  return {.verdict = Verdict::returned, .reason = Reason::response_ours};
}

// What is not SIP.
[[gnu::noinline]] Judgement judge_other(const Subject& s, const Site& site) {
  if (!net::is_stun_binding_request(s.msg.text)) return dropped(Drop::sip_unanswerable, Reason::unanswerable);
  if (is_unsafe_source(s, site)) return dropped(Drop::reply_unsafe, Reason::unsafe_source);
  return {.verdict = Verdict::answered, .reason = Reason::stun};
}

constexpr std::array reason_sentences = {
#define X(name, sentence) std::string_view{sentence},
    VIADUCT_REASONS(X)
#undef X
};

}  // namespace

std::string_view sentence(Reason r) { return reason_sentences[std::to_underlying(r)]; }

bool may_be_served_here(const Subject& s, const Site& site, const assign::Placement& placement) {
  const assign::HomeIndex home = placement.home != assign::no_home ? effective_home(s, site, placement) : assign::no_home;
  return (home != assign::no_home && site.homes.brief(home).is_local) || site::any_contains(site.edges, s.source.address);
}

Judgement judge(const Subject& s, const Site& site, const assign::Placement& placement, std::uint32_t now_min) {
  if (s.is_keepalive) return {.verdict = Verdict::absorbed, .reason = Reason::keepalive};
  if (s.excess.is_over) [[unlikely]]
    return judge_excess(s, site);
  if (s.msg.fault == Bad::not_sip) return judge_other(s, site);
  return s.msg.is_request ? judge_request(s, site, placement, now_min) : judge_response(s, site);
}

Judgement judge_by_past(const Subject& s, const Judgement& redirect, Reason why) { return proxied(s, redirect.home, why); }

}  // namespace viaduct::edge
