// SPDX-License-Identifier: Apache-2.0
#include "moving.h"

#include <array>

namespace viaduct::edge {

static bool is_served(const Site& site, assign::HomeIndex home) {
  const assign::HomeState state = site.homes.brief(home).state;
  return state != assign::HomeState::down && state != assign::HomeState::removed;
}

assign::Placement placed_on_move(const assign::Placement& assigned, const assign::Move& move, sip::Method method, const Site& site) {
  assign::Placement out = assigned;
  if (move.is_settled) return out;
  if (method == sip::Method::register_)
    out.is_moving = true;
  else if (is_served(site, move.previous))
    out.home = move.previous;
  return out;
}

assign::HomeIndex also_to(const Subject& request, assign::HomeIndex assigned, assign::HomeIndex placed, const assign::Move& move) {
  if (!follows_invite(request)) return assign::no_home;
  return placed == move.previous ? assigned : move.previous;
}

static bool is_recent(std::uint32_t minute, std::uint32_t now_min) { return now_min - minute <= base::invite_pending_s_max / 60; }

bool has_any_returned(const Site& site, std::uint32_t now_min) { return is_recent(site.homes.returned_min(), now_min); }

assign::HomeIndex stood_in(const Subject& request, const assign::Placement& placement, const Site& site, std::uint32_t now_min) {
  if (!follows_invite(request) || placement.home == assign::no_home) return assign::no_home;
  const assign::HomeBrief& brief = site.homes.brief(placement.home);
  const bool is_back = assign::is_in_service(brief.state) && (brief.state != assign::HomeState::returning || assign::has_returned(brief, request.client));
  if (!is_back || !is_recent(site.homes[placement.home].returned_min, now_min)) return assign::no_home;
  return assign::next_up(site.homes, request.client.low, placement.home);
}

std::optional<assign::Confirmation> confirmation(const Subject& response, const Site& site) {
  const sip::Message& msg = response.msg;
  if (msg.method != sip::Method::register_ || msg.status < 200 || msg.status > 299 || !msg.has(sip::HeaderId::contact)) return std::nullopt;
  const assign::HomeIndex home = site.homes.find(response.source);
  if (home == assign::no_home) return std::nullopt;
  std::array<char, base::aor_bytes_max> room;
  const auto aor = sip::canonical_aor(msg[msg.to_uri], site.domains, room);
  if (!aor) return std::nullopt;
  return assign::Confirmation(sip::client_key(*aor, site.fleet_seed), home, *aor);
}

}  // namespace viaduct::edge
