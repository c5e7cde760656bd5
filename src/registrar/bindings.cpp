// SPDX-License-Identifier: Apache-2.0
// The steps of RFC 3261 10.3 from the sixth on: what a REGISTER does to its client's bindings. Authentication and the answer itself are elsewhere.
#include "viaduct/registrar/bindings.h"

#include <algorithm>
#include <deque>

#include "contact_line.h"
#include "viaduct/base/wheel.h"
#include "viaduct/sip/contact.h"

namespace viaduct::registrar {
namespace {

using assign::Binding;
using assign::BindingText;
using assign::Location;

/// An interval of an hour or more is never too brief (RFC 3261 10.3 step 7).
constexpr std::uint32_t too_brief_below_s = 3600;
/// Seconds to wait when all places are taken: bindings run out at least that often in a full table (the shortest default expiry).
constexpr std::uint32_t retry_after_s = 60;

/// Octets of a client with one binding.
constexpr std::size_t location_bytes_usual = 384;

/// Octets of the header lines of an answer with one Contact.
constexpr std::size_t answer_bytes_usual = 512;

/// What of a REGISTER every binding that it changes keeps, beside the Contact.
struct Origin {
  std::uint64_t call_hash{};
  std::uint64_t branch_hash{};
  std::uint32_t cseq{};
  std::uint32_t now_s{};
};

/// Last changed by this very REGISTER: the same Call-ID, CSeq and branch.
bool is_of(const Binding& b, const Origin& o) { return b.cseq == o.cseq && b.branch_hash == o.branch_hash && b.call_hash == o.call_hash; }
/// RFC 3261 10.3 steps 6 and 7: with the same Call-ID only a higher CSeq may change a binding.
bool yields_to(const Binding& b, const Origin& o) { return b.call_hash != o.call_hash || o.cseq > b.cseq; }

Outcome bad(sip::Bad fault) { return {.status = 400, .fault = fault, .headers = {}}; }
Outcome failed(std::uint16_t status, std::string headers = {}) { return {.status = status, .headers = std::move(headers)}; }

/// Where the granted expiry of a client lies in the spread: from its Call-ID and CSeq, so that it is another at each refresh.
std::uint32_t spread(std::uint32_t expires_s, const Rules& rules, const Origin& origin) {
  const std::uint64_t width_s = std::uint64_t{expires_s} * rules.expires_spread_percent / 100;
  const auto less_s = static_cast<std::uint32_t>((origin.branch_hash >> 32) * (width_s + 1) >> 32);
  return std::max(expires_s - less_s, std::min(expires_s, rules.expires_min_s));
}

}  // namespace

struct Bindings::Impl {
  Rules rules;
  assign::LocationMap& locations;
  base::Key128 hash_key;
  base::Wheel wheel;
  std::size_t bindings_count{};
  // Of the REGISTER in hand: the bindings as they would be, and instances without their folds, which they borrow from.
  std::vector<BindingText> draft;
  std::deque<std::string> unfolded;
  std::deque<ClientKey> changed;   // the longest unsaved first
  BindingsObserver* observer{};

  Impl(const Rules& r, assign::LocationMap& l, const base::Key128& k) : rules(r), locations(l), hash_key(k) {}

  [[nodiscard]] Outcome change(const Registration& r, const sip::Contacts& contacts, const Origin& origin);
  void load(const Location* location, std::uint64_t now_s);
  [[nodiscard]] std::uint16_t clear(const Origin& origin);
  [[nodiscard]] std::uint16_t merge(const Registration& r, const sip::Contacts& contacts, const Origin& origin);
  [[nodiscard]] std::uint16_t merge_one(const Registration& r, const sip::Contact& contact, std::uint32_t expires_s, const Origin& origin);
  [[nodiscard]] std::vector<BindingText>::iterator find(const BindingText& contact);
  [[nodiscard]] BindingText made(const Registration& r, const sip::Contact& contact, std::uint32_t expires_s, const Origin& origin);
  [[nodiscard]] std::uint16_t room_for(std::size_t held, std::size_t stored) const;
  [[nodiscard]] Outcome listed(const Registration& r, std::uint64_t now_s) const;
  void tell(const ClientKey& key, std::string_view aor, Departure why, std::uint64_t now_s) const;
  void commit(const ClientKey& key, std::string_view aor);
};

/// The live bindings of a client, as they stand.
void Bindings::Impl::load(const Location* location, std::uint64_t now_s) {
  draft.clear();
  for (std::size_t i = 0; location != nullptr && i < location->count(); ++i)
    if (location->binding(i).expires_at_s > now_s) draft.push_back((*location)[i]);
}

Outcome Bindings::Impl::listed(const Registration& r, std::uint64_t now_s) const {
  Outcome ok{.status = 200, .headers = {}};
  ok.headers.reserve(answer_bytes_usual);
  for (const BindingText& b : draft) {
    put_contact(ok.headers, b, static_cast<std::uint32_t>(b.binding.expires_at_s - now_s), r.supports_gruu ? r.aor : std::string_view{});
    ok.is_outbound |= r.supports_outbound && b.binding.reg_id != 0;
  }
  return ok;
}

/// `Contact: *`: remove every binding, or none (10.3 step 6).
std::uint16_t Bindings::Impl::clear(const Origin& origin) {
  if (!std::ranges::all_of(draft, [&](const BindingText& b) { return yields_to(b.binding, origin); })) return 500;
  draft.clear();
  return 200;
}

BindingText Bindings::Impl::made(const Registration& r, const sip::Contact& contact, std::uint32_t expires_s, const Origin& origin) {
  std::string_view instance = contact.instance;
  if (instance.find('\r') != instance.npos || instance.find('\n') != instance.npos) {
    // A quoted string may have been folded (RFC 3261 25.1 LWS); what we send never is.
    std::string& text = unfolded.emplace_back(instance);
    std::ranges::replace_if(text, [](char c) { return c == '\r' || c == '\n'; }, ' ');
    instance = text;
  }
  return {.binding = {.flow = r.flow,
                      .next = r.next,
                      .listener = r.listener,
                      .q_milli = contact.q_milli,
                      .reg_id = r.supports_outbound && !instance.empty() ? contact.reg_id : 0,
                      .cseq = origin.cseq,
                      .call_hash = origin.call_hash,
                      .branch_hash = origin.branch_hash,
                      .added_at_s = origin.now_s,
                      .expires_at_s = origin.now_s + expires_s},
          .uri = contact.uri,
          .instance = instance,
          .path = r.path};
}

/// The binding that a Contact is about: by device and flow where RFC 5626 6 governs, else by its URI (10.3 step 7).
std::vector<BindingText>::iterator Bindings::Impl::find(const BindingText& contact) {
  const std::uint32_t reg_id = contact.binding.reg_id;
  if (reg_id != 0) {
    const auto is_flow = [&](const BindingText& b) { return b.binding.reg_id == reg_id && b.instance == contact.instance; };
    if (const auto at = std::ranges::find_if(draft, is_flow); at != draft.end()) return at;
  }
  return std::ranges::find_if(draft, [&](const BindingText& b) { return (reg_id == 0 || b.binding.reg_id == 0) && sip::uri_equal(b.uri, contact.uri); });
}

/// Add, refresh or remove the binding of one Contact.
std::uint16_t Bindings::Impl::merge_one(const Registration& r, const sip::Contact& contact, std::uint32_t expires_s, const Origin& origin) {
  BindingText next = made(r, contact, expires_s, origin);
  const auto at = find(next);
  if (at == draft.end()) {
    if (expires_s > 0) draft.push_back(next);
    return 200;
  }
  // One REGISTER may name a URI twice: then the last value counts.
  if (!yields_to(at->binding, origin) && !is_of(at->binding, origin)) return 500;
  if (expires_s == 0) {
    draft.erase(at);
    return 200;
  }
  if (at->uri == contact.uri) next.binding.added_at_s = at->binding.added_at_s;
  *at = next;
  return 200;
}

std::uint16_t Bindings::Impl::merge(const Registration& r, const sip::Contacts& contacts, const Origin& origin) {
  const auto header = sip::expires_s(r.message);
  for (std::size_t i = 0; i < contacts.count; ++i) {
    const sip::Contact& contact = contacts.values[i];
    if (contact.uri.size() > base::contact_uri_bytes_max) return 400;
    const auto asked = contact.expires_s ? contact.expires_s : header;
    if (asked && *asked > 0 && *asked < std::min(rules.expires_min_s, too_brief_below_s)) return 423;
    const std::uint32_t expires_s = spread(std::min(asked.value_or(rules.expires_default_s), rules.expires_max_s), rules, origin);
    if (const std::uint16_t status = merge_one(r, contact, expires_s, origin); status != 200) return status;
  }
  return 200;
}

/// Growth alone is refused: who holds more than a bound that was lowered may still refresh.
std::uint16_t Bindings::Impl::room_for(std::size_t held, std::size_t stored) const {
  if (draft.size() <= held) return 200;
  if (draft.size() > rules.bindings_per_aor_max) return 403;
  return bindings_count - stored + draft.size() > rules.bindings_max ? 503 : 200;
}

/// The observer hears of the draft before it takes the place of what was.
void Bindings::Impl::tell(const ClientKey& key, std::string_view aor, Departure why, std::uint64_t now_s) const {
  if (observer == nullptr) return;
  observer->bindings_changed({.key = key, .aor = aor, .before = locations.find(key), .after = draft, .why = why, .now_s = now_s});
}

/// The draft takes the place of what was.
void Bindings::Impl::commit(const ClientKey& key, std::string_view aor) {
  Location* const old = locations.find(key);
  const bool is_known_unsaved = old != nullptr && old->is_unsaved;
  if (!is_known_unsaved) changed.push_back(key);
  if (old != nullptr) {
    base::Wheel::cancel(*old);
    bindings_count -= old->count();
  }
  if (draft.empty()) {
    if (old != nullptr) locations.erase(key);
    return;
  }
  auto next = Location::make(key, aor, draft);
  next->is_unsaved = true;
  bindings_count += next->count();
  wheel.set(*next, std::ranges::min(draft, {}, [](const BindingText& b) { return b.binding.expires_at_s; }).binding.expires_at_s);
  locations.put(std::move(next));
}

/// All or nothing: the changes are made to a draft, which takes the place of the bindings when none of them failed.
Outcome Bindings::Impl::change(const Registration& r, const sip::Contacts& contacts, const Origin& origin) {
  const Location* const stored = locations.find(r.key);
  load(stored, origin.now_s);
  const std::size_t held = draft.size();
  if (std::ranges::any_of(draft, [&](const BindingText& b) { return is_of(b.binding, origin); })) return listed(r, origin.now_s);  // a retransmission
  std::uint16_t status = contacts.star ? clear(origin) : merge(r, contacts, origin);
  if (status == 200) status = room_for(held, stored != nullptr ? stored->count() : 0);
  if (status == 400) return bad(sip::Bad::contact_syntax);
  if (status == 423) return failed(423, "Min-Expires: " + std::to_string(rules.expires_min_s) + "\r\n");
  if (status == 503) return failed(503, "Retry-After: " + std::to_string(retry_after_s) + "\r\n");
  if (status != 200) return failed(status);
  tell(r.key, r.aor, Departure::unregistered, origin.now_s);
  commit(r.key, r.aor);
  return listed(r, origin.now_s);
}

Bindings::Bindings(const Rules& rules, assign::LocationMap& locations, const base::Key128& hash_key)
    : impl_(std::make_unique<Impl>(rules, locations, hash_key)) {}
Bindings::~Bindings() = default;

void Bindings::set_rules(const Rules& rules) { impl_->rules = rules; }
void Bindings::set_observer(BindingsObserver& observer) { impl_->observer = &observer; }

void Bindings::prefetch(const ClientKey& key) const { impl_->locations.prefetch(key); }
void Bindings::prefetch_location(const ClientKey& key) const { impl_->locations.prefetch_node(key, location_bytes_usual); }
void Bindings::prefetch_timers(const ClientKey& key) const {
  const Location* const location = std::as_const(impl_->locations).find(key);
  if (location == nullptr) return;
  __builtin_prefetch(location->next, 1);
  __builtin_prefetch(location->previous, 1);
}

Outcome Bindings::process(const Registration& r, std::uint64_t now_s) {
  const auto contacts = sip::contacts(r.message);
  if (!contacts) return bad(contacts.error());
  if (contacts->star && sip::expires_s(r.message) != 0) return bad(sip::Bad::contact_star);
  impl_->unfolded.clear();
  if (!contacts->star && contacts->count == 0) {
    impl_->load(std::as_const(impl_->locations).find(r.key), now_s);
    return impl_->listed(r, now_s);
  }
  const Origin origin{.call_hash = base::siphash64(impl_->hash_key, r.message[r.message.call_id]),
                      .branch_hash = base::siphash64(impl_->hash_key, r.message.top.branch),
                      .cseq = r.message.cseq_number,
                      .now_s = static_cast<std::uint32_t>(now_s)};
  return impl_->change(r, *contacts, origin);
}

void Bindings::replace(const ClientKey& key, std::string_view aor, std::span<const BindingText> bindings, std::uint64_t now_s) {
  if (bindings.empty() && location(key) == nullptr) return;
  impl_->draft.assign(bindings.begin(), bindings.end());
  impl_->tell(key, aor, Departure::unregistered, now_s);
  impl_->commit(key, aor);
}

void Bindings::expire(std::uint64_t now_s) {
  while (base::Timer* timer = impl_->wheel.take_due(now_s)) {
    const auto& location = static_cast<const Location&>(*timer);
    impl_->load(&location, now_s);
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
                     .flow = b.binding.flow,
                     .instance = std::string(b.instance),
                     .path = std::string(b.path),
                     .reg_id = b.binding.reg_id,
                     .cseq = b.binding.cseq});
  }
  return views;
}

std::size_t Bindings::remove(const ClientKey& key, std::uint64_t now_s) {
  const Location* const location = std::as_const(impl_->locations).find(key);
  if (location == nullptr) return 0;
  const std::size_t count = location->count();
  impl_->draft.clear();
  impl_->tell(key, location->aor(), Departure::deactivated, now_s);
  impl_->commit(key, {});
  return count;
}

bool Bindings::restore(const ClientKey& key, std::string_view aor, std::span<const BindingText> bindings, std::uint64_t now_s) {
  impl_->draft.clear();
  std::ranges::copy_if(bindings, std::back_inserter(impl_->draft), [now_s](const BindingText& b) { return b.binding.expires_at_s > now_s; });
  impl_->commit(key, aor);
  if (impl_->draft.size() != bindings.size()) return false;
  // It is as it stands in the store.
  impl_->changed.pop_back();
  impl_->locations.find(key)->is_unsaved = false;
  return true;
}

std::vector<ClientKey> Bindings::take_changed(std::size_t most) {
  std::deque<ClientKey>& all = impl_->changed;
  const auto end = all.begin() + static_cast<std::ptrdiff_t>(std::min(most, all.size()));
  std::vector<ClientKey> out(all.begin(), end);
  all.erase(all.begin(), end);
  constexpr std::size_t ahead = 8;
  for (std::size_t i = 0; i < out.size() + 2 * ahead; ++i) {
    if (i < out.size()) prefetch(out[i]);
    if (i >= ahead && i - ahead < out.size()) prefetch_location(out[i - ahead]);
    if (i < 2 * ahead) continue;
    if (Location* const location = impl_->locations.find(out[i - 2 * ahead]); location != nullptr) location->is_unsaved = false;
  }
  return out;
}

const Location* Bindings::location(const ClientKey& key) const { return std::as_const(impl_->locations).find(key); }

std::size_t Bindings::clients() const { return impl_->locations.size(); }
std::size_t Bindings::bindings() const { return impl_->bindings_count; }

}  // namespace viaduct::registrar
