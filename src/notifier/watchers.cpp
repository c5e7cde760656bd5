// SPDX-License-Identifier: Apache-2.0
// What a SUBSCRIBE does: RFC 6665 4.2.1 for the package reg (RFC 3680 4). Telling the subscriber is notifier.cpp's.
#include "viaduct/notifier/watchers.h"

#include <algorithm>

#include "notifier.h"
#include "viaduct/notifier/reginfo.h"
#include "viaduct/sip/contact.h"
#include "viaduct/sip/event.h"
#include "viaduct/sip/option.h"

namespace viaduct::notifier {

/// What a SUBSCRIBE asks for, once it is known to be well-formed.
struct Wish {
  sip::EventField event;
  std::uint32_t expires_s{};   ///< as granted
  std::string_view target;
  std::string_view routes;
  bool knows_state{};          ///< its condition names the state as it is (RFC 5839)
};

namespace {

constexpr std::string_view package = "reg";
constexpr std::string_view allow_events = "Allow-Events: reg\r\n";
/// An interval of an hour or more is never too brief (RFC 6665 4.2.1.1).
constexpr std::uint32_t too_brief_below_s = 3600;

SubscribeOutcome refused(std::uint16_t status, std::string headers = {}) { return {.status = status, .headers = std::move(headers)}; }
SubscribeOutcome bad(sip::Bad fault) { return {.status = 400, .fault = fault}; }

/// Our tag, and what the dialog is found by.
std::uint64_t dialog_of(const sip::Message& m, const base::Key128& seed) {
  std::string text("watch ");
  text.append(m[m.call_id]).append(1, '\0').append(m[m.from_tag]);
  return base::siphash64(seed, text);
}

std::string tag_text(std::uint64_t tag) {
  std::array<char, sip::base32_64_bytes> out;
  sip::write_base32(tag, out);
  return {out.data(), out.size()};
}

/// The answer to a SUBSCRIBE for a package that is none of ours, or none at all (RFC 6665 4.2.1.1).
SubscribeOutcome bad_event() { return refused(489, std::string(allow_events)); }

std::uint32_t retry_after_s(std::uint64_t random, std::uint32_t most_s) { return 1 + static_cast<std::uint32_t>((random >> 32) * most_s >> 32); }

/// What of a SUBSCRIBE must hold whatever it is for; the wish, but for its condition. Errors: the answer that refuses it.
std::expected<Wish, SubscribeOutcome> read_wish(const sip::Message& m, const WatchRules& rules, std::span<char, base::path_bytes_max> room) {
  std::string unsupported;
  if (sip::put_unsupported(m, sip::HeaderId::require, [&](std::string_view text) { unsupported += text; }))
    return std::unexpected(refused(420, std::move(unsupported)));
  const auto event = sip::event(m);
  if (!event || event->package != package) return std::unexpected(bad_event());
  if (m.from_tag.bytes == 0) return std::unexpected(bad(sip::Bad::from_syntax));
  if (!sip::accepts(m, reginfo_type)) return std::unexpected(refused(406, "Accept: " + std::string(reginfo_type) + "\r\n"));
  const auto target = sip::remote_target(m);
  if (!target || target->size() > base::contact_uri_bytes_max) return std::unexpected(bad(sip::Bad::contact_syntax));
  const auto routes = sip::route_set(m, room);
  if (!routes) return std::unexpected(refused(513));
  const std::uint32_t asked_s = sip::expires_s(m).value_or(rules.expires_default_s);
  if (asked_s != 0 && asked_s < std::min(rules.expires_min_s, too_brief_below_s))
    return std::unexpected(refused(423, "Min-Expires: " + std::to_string(rules.expires_min_s) + "\r\n"));
  return Wish{.event = *event, .expires_s = std::min(asked_s, rules.expires_max_s), .target = *target, .routes = *routes, .knows_state = false};
}

/// RFC 3261 12.1.1: the route set goes back as it came.
void put_record_routes(std::string& out, const sip::Message& m) {
  for (std::size_t i = 0; i < m.headers; ++i)
    if (m.id[i] == sip::HeaderId::record_route) out.append(m.header_line(i));
}

/// What changes with each SUBSCRIBE of a dialog.
void take_wish(Standing& x, const Subscribe& q, const Wish& wish, Tick now) {
  x.next = q.next;
  x.listener = q.listener;
  x.remote_cseq = q.message.cseq_number;
  x.interval_min_ms = wish.event.min_interval_ms.value_or(0);
  x.interval_max_ms = wish.event.max_interval_ms.value_or(0);
  x.expires = now + wish.expires_s * ticks_per_s;
}

}  // namespace

std::string_view reason(Ending ending) {
  constexpr std::array<std::string_view, 7> names = {"none", "deactivated", "probation", "rejected", "timeout", "giveup", "noresource"};
  return names[std::to_underlying(ending)];
}

SubscribeOutcome Watchers::Impl::granted(const Subscription& s, const Subscribe& q, const site::Site& site) const {
  const site::Listener& here = site.listeners[q.listener];
  const std::uint32_t left_s = s.ends() || s.standing.expires < now() ? 0 : (s.standing.expires - now()) / ticks_per_s;
  SubscribeOutcome out{.status = 200, .to_tag = s.dialog};
  out.headers = "Expires: " + std::to_string(left_s) + "\r\nContact: <sip:" + here.host + ':' + std::to_string(here.endpoint.port) + ">\r\n";
  put_record_routes(out.headers, q.message);
  return out;
}

/// A SUBSCRIBE of a dialog that there is: a refresh, the end, or one that has come before.
SubscribeOutcome Watchers::Impl::refresh(Subscription& s, const Subscribe& q, const site::Site& site, const Wish& wish) {
  if (q.message.cseq_number < s.standing.remote_cseq) return refused(500, "Retry-After: 1\r\n");
  if (q.message.cseq_number == s.standing.remote_cseq) return granted(s, q, site);
  Subscription* current = &s;
  if (const DialogTexts old = s.texts(); old.target != wish.target) {
    DialogTexts texts = old;
    texts.target = wish.target;
    Subscription::Owner next = Subscription::make(s.client, s.dialog, texts);
    next->standing = s.standing;
    next->open = std::move(s.open);
    table.take(s).reset();
    current = &table.add(std::move(next));
  }
  take_wish(current->standing, q, wish, now());
  if (wish.expires_s == 0) {
    end(*current, Ending::timeout, 0);
    return granted(*current, q, site);
  }
  if (wish.knows_state && current->standing.due == Due::nothing) {
    mark_changed(*current);
    schedule(*current);
    SubscribeOutcome out = granted(*current, q, site);
    out.status = 204;
    return out;
  }
  say_anew(current->standing);
  current->standing.is_unchanged &= wish.knows_state;
  owe_everything(*current, true);
  return granted(*current, q, site);
}

SubscribeOutcome Watchers::Impl::start(const Subscribe& q, const site::Site& site, const Wish& wish) {
  const sip::Message& m = q.message;
  const std::uint64_t dialog = dialog_of(m, seed);
  if (table.size() >= rules.subscriptions_max) return refused(503, "Retry-After: " + std::to_string(retry_after_s(dialog, 60)) + "\r\n");
  if (table.count_of(q.client) >= rules.per_client_max) return refused(403);
  const DialogTexts texts{.aor = q.aor,
                          .call_id = m[m.call_id],
                          .remote_tag = m[m.from_tag],
                          .remote_uri = unless_plain(m[m.from_uri], q.aor),
                          .local_uri = unless_plain(m[m.to_uri], q.aor),
                          .target = wish.target,
                          .routes = wish.routes,
                          .event_id = wish.event.id};
  if (is_too_large(texts)) return refused(513);
  Subscription& s = table.add(Subscription::make(q.client, dialog, texts));
  counters.subscribed.add(1);
  take_wish(s.standing, q, wish, now());
  s.standing.is_unchanged = wish.knows_state;
  s.standing.is_elsewhere = q.is_elsewhere;
  if (q.is_elsewhere) sightings.begin(q.client);
  if (q.stands_in) adopt(q);
  if (wish.expires_s == 0)
    end(s, Ending::timeout, 0);
  else
    owe_everything(s, true);
  return granted(s, q, site);
}

/// An ended one begins anew, under the same tags: its NOTIFYs go on counting, its documents begin again, and the answer to its last NOTIFY is nobody's any more.
Subscription& Watchers::Impl::revived(Subscription& s) {
  if (s.open) --open;
  s.open.reset();
  Standing& x = s.standing;
  x.ending = Ending::none;
  x.retry_after_s = x.version = 0;
  x.repeats_cseq = x.was_redirected = x.was_retried = x.shortens = false;
  counters.subscribed.add(1);
  return s;
}

/// What he has registered here before anybody watched him.
void Watchers::Impl::adopt(const Subscribe& q) {
  const assign::Location* const here = locations.find(q.client);
  if (here == nullptr || sightings.find(q.client) != nullptr) return;
  std::vector<assign::BindingText> bindings;
  for (std::size_t i = 0; i < here->count(); ++i) bindings.push_back((*here)[i]);
  sightings.adopt(q.client, q.aor, bindings, now_ms / 1000);
}

/// One subscription fewer to a client elsewhere. Those that were sent away come again soon: to what is known until then.
void Watchers::Impl::lose_sight(const location::ClientKey& client, const Standing& last) {
  for (const Subscription* s = table.first_of(client); s != nullptr; s = Subscriptions::next_of(*s))
    if (s->standing.is_elsewhere) return;
  const bool comes_again = last.ending == Ending::deactivated || last.ending == Ending::probation;
  const std::uint64_t now_s = now_ms / 1000;
  sightings.end(client, comes_again ? now_s + last.retry_after_s + sight_kept_s : now_s, now_s);
}

SubscribeOutcome Watchers::Impl::subscribe(const Subscribe& q, const site::Site& site) {
  const sip::Message& m = q.message;
  std::array<char, base::path_bytes_max> room;
  auto wish = read_wish(m, rules, room);
  if (!wish) return wish.error();
  const std::uint64_t dialog = dialog_of(m, seed);
  Subscription* const s = table.find(dialog);
  const std::string_view known = sip::suppress_if_match(m);
  const bool is_elsewhere = s != nullptr ? s->standing.is_elsewhere : q.is_elsewhere;
  wish->knows_state = !known.empty() && (known == "*" || known == tag_text(state_tag(q.client, is_elsewhere)));
  const bool is_it = s != nullptr && s->client == q.client && s->texts().call_id == m[m.call_id] && s->texts().event_id == wish->event.id;
  if (m.to_tag.bytes != 0 && (!is_it || m[m.to_tag] != tag_text(dialog))) return refused(481);
  if (!is_it) return s == nullptr ? start(q, site, *wish) : refused(500);
  // Over, but for the answer to its last NOTIFY: the SUBSCRIBE that ended it may come again, and one that begins another (RFC 6665 4.1.2.1).
  if (!s->ends() || m.cseq_number == s->standing.remote_cseq) return refresh(*s, q, site, *wish);
  if (m.to_tag.bytes != 0) return refused(481);
  return refresh(revived(*s), q, site, *wish);
}

Watchers::Watchers(const WatchRules& rules, const assign::LocationMap& locations, Sightings& sightings, const base::Key128& seed, Outlet& outlet,
                   std::string_view home)
    : impl_(std::make_unique<Impl>(rules, locations, sightings, seed, outlet, home)) {
  sightings.set_observer(*this);
}
Watchers::~Watchers() = default;

SubscribeOutcome Watchers::process(const Subscribe& subscribe, const site::Site& site, std::uint64_t now_ms) {
  impl_->advance(now_ms);
  return impl_->subscribe(subscribe, site);
}

std::size_t Watchers::end(const location::ClientKey& client, const Farewell& farewell, std::uint64_t now_ms) {
  impl_->advance(now_ms);
  std::size_t count = 0;
  for (Subscription* s = impl_->table.first_of(client); s != nullptr; s = Subscriptions::next_of(*s)) {
    if (s->ends()) continue;
    impl_->end(*s, farewell.ending, farewell.retry_after_s);
    ++count;
  }
  return count;
}

bool Watchers::end_one(std::uint64_t id, const Farewell& farewell, std::uint64_t now_ms) {
  impl_->advance(now_ms);
  Subscription* const s = impl_->table.find(id);
  if (s == nullptr || s->ends()) return false;
  impl_->end(*s, farewell.ending, farewell.retry_after_s);
  return true;
}

SubscriptionView Watchers::Impl::view(const Subscription& s) const {
  const DialogTexts texts = s.texts();
  return {.id = s.dialog,
          .aor = std::string(texts.aor),
          .subscriber = texts.remote_uri.empty() ? "sip:" + std::string(texts.aor) : std::string(texts.remote_uri),
          .target = std::string(texts.target),
          .next = s.standing.next,
          .expires_in_s = s.standing.expires > now() ? (s.standing.expires - now()) / ticks_per_s : 0,
          .cseq = s.standing.local_cseq,
          .is_open = s.open != nullptr,
          .is_owed = s.standing.due != Due::nothing,
          .ending = s.standing.ending,
          .is_elsewhere = s.standing.is_elsewhere,
          .is_implicit = s.standing.is_implicit};
}

std::vector<SubscriptionView> Watchers::of(const location::ClientKey& client, std::uint64_t now_ms) const {
  impl_->advance(now_ms);
  std::vector<SubscriptionView> out;
  for (const Subscription* s = impl_->table.first_of(client); s != nullptr; s = Subscriptions::next_of(*s)) out.push_back(impl_->view(*s));
  return out;
}

std::optional<SubscriptionView> Watchers::find(std::uint64_t id, std::uint64_t now_ms) const {
  impl_->advance(now_ms);
  const Subscription* const s = impl_->table.find(id);
  return s != nullptr ? std::optional(impl_->view(*s)) : std::nullopt;
}

std::vector<SubscriptionView> Watchers::list(std::size_t most, std::uint64_t now_ms) const {
  impl_->advance(now_ms);
  std::vector<SubscriptionView> out;
  impl_->table.each([&](const Subscription& s) {
    if (out.size() < most) out.push_back(impl_->view(s));
  });
  return out;
}

std::size_t Watchers::size() const { return impl_->table.size(); }
std::size_t Watchers::open() const { return impl_->open; }
std::size_t Watchers::bytes() const {
  std::size_t out = 0;
  impl_->table.each([&](const Subscription& s) { out += s.bytes(); });
  return out;
}
const WatcherCounters& Watchers::counters() const { return impl_->counters; }
void Watchers::set_rules(const WatchRules& rules) { impl_->rules = rules; }

}  // namespace viaduct::notifier
