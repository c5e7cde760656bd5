// SPDX-License-Identifier: Apache-2.0
// The bindings of a shard's clients, in memory: which there are, when they end, who hears of changes. What a REGISTER makes of those of its client is draft.cpp's.
#include "viaduct/location/bindings.h"

#include <algorithm>
#include <optional>

#include "contact_line.h"
#include "draft.h"
#include "viaduct/base/wheel.h"
#include "viaduct/sip/contact.h"
#include "viaduct/store/unsaved.h"

namespace viaduct::location {
namespace {

using assign::BindingText;
using assign::Location;

/// Seconds to wait when all places are taken: bindings run out at least that often in a full table (the shortest default expiry).
constexpr std::uint32_t retry_after_s = 60;

/// Octets of a client with one binding.
constexpr std::size_t location_bytes_usual = 384;

/// Octets of the header lines of an answer with one Contact.
constexpr std::size_t answer_bytes_usual = 512;

Outcome bad(sip::Bad fault) { return {.status = 400, .fault = fault, .headers = {}}; }
Outcome failed(std::uint16_t status, std::string headers = {}) { return {.status = status, .headers = std::move(headers)}; }

std::uint32_t first_end_s(std::span<const BindingText> bindings) {
  return std::ranges::min(bindings, {}, [](const BindingText& b) { return b.binding.expires_at_s; }).binding.expires_at_s;
}
std::uint32_t first_end_s(const Location& location) {
  std::uint32_t out = UINT32_MAX;
  for (std::size_t i = 0; i < location.count(); ++i) out = std::min(out, location.binding(i).expires_at_s);
  return out;
}

std::optional<std::uint32_t> since(std::uint32_t at_s, std::uint64_t now_s) {
  if (at_s == 0) return std::nullopt;
  return static_cast<std::uint32_t>(now_s - std::min<std::uint64_t>(at_s, now_s));
}

}  // namespace

struct Bindings::Impl {
  Rules rules;
  assign::LocationMap& locations;
  base::Key128 hash_key;
  base::Wheel wheel;  // a timer is never later than its client's first binding ends; one that was refreshed may end later
  std::size_t bindings_count{};
  Draft draft;  // of the REGISTER in hand
  store::Unsaved unsaved;
  BindingsObserver* observer{};
  AnswerLimit* answer_limit{};

  Impl(const Rules& r, assign::LocationMap& l, const base::Key128& k) : rules(r), locations(l), hash_key(k) {}

  [[nodiscard]] Origin origin_of(const Registration& r, std::uint64_t now_s) const;
  [[nodiscard]] std::optional<Outcome> refresh(const Registration& r, const Origin& origin);
  [[nodiscard]] Outcome change(const Registration& r, const sip::Contacts& contacts, const Origin& origin);
  [[nodiscard]] std::uint16_t room_for(std::size_t held, std::size_t stored) const;
  [[nodiscard]] Outcome listed(const Registration& r, const Origin& origin) const;
  [[nodiscard]] Outcome answer(const Registration& r, const Origin& origin) const;
  void tell(const ClientKey& key, std::string_view aor, Departure why, std::uint64_t now_s) const;
  void put(const ClientKey& key, std::string_view aor, store::RowState row);
  void commit(const ClientKey& key, std::string_view aor);
};

Outcome Bindings::Impl::listed(const Registration& r, const Origin& origin) const {
  Outcome ok{.status = 200, .headers = {}};
  ok.headers.reserve(answer_bytes_usual);
  const std::string_view to = r.message[r.message.to_uri], scheme = to.size() > 4 && to[4] == ':' ? "sips" : "sip";
  for (const BindingText& b : draft.bindings()) {
    put_contact(ok.headers, b, b.binding.expires_at_s - origin.now_s, r.supports_gruu ? r.aor : std::string_view{}, scheme);
    ok.is_outbound |= r.supports_outbound && b.binding.reg_id != 0 && is_by(b.binding, origin);
  }
  return ok;
}

/// The 200, or what is said in its place.
Outcome Bindings::Impl::answer(const Registration& r, const Origin& origin) const {
  Outcome ok = listed(r, origin);
  if (answer_limit != nullptr && !answer_limit->allows(r, ok)) [[unlikely]]
    return failed(403);
  return ok;
}

/// Growth alone is refused: who holds more than a bound that was lowered may still refresh.
std::uint16_t Bindings::Impl::room_for(std::size_t held, std::size_t stored) const {
  const std::size_t wanted = draft.bindings().size();
  if (wanted <= held) return 200;
  if (wanted > rules.bindings_per_aor_max) return 403;
  return bindings_count - stored + wanted > rules.bindings_max ? 503 : 200;
}

/// The observer hears of the draft before it takes the place of what was.
void Bindings::Impl::tell(const ClientKey& key, std::string_view aor, Departure why, std::uint64_t now_s) const {
  if (observer == nullptr) return;
  observer->bindings_changed({.key = key, .aor = aor, .before = locations.find(key), .after = draft.bindings(), .why = why, .now_s = now_s});
}

/// Shape: the draft is not empty. It takes the place of what was, whose timer runs no more.
void Bindings::Impl::put(const ClientKey& key, std::string_view aor, store::RowState row) {
  auto next = Location::make(key, aor, draft.bindings());
  next->row = row;
  bindings_count += next->count();
  wheel.set(*next, first_end_s(draft.bindings()));
  locations.put(std::move(next));
}

/// The draft takes the place of what was.
void Bindings::Impl::commit(const ClientKey& key, std::string_view aor) {
  Location* const old = locations.find(key);
  store::RowState row = old != nullptr ? old->row : store::RowState{};
  if (old != nullptr) {
    base::Wheel::cancel(*old);
    bindings_count -= old->count();
  }
  if (!draft.bindings().empty()) {
    unsaved.note(key, row);
    put(key, aor, row);
  } else if (old != nullptr) {
    unsaved.lose(key, row);
    locations.erase(key);
  }
}

/// A REGISTER like the one that has made the client's only binding: what stands in memory stays there. nullopt: it is none.
std::optional<Outcome> Bindings::Impl::refresh(const Registration& r, const Origin& origin) {
  Location* const location = r.shape != 0 ? locations.find(r.key) : nullptr;
  if (location == nullptr || location->count() != 1) return std::nullopt;
  const assign::Binding& b = location->binding(0);
  if (b.shape != r.shape || b.expires_at_s <= origin.now_s || is_too_brief(b.asked_s, rules)) return std::nullopt;
  draft.load(location, origin.now_s);
  if (draft.is_of(origin)) return answer(r, origin);  // a retransmission
  if (const std::uint16_t status = draft.refresh(origin, rules); status != 200) return failed(status);
  Outcome out = answer(r, origin);
  if (out.status != 200) return out;
  tell(r.key, r.aor, Departure::unregistered, origin.now_s);
  location->refresh(0, draft.bindings().front().binding);
  if (b.expires_at_s < location->due) wheel.set(*location, b.expires_at_s);
  unsaved.note(r.key, location->row);
  return out;
}

/// All or nothing: the changes are made to a draft, which takes the place of the bindings when none of them failed.
Outcome Bindings::Impl::change(const Registration& r, const sip::Contacts& contacts, const Origin& origin) {
  const Location* const stored = locations.find(r.key);
  draft.load(stored, origin.now_s);
  const std::size_t held = draft.bindings().size();
  if (draft.is_of(origin)) return answer(r, origin);  // a retransmission
  std::uint16_t status = contacts.star ? draft.remove_all(origin) : draft.merge(r, contacts, origin, rules);
  if (status == 200) status = room_for(held, stored != nullptr ? stored->count() : 0);
  if (status == 400) return bad(sip::Bad::contact_syntax);
  if (status == 423) return failed(423, "Min-Expires: " + std::to_string(rules.expires_min_s) + "\r\n");
  if (status == 503) return failed(503, "Retry-After: " + std::to_string(retry_after_s) + "\r\n");
  if (status != 200) return failed(status);
  Outcome out = answer(r, origin);
  if (out.status != 200) return out;
  tell(r.key, r.aor, Departure::unregistered, origin.now_s);
  commit(r.key, r.aor);
  return out;
}

Bindings::Bindings(const Rules& rules, assign::LocationMap& locations, const base::Key128& hash_key)
    : impl_(std::make_unique<Impl>(rules, locations, hash_key)) {}
Bindings::~Bindings() = default;

void Bindings::set_rules(const Rules& rules) { impl_->rules = rules; }
const Rules& Bindings::rules() const { return impl_->rules; }
void Bindings::set_observer(BindingsObserver& observer) { impl_->observer = &observer; }
void Bindings::set_answer_limit(AnswerLimit& limit) { impl_->answer_limit = &limit; }

void Bindings::prefetch(const ClientKey& key) const { impl_->locations.prefetch(key); }
void Bindings::prefetch_location(const ClientKey& key) const { impl_->locations.prefetch_node(key, location_bytes_usual); }

Origin Bindings::Impl::origin_of(const Registration& r, std::uint64_t now_s) const {
  return {.call_hash = base::siphash64(hash_key, r.message[r.message.call_id]),
          .branch_hash = base::siphash64(hash_key, r.message.top.branch),
          .cseq = r.message.cseq_number,
          .now_s = static_cast<std::uint32_t>(now_s)};
}

Outcome Bindings::list(const Registration& r, std::uint64_t now_s) {
  impl_->draft.load(std::as_const(impl_->locations).find(r.key), now_s);
  return impl_->answer(r, impl_->origin_of(r, now_s));
}

Outcome Bindings::process(const Registration& r, std::uint64_t now_s) {
  const Origin origin = impl_->origin_of(r, now_s);
  if (auto refreshed = impl_->refresh(r, origin)) return std::move(*refreshed);
  const auto contacts = sip::contacts(r.message);
  if (!contacts) return bad(contacts.error());
  if (contacts->star && sip::expires_s(r.message) != 0) return bad(sip::Bad::contact_star);
  if (contacts->star || contacts->count != 0) return impl_->change(r, *contacts, origin);
  return list(r, now_s);
}

std::uint16_t Bindings::create(const NewBinding& binding, std::uint64_t now_s) {
  const Location* const stored = std::as_const(impl_->locations).find(binding.key);
  impl_->draft.load(stored, now_s);
  const std::size_t held = impl_->draft.bindings().size();
  std::uint16_t status = impl_->draft.create(binding, impl_->rules, static_cast<std::uint32_t>(now_s));
  if (status == 200) status = impl_->room_for(held, stored != nullptr ? stored->count() : 0);
  if (status != 200) return status;
  impl_->tell(binding.key, binding.aor, Departure::expired, now_s);
  impl_->commit(binding.key, binding.aor);
  return 200;
}

void Bindings::replace(const ClientKey& key, std::string_view aor, std::span<const BindingText> bindings, std::uint64_t now_s) {
  if (bindings.empty() && location(key) == nullptr) return;
  impl_->draft.assign(bindings);
  impl_->tell(key, aor, Departure::unregistered, now_s);
  impl_->commit(key, aor);
}

void Bindings::expire(std::uint64_t now_s) {
  while (base::Timer* timer = impl_->wheel.take_due(now_s)) {
    auto& location = static_cast<Location&>(*timer);
    if (const std::uint32_t end_s = first_end_s(location); end_s > now_s) {
      impl_->wheel.set(location, end_s);
      continue;
    }
    impl_->draft.load(&location, now_s);
    impl_->tell(location.key, location.aor(), Departure::expired, now_s);
    impl_->commit(location.key, location.aor());
  }
}

std::vector<BindingView> Bindings::of(const ClientKey& key, std::uint64_t now_s) const {
  std::vector<BindingView> views;
  const Location* const location = std::as_const(impl_->locations).find(key);
  for (std::size_t i = 0; location != nullptr && i < location->count(); ++i) {
    const BindingText b = (*location)[i];
    if (b.binding.expires_at_s <= now_s) continue;
    views.push_back({.contact = std::string(b.uri),
                     .expires_in_s = static_cast<std::uint32_t>(b.binding.expires_at_s - now_s),
                     .registered_ago_s = since(b.binding.registered_at_s, now_s),
                     .flow = b.binding.flow,
                     .instance = std::string(b.instance),
                     .path = std::string(b.path),
                     .reg_id = b.binding.reg_id,
                     .cseq = b.binding.cseq});
  }
  return views;
}

std::size_t Bindings::remove(const ClientKey& key, std::uint64_t now_s, Departure why) {
  const Location* const location = std::as_const(impl_->locations).find(key);
  if (location == nullptr) return 0;
  const std::size_t count = location->count();
  impl_->draft.clear();
  impl_->tell(key, location->aor(), why, now_s);
  impl_->commit(key, {});
  return count;
}

bool Bindings::restore(const ClientKey& key, std::string_view aor, std::span<const BindingText> bindings, std::uint64_t now_s) {
  const std::uint64_t last_s = now_s + impl_->rules.expires_max_s;
  bool is_as_it_was = true;
  std::vector<BindingText> live;
  for (const BindingText& b : bindings) {
    is_as_it_was &= b.binding.expires_at_s > now_s && b.binding.expires_at_s <= last_s && std::max(b.binding.added_at_s, b.binding.registered_at_s) <= now_s;
    if (b.binding.expires_at_s <= now_s) continue;
    live.push_back(b);
    assign::Binding& binding = live.back().binding;
    binding.expires_at_s = static_cast<std::uint32_t>(std::min<std::uint64_t>(b.binding.expires_at_s, last_s));
    // By a clock that is behind they came in the future, and who registers next would count as the older one.
    binding.added_at_s = static_cast<std::uint32_t>(std::min<std::uint64_t>(b.binding.added_at_s, now_s));
    binding.registered_at_s = static_cast<std::uint32_t>(std::min<std::uint64_t>(b.binding.registered_at_s, now_s));
  }
  if (live.empty()) return impl_->unsaved.lose(key, store::Unsaved::taken), false;
  impl_->draft.assign(live);
  impl_->put(key, aor, store::Unsaved::taken);
  if (is_as_it_was) return true;
  Location& location = *impl_->locations.find(key);
  impl_->unsaved.note(key, location.row);
  return false;
}

std::vector<ClientKey> Bindings::take_changed(std::size_t most) {
  std::vector<ClientKey> out = impl_->unsaved.take(most);
  constexpr std::size_t ahead = 8;
  for (std::size_t i = 0; i < out.size() + 2 * ahead; ++i) {
    if (i < out.size()) prefetch(out[i]);
    if (i >= ahead && i - ahead < out.size()) prefetch_location(out[i - ahead]);
    if (i < 2 * ahead) continue;
    if (Location* const location = impl_->locations.find(out[i - 2 * ahead]); location != nullptr) location->row = store::Unsaved::taken;
  }
  return out;
}

void Bindings::note_all() {
  impl_->locations.each([this](Location& location) { impl_->unsaved.note(location.key, location.row); });
}

const Location* Bindings::location(const ClientKey& key) const { return std::as_const(impl_->locations).find(key); }

std::size_t Bindings::clients() const { return impl_->locations.size(); }
std::size_t Bindings::bindings() const { return impl_->bindings_count; }

}  // namespace viaduct::location
