// SPDX-License-Identifier: Apache-2.0
// Subscriptions as octets, to be kept while the node is down.
//
//   row:  u8 format (2), u64 of the client's key twice, u64 dialog, the place that NOTIFYs go to and the listener's (16 octets and u16 each), u8 ending,
//         u8 what is owed (0 nothing, 1 a new NOTIFY, 2 the one of this CSeq again; 4 more: it shortens; 8 more: the client's home is elsewhere;
//         16 more: a REGISTER implies it), u8 whether a NOTIFY was ever answered,
//         u32 of the subscriber's CSeq, ours, version, retry-after, shortest and longest interval, u64 expiry (seconds since 1970),
//         8 times u16 octets of a text, then the texts
// Of earlier builds format 1 is read, whose listener is its number in a u8.
#include <algorithm>

#include "notifier.h"
#include "viaduct/store/octets.h"

namespace viaduct::notifier {
namespace {

constexpr std::uint8_t format = 2;
constexpr std::uint8_t format_of_numbered_listeners = 1;
constexpr std::size_t fixed_bytes = 1 + 3 * 8 + 2 * 18 + 3 + 6 * 4 + 8 + 8 * 2;  // of a row, before its texts
enum class Owed : std::uint8_t { nothing, anew, again };
constexpr std::uint8_t shortens = 4, elsewhere = 8, implicit = 16;  // beside Owed

Owed owed(const Subscription& s) {
  // What has become due since the one under way was sent is another message: in its place it would pass for its repetition, and nobody would read it.
  if (s.open && s.standing.due != Due::nothing) return Owed::anew;
  if (s.open || s.standing.repeats_cseq) return Owed::again;
  return s.standing.due != Due::nothing ? Owed::anew : Owed::nothing;
}

std::uint8_t owed_octet(const Subscription& s) {
  const bool is_shortening = s.standing.shortens || s.is_asking();
  return static_cast<std::uint8_t>(std::to_underlying(owed(s)) | (is_shortening ? shortens : 0) | (s.standing.is_elsewhere ? elsewhere : 0) |
                                   (s.standing.is_implicit ? implicit : 0));
}

std::string to_row(const Subscription& s, const location::RowBasis& basis) {
  const Standing& x = s.standing;
  const DialogTexts t = s.texts();
  const std::array<std::string_view, 8> all = {t.aor, t.call_id, t.remote_tag, t.remote_uri, t.local_uri, t.target, t.routes, t.event_id};
  std::size_t bytes = fixed_bytes;
  for (const std::string_view text : all) bytes += text.size();
  store::RowWriter w(bytes);
  w << format << s.client.low << s.client.high << s.dialog << x.next << basis.endpoint_of(x.listener) << static_cast<std::uint8_t>(x.ending) << owed_octet(s)
    << static_cast<std::uint8_t>(x.was_heard);
  w << x.remote_cseq << x.local_cseq << (owed(s) == Owed::again && s.open ? x.version - 1 : x.version) << x.retry_after_s << x.interval_min_ms
    << x.interval_max_ms;
  w << static_cast<std::int64_t>(x.expires / ticks_per_s) + basis.offset_s;
  for (const std::string_view text : all) w << static_cast<std::uint16_t>(text.size());
  for (const std::string_view text : all) w << text;
  return w.take();
}

/// A subscription as it was, but for its texts.
struct FromRow {
  location::ClientKey client;
  std::uint64_t dialog{};
  Standing standing;
  Owed owed{};
  DialogTexts texts;
};

std::optional<FromRow> subscription_from(std::string_view row, const location::RowBasis& basis) {
  store::RowReader r(row);
  const auto found = r.number<std::uint8_t>();
  if (found != format && found != format_of_numbered_listeners) return std::nullopt;
  FromRow out;
  Standing& x = out.standing;
  out.client.low = r.number<std::uint64_t>();
  out.client.high = r.number<std::uint64_t>();
  out.dialog = r.number<std::uint64_t>();
  x.next = r.endpoint();
  x.listener = found == format ? basis.listener_at(r.endpoint()) : basis.listener_numbered(r.number<std::uint8_t>());
  const auto ending = r.number<std::uint8_t>(), owed = r.number<std::uint8_t>();
  const auto what = static_cast<std::uint8_t>(owed & ~(shortens | elsewhere | implicit));
  x.shortens = (owed & shortens) != 0;
  x.is_elsewhere = (owed & elsewhere) != 0;
  x.is_implicit = (owed & implicit) != 0;
  x.was_heard = r.number<std::uint8_t>() != 0;
  for (std::uint32_t* number : {&x.remote_cseq, &x.local_cseq, &x.version, &x.retry_after_s, &x.interval_min_ms, &x.interval_max_ms})
    *number = r.number<std::uint32_t>();
  const std::int64_t expires_s = std::clamp<std::int64_t>(r.number<std::int64_t>() - basis.offset_s, 0, UINT32_MAX / ticks_per_s);
  x.expires = static_cast<Tick>(expires_s) * ticks_per_s;
  std::array<std::uint16_t, 8> bytes;
  for (std::uint16_t& b : bytes) b = r.number<std::uint16_t>();
  DialogTexts& t = out.texts;
  const std::uint16_t* next = bytes.data();
  for (std::string_view* text : {&t.aor, &t.call_id, &t.remote_tag, &t.remote_uri, &t.local_uri, &t.target, &t.routes, &t.event_id}) *text = r.text(*next++);
  if (!r.is_at_end() || ending > static_cast<std::uint8_t>(Ending::noresource) || what > static_cast<std::uint8_t>(Owed::again)) return std::nullopt;
  x.ending = static_cast<Ending>(ending);
  out.owed = static_cast<Owed>(what);
  return out;
}

}  // namespace

std::size_t Watchers::take_changed(std::size_t most, const location::RowBasis& basis, std::vector<store::Row>& out) {
  const std::vector<base::Hash128> changed = impl_->unsaved.take(most);
  for (const base::Hash128& key : changed) {
    Subscription* s = impl_->table.find(key.low);
    if (s != nullptr && s->client.high != key.high) s = nullptr;  // another client's, with the same Call-ID and tag
    if (s != nullptr) s->standing.row = store::Unsaved::taken;
    out.push_back({key, s != nullptr ? to_row(*s, basis) : std::string{}});
  }
  return changed.size();
}

void Watchers::note_all() {
  impl_->table.each([this](Subscription& s) { impl_->mark_changed(s); });
}

bool Watchers::restore(std::string_view row, const location::RowBasis& basis, std::uint64_t now_ms) {
  impl_->advance(now_ms);
  const auto read = subscription_from(row, basis);
  if (!read) return false;
  if (impl_->table.find(read->dialog) != nullptr || impl_->table.size() >= impl_->rules.subscriptions_max) {
    impl_->unsaved.lose({.low = read->dialog, .high = read->client.high}, store::Unsaved::taken);
    return true;
  }
  Subscription& s = impl_->table.add(Subscription::make(read->client, read->dialog, read->texts));
  s.standing = read->standing;
  Standing& x = s.standing;
  x.row = store::Unsaved::taken;
  // By another clock it may seem to end later than anything that is granted; what a REGISTER implies ends with its binding.
  if (!x.is_implicit) x.expires = std::min<Tick>(x.expires, impl_->now() + impl_->rules.expires_max_s * ticks_per_s);
  x.told = impl_->now();
  x.wants_everything = true;
  if (x.is_elsewhere) impl_->sightings.begin(s.client);
  x.repeats_cseq = read->owed == Owed::again;
  // What a REGISTER implies has one NOTIFY, and it is always the same.
  if (!x.repeats_cseq && !x.is_implicit) Impl::skip_numbers(x);
  // Those who are to come one by one still do.
  if (x.is_implicit && read->owed == Owed::anew && x.ending == Ending::probation) x.retry_at = impl_->now() + x.retry_after_s * ticks_per_s;
  if (read->owed != Owed::nothing) {
    impl_->owe_everything(s, true);
  } else {
    impl_->mark_changed(s);
    impl_->schedule(s);
  }
  return true;
}

void Watchers::owe_everything(const location::ClientKey& client) {
  for (Subscription* s = impl_->table.first_of(client); s != nullptr; s = Subscriptions::next_of(*s))
    if (!s->ends() && !s->standing.is_implicit) impl_->owe_another(*s, false);
}

}  // namespace viaduct::notifier
