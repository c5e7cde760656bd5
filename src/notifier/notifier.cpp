// SPDX-License-Identifier: Apache-2.0
// When a subscriber is told, and what becomes of the NOTIFY: non-INVITE client transactions over UDP (RFC 3261 17.1.2), bounded in number and pace.
#include "notifier.h"

#include <algorithm>

#include "viaduct/sip/event.h"

namespace viaduct::notifier {
namespace {

// RFC 3261 17.1.2.2 over UDP: T1 500 ms, T2 4 s, timer F 64 * T1.
constexpr std::uint8_t t1 = 500 / tick_ms;
constexpr std::uint8_t t2 = 4'000 / tick_ms;
constexpr Tick timer_f = 64 * t1;
/// Of a subscriber's first NOTIFY, until he has answered: nobody is flooded in another's name.
constexpr std::uint8_t first_sends_max = 3;
/// Retry-After beyond which a subscriber is not waited for: it subscribes anew by itself.
constexpr std::uint32_t retry_after_s_max = 60;
/// Changes of one client that are kept; who has not heard of them by then is told everything.
constexpr std::size_t log_entries_max = 64;
constexpr std::size_t timers_a_turn = 512;
constexpr std::size_t begins_a_turn = 64;

/// RFC 6665 4.2.2: what ends the subscription for certain. Others do unless they say when to come back.
bool ends_subscription(std::uint16_t status) {
  constexpr std::array<std::uint16_t, 13> codes = {404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604};
  return std::ranges::binary_search(codes, status);
}

}  // namespace

/// Set the one timer of a subscription to whatever comes next.
void Watchers::Impl::schedule(Subscription& s) {
  const Standing& x = s.standing;
  Tick next = s.ends() ? UINT32_MAX : x.expires;
  if (s.open) {
    next = s.open->next;
  } else if (x.due != Due::nothing) {
    const Tick spaced = x.told + interval_min_ms(x) / tick_ms;
    next = std::min(next, std::max(x.retry_at, x.is_urgent || x.version == 0 ? now() : spaced));
  } else if (x.interval_max_ms != 0) {
    next = std::min(next, x.told + interval_max_ms(x) / tick_ms);
  }
  wheel.set(s, next);
}

void Watchers::Impl::mark_changed(Subscription& s) { unsaved.note(row_key(s), s.standing.row); }

void Watchers::Impl::forget_changes(Subscription& s) {
  if (s.standing.due != Due::changes) return;
  s.standing.due = Due::nothing;
  ChangeLogs& all = logs_of(s);
  const auto at = all.find(s.client);
  if (--at->second.readers == 0) all.erase(at);
}

void Watchers::Impl::owe_everything(Subscription& s, bool is_urgent) {
  forget_changes(s);
  s.standing.due = Due::everything;
  s.standing.is_urgent |= is_urgent;
  mark_changed(s);
  schedule(s);
}

/// The same for what was not under way at a restart.
void Watchers::Impl::owe_another(Subscription& s, bool is_urgent) {
  say_anew(s.standing);
  s.standing.is_unchanged = false;
  owe_everything(s, is_urgent);
}

void Watchers::Impl::end(Subscription& s, Ending ending, std::uint32_t retry_after) {
  s.standing.ending = ending;
  s.standing.retry_after_s = retry_after;
  s.standing.shortens = false;
  // Its body says nothing of a time: the NOTIFY comes when he is to come.
  if (s.standing.is_implicit) s.standing.retry_at = now() + (ending == Ending::probation ? retry_after * ticks_per_s : 0);
  owe_another(s, true);
}

void Watchers::Impl::remove(Subscription& s) {
  forget_changes(s);
  if (s.open) --open;
  unsaved.lose(row_key(s), s.standing.row);
  counters.ended.add(1);
  const Subscription::Owner last = table.take(s);
  if (last->standing.is_elsewhere) lose_sight(last->client, last->standing);
}

void Watchers::Impl::log(const location::ClientKey& client, bool is_elsewhere, std::vector<ContactChange> changes) {
  if (changes.empty()) return;
  ChangeLogs& all = logs[is_elsewhere ? 1 : 0];
  ChangeLog& log = all[client];
  const std::size_t from = log.entries.size();
  std::ranges::move(changes, std::back_inserter(log.entries));
  const bool is_full = log.entries.size() > log_entries_max;
  for (Subscription* s = table.first_of(client); s != nullptr; s = Subscriptions::next_of(*s)) {
    Standing& x = s->standing;
    if (x.is_implicit || x.is_elsewhere != is_elsewhere) continue;
    x.is_unchanged = false;
    if (s->ends()) continue;
    if (x.due == Due::everything) {
      if (x.repeats_cseq) owe_another(*s, false);
      continue;
    }
    if (x.due == Due::rest) {
      x.wants_everything = true;
      continue;
    }
    if (x.wants_everything) {
      owe_everything(*s, false);
      continue;
    }
    if (x.due == Due::nothing) {
      x.due = Due::changes;
      x.from = static_cast<std::uint16_t>(from);
      ++log.readers;
      mark_changed(*s);
      schedule(*s);
    }
  }
  if (log.readers == 0) {
    all.erase(client);
  } else if (is_full) {
    for (Subscription* s = table.first_of(client); s != nullptr; s = Subscriptions::next_of(*s))
      if (s->standing.is_elsewhere == is_elsewhere && s->standing.due == Due::changes) owe_everything(*s, false);
  }
}

void Watchers::Impl::send(const OpenNotify& notify, const site::Site& site) {
  const site::Listener* const from = notify.listener < site.listeners.size() ? &site.listeners[notify.listener] : nullptr;
  if (from == nullptr || !outlet.send(*from, notify.to, notify.octets)) counters.unsent.add(1);
}

/// A new transaction with what is due.
void Watchers::Impl::begin(Subscription& s, const site::Site& site) {
  Standing& x = s.standing;
  const site::Listener* const from = egress(x, site, outlet);
  if (!std::exchange(x.repeats_cseq, false)) ++x.local_cseq;
  if (const auto* location = location_of(s); x.due == Due::rest && (location == nullptr || location->count() <= x.from)) x.due = Due::everything;
  Composed made = from != nullptr ? compose(s, *from, site) : Composed{};
  if (made.message.empty() && from != nullptr && x.due == Due::changes) {
    forget_changes(s);
    x.due = Due::everything;
    made = compose(s, *from, site);
  }
  if (made.message.empty()) {
    counters.unsent.add(1);
    return remove(s);
  }
  counters.notifies.add(1);
  forget_changes(s);
  // What has changed since its first part was sent is told when its last one is.
  const bool is_old = x.due == Due::rest && x.wants_everything, has_rest = made.rest_from != 0;
  x.due = has_rest ? Due::rest : is_old ? Due::everything : Due::nothing;
  x.from = made.rest_from;
  x.is_urgent = has_rest;
  x.wants_everything = has_rest && is_old;
  x.is_unchanged = false;
  ++x.version;
  x.told = now();
  s.open = std::make_unique<OpenNotify>(OpenNotify{.octets = std::string(made.message),
                                                   .to = x.next,
                                                   .listener = static_cast<std::uint8_t>(from - site.listeners.data()),
                                                   .sends = 1,
                                                   .interval = t1,
                                                   .is_first = !x.was_heard,
                                                   .shortens = std::exchange(x.shortens, x.shortens && has_rest),
                                                   .began = now(),
                                                   .next = now() + t1});
  ++open;
  mark_changed(s);
  send(*s.open, site);
  schedule(s);
}

/// Timers E and F.
void Watchers::Impl::repeat(Subscription& s, const site::Site& site) {
  OpenNotify& notify = *s.open;
  if (now() - notify.began >= timer_f) {
    counters.unanswered.add(1);
    close(s, false);
    return remove(s);
  }
  if (notify.is_first && notify.sends == first_sends_max) {
    count(notify, false);
    notify.next = notify.began + timer_f;
    return schedule(s);
  }
  ++notify.sends;
  notify.interval = std::min<std::uint8_t>(static_cast<std::uint8_t>(notify.interval * 2), t2);
  notify.next = std::min(now() + notify.interval, notify.began + timer_f);
  counters.repeated.add(1);
  send(notify, site);
  schedule(s);
}

void Watchers::Impl::close(Subscription& s, bool answered) {
  count(*s.open, answered);
  s.open.reset();
  --open;
  mark_changed(s);
}

void Watchers::Impl::timer(Subscription& s, const site::Site& site) {
  Standing& x = s.standing;
  if (s.open) return repeat(s, site);
  if (!s.ends() && now() >= x.expires) return x.is_implicit ? remove(s) : end(s, Ending::timeout, 0);
  if (x.due == Due::nothing && x.interval_max_ms != 0) return owe_everything(s, true);
  // To the end of the ring.
  s.previous = ready.previous;
  s.next = &ready;
  s.previous->next = s.next->previous = &s;
}

std::size_t Watchers::tick(const site::Site& site, std::uint64_t now_ms) {
  Impl& w = *impl_;
  w.advance(now_ms);
  std::size_t count = 0;
  while (count < timers_a_turn) {
    base::Timer* const due = w.wheel.take_due(w.now());
    if (due == nullptr) break;
    w.timer(static_cast<Subscription&>(*due), site);
    ++count;
  }
  for (std::size_t i = 0; i < begins_a_turn && w.ready.next != &w.ready; ++i) {
    if (w.open >= w.rules.open_max || !w.pace.take(w.now_ms, w.rules.notifies_per_s)) break;
    auto& s = static_cast<Subscription&>(*w.ready.next);
    base::Wheel::cancel(s);
    if (!s.ends() && w.now() >= s.standing.expires) w.end(s, Ending::timeout, 0);
    w.begin(s, site);
    ++count;
  }
  return count;
}

/// RFC 3261 8.1.3.4, once: to another Request-URI, but still to the place that has shown that it asked.
bool Watchers::Impl::follow(Subscription& s, const sip::Message& response) {
  const auto target = sip::remote_target(response);
  if (s.standing.was_redirected || !target || target->size() > base::contact_uri_bytes_max) return false;
  DialogTexts texts = s.texts();
  texts.target = *target;
  Subscription::Owner next = Subscription::make(s.client, s.dialog, texts);
  next->standing = s.standing;
  next->standing.was_redirected = true;
  table.take(s).reset();
  owe_everything(table.add(std::move(next)), true);
  return true;
}

bool Watchers::Impl::come_back_later(Subscription& s, const sip::Message& response) {
  const auto after_s = sip::retry_after_s(response);
  Standing& x = s.standing;
  if (!after_s || *after_s > retry_after_s_max || std::exchange(x.was_retried, true)) return false;
  x.retry_at = now() + *after_s * ticks_per_s;
  owe_everything(s, true);
  return true;
}

/// RFC 6665 4.2.2. Nobody has given us credentials for a 401 or 407.
void Watchers::Impl::answered(Subscription& s, const sip::Message& response) {
  const std::uint16_t status = response.status;
  if (status < 200) {
    s.open->interval = t2;
    return;
  }
  const bool was_asking = s.is_asking();
  close(s, true);
  if (status < 300) {
    counters.notified.add(1);
    s.standing.was_heard = true;
    s.standing.was_redirected = s.standing.was_retried = false;
    if (s.ends() && s.standing.due == Due::nothing) return remove(s);
    return schedule(s);
  }
  counters.failed.add(1);
  s.standing.shortens |= was_asking;
  if (status < 400 ? follow(s, response) : !ends_subscription(status) && come_back_later(s, response)) return;
  remove(s);
}

void Watchers::take_answer(const sip::OwnRequest& request, const sip::Message& response, std::uint64_t now_ms) {
  impl_->advance(now_ms);
  impl_->counters.answers.add(1);
  Subscription* const s = impl_->table.find(request.id);
  const bool is_open = s != nullptr && s->open && s->standing.local_cseq == response.cseq_number && s->texts().call_id == response[response.call_id];
  if (!is_open) return impl_->counters.answers_stray.add(1);
  impl_->answered(*s, response);
}

void Watchers::prefetch(const location::ClientKey& client) const { impl_->table.prefetch_of(client); }

void Watchers::bindings_changed(const location::BindingsChange& change) {
  bool is_watched = false;
  for (Subscription *s = impl_->table.first_of(change.key), *next = nullptr; s != nullptr; s = next) {
    next = Subscriptions::next_of(*s);
    if (s->standing.is_implicit)
      impl_->contact_changed(*s, change);
    else
      is_watched = true;
  }
  if (!is_watched) return;
  impl_->log(change.key, change.is_elsewhere, difference(change, impl_->seed));
  // What else becomes of bindings here, those that he has left behind among them, says nothing of a client elsewhere.
  const bool is_by_register = !change.is_elsewhere && change.why == location::Departure::unregistered;
  if (is_by_register) impl_->sightings.adopt(change.key, change.aor, change.after, change.now_s);
}

}  // namespace viaduct::notifier
