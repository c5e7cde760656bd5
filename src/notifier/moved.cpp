// SPDX-License-Identifier: Apache-2.0
// Telling the watchers of a client that moves to another home: RFC 6665 4.4.2, RFC 3680 4.7.1. Where it moves, and when, is not known here.
#include <utility>

#include "notifier.h"

namespace viaduct::notifier {
namespace {

constexpr std::uint32_t shortened_s_min = 30;

/// A subscription's own place between two times: the keyed hash that is its dialog's tag is evenly spread, and the same for a call that is repeated.
std::uint32_t place_of(const Subscription& s, std::uint32_t from_s, std::uint32_t to_s) {
  return from_s + static_cast<std::uint32_t>((s.dialog >> 32) * (to_s - from_s + 1) >> 32);
}

bool is_own(const Subscription& s, const sip::Domains& domains) {
  const DialogTexts t = s.texts();
  if (t.remote_uri.empty()) return true;
  std::array<char, base::aor_bytes_max> room;
  const auto watcher = sip::canonical_aor(t.remote_uri, domains, room);
  return watcher && *watcher == t.aor;
}

}  // namespace

std::string_view name(Notice notice) {
  constexpr std::array<std::string_view, 3> names = {"deactivated", "probation", "shortened"};
  return names[std::to_underlying(notice)];
}

/// False: this subscription hears nothing of it.
bool Watchers::Impl::tell_moved(Subscription& s, const Move& move, const site::Site& site) {
  const bool is_now = move.notice == Notice::deactivated;
  if (s.standing.is_implicit) {
    if (!s.ends()) end(s, is_now ? Ending::deactivated : Ending::probation, is_now ? 0 : place_of(s, 1, move.within_s));
    return true;
  }
  const bool asks_himself = !s.ends() && location_of(s) != nullptr && is_own(s, site.domains);
  if (move.notice != Notice::shortened) {
    const bool is_probation = move.notice == Notice::probation;
    if (!s.ends()) end(s, is_probation ? Ending::probation : Ending::deactivated, is_probation ? place_of(s, 1, move.within_s) : 0);
    s.standing.shortens |= is_probation && asks_himself;
    return true;
  }
  if (!asks_himself) return false;
  if (s.standing.shortens || (s.open && s.open->shortens)) return true;
  s.standing.shortens = true;
  s.standing.retry_after_s = place_of(s, shortened_s_min, move.within_s);
  owe_another(s, false);
  return true;
}

std::size_t Watchers::moved(const location::ClientKey& client, const Move& move, const site::Site& site, std::uint64_t now_ms) {
  impl_->advance(now_ms);
  std::size_t told = 0;
  for (Subscription* s = impl_->table.first_of(client); s != nullptr; s = Subscriptions::next_of(*s))
    if (s->standing.is_elsewhere == move.is_elsewhere) told += impl_->tell_moved(*s, move, site) ? 1 : 0;
  return told;
}

}  // namespace viaduct::notifier
