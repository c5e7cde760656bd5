// SPDX-License-Identifier: Apache-2.0
// The path without packets, for an operator's question.
#include "viaduct/edge/rehearse.h"

#include <algorithm>
#include <array>
#include <memory>

#include "moving.h"
#include "screen.h"
#include "viaduct/edge/compose.h"
#include "watching.h"

namespace viaduct::edge {
namespace {

std::string composed_answer(const Subject& s, const Judgement& j, const Site& site, const Stamp& stamp) {
  std::string out(base::large_packet_bytes_max, '\0');
  out.resize(compose_answer(s, j, site, stamp, sip::reply_tag(s.msg, s.msg.top, site.keys.signing()), out));
  return out;
}

std::string edited(const Subject& s, const Judgement& j, const Site& site, const Stamp& stamp, const site::Neighbours* neighbours) {
  sip::Edits edits;
  if (j.verdict == base::Verdict::returned) {
    sip::plan_return(s.msg, edits);
  } else {
    const base::Address& to = goes_to(s, j, site).address;
    const base::Link by = neighbours != nullptr ? neighbours->next_hop(to).link : base::Link::any();
    const Listener* const through = leaves_through(s, site, to, by);
    if (through == nullptr) return {};
    compose_edits(s, j, site, stamp, *through, sip::make_branch(s.msg, s.msg.top, direction(s), s.source, site.keys), edits);
  }
  if (edits.overflow()) return {};
  const std::string_view message = s.msg.text.substr(0, s.msg.bytes());
  std::string out(message.size() + static_cast<std::size_t>(std::max(0, edits.growth())), '\0');
  out.resize(sip::apply_to(edits, message, out));
  return out;
}

constexpr std::uint16_t sip_port = 5060;

base::Address address_in(const base::Prefix& prefix, std::uint8_t number) {
  const auto documented =
      prefix.address.is_v4() ? base::Address::v4({192, 0, 2, number}) : base::Address::v6({0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number});
  if (prefix.contains(documented)) return documented;
  auto octets = prefix.address.octets();
  if (prefix.address.is_unusable_destination()) octets.back() |= 1;
  return base::Address::v6(octets);
}

}  // namespace

Arrival rehearsed_arrival(const Site& site, std::span<const base::Prefix> sources, std::uint8_t number) {
  constexpr std::array any = {base::whole_v4, base::whole_v6};
  if (sources.empty()) sources = any;
  for (const Listener& listener : site.listeners)
    for (const base::Prefix& prefix : sources)
      if (prefix.address.is_v4() == listener.endpoint.address.is_v4()) return {{address_in(prefix, number), sip_port}, &listener};
  return {{address_in(sources.front(), number), sip_port}, &site.listeners.front()};
}

Screened rehearse_screening(std::string_view text, const base::Address& source, const screen::Rules& rules, screen::Screener& screener) {
  const auto subject = std::make_unique<Subject>();
  subject->source.address = source;
  index(text, *subject);
  if (!is_screened(*subject)) return {};
  const screen::Values values = screen_values(*subject, rules);
  screen::Screener::Hashes hashes;
  screener.look(rules, values, hashes);
  return {.is_asked = true, .outcome = screener.decide(rules, values, hashes)};
}

Rehearsal rehearse(std::string_view text, const base::Endpoint& source, const Listener& listener, const Site& site, const Tables& tables,
                   std::uint32_t now_min) {
  Rehearsal r;
  const auto subject = std::make_unique<Subject>();
  subject->source = source;
  subject->listener = &listener;
  index(text, *subject);
  identify(*subject, site);
  if (subject->has_client) {
    r.client = subject->client;
    r.placement = tables.assignment.find(subject->client);
    const auto move = tables.moves != nullptr ? tables.moves->find(subject->client, r.placement.layer) : std::nullopt;
    if (move) r.placement = placed_on_move(r.placement, *move, subject->msg.method, site);
    if (tables.locations != nullptr && may_be_served_here(*subject, site, r.placement)) locate(*subject, tables.locations->find(subject->client));
  }
  r.next = subject->next;
  r.judgement = judge(*subject, site, r.placement, now_min);
  if (r.client && tables.is_watched && tables.is_watched(*r.client)) r.judgement = in_sight(*subject, r.judgement);
  const Stamp stamp{.epoch = r.placement.epoch, .now_min = now_min};
  switch (r.judgement.verdict) {
    case base::Verdict::redirected:
    case base::Verdict::answered:
    case base::Verdict::rejected:
      r.bytes = composed_answer(*subject, r.judgement, site, stamp);
      break;
    case base::Verdict::proxied:
    case base::Verdict::returned:
      r.bytes = edited(*subject, r.judgement, site, stamp, tables.neighbours);
      break;
    case base::Verdict::registered:
    case base::Verdict::subscribed:
    case base::Verdict::concluded:
    case base::Verdict::absorbed:
    case base::Verdict::collected:
    case base::Verdict::controlled:
    case base::Verdict::to_kernel:
    case base::Verdict::dropped:
      break;
  }
  return r;
}

}  // namespace viaduct::edge
