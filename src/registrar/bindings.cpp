// SPDX-License-Identifier: Apache-2.0
// The steps of RFC 3261 10.3 from the sixth on: what a REGISTER does to its client's bindings. Authentication and the answer itself are elsewhere.
#include "viaduct/registrar/bindings.h"

#include <algorithm>
#include <unordered_map>

#include "binding.h"
#include "viaduct/sip/via.h"
#include "wheel.h"

namespace viaduct::registrar {
namespace {

/// An interval of an hour or more is never too brief (RFC 3261 10.3 step 7).
constexpr std::uint32_t too_brief_below_s = 3600;
/// Seconds to wait when all places are taken: bindings run out at least that often in a full table (the shortest default expiry).
constexpr std::uint32_t retry_after_s = 60;

/// A client and its bindings, in the order in which they came; timed by the earliest expiry among them.
struct Client : Timer {
  const ClientKey* key{};
  std::vector<Binding> bindings;
};

struct KeyHash {
  std::size_t operator()(const ClientKey& key) const noexcept { return key.low; }  // a keyed hash already
};

/// The branch alone of the top Via; a Via that does not parse has none.
std::uint64_t branch_hash(const sip::Message& request) {
  const auto via = sip::parse_via(request[request.top_via]);
  return base::siphash64({}, via ? via->branch : std::string_view{});
}

Outcome bad(sip::Bad fault) { return {.status = 400, .fault = fault, .headers = {}}; }
Outcome failed(std::uint16_t status, std::string headers = {}) { return {.status = status, .fault = sip::Bad::none, .headers = std::move(headers)}; }

Outcome listed(const std::vector<Binding>& bindings, std::uint64_t now_s) {
  Outcome ok{.status = 200, .fault = sip::Bad::none, .headers = {}};
  for (const Binding& b : bindings)
    if (b.is_live(now_s)) b.print(ok.headers, now_s);
  return ok;
}

std::vector<Binding> live(const std::vector<Binding>& bindings, std::uint64_t now_s) {
  std::vector<Binding> all;
  std::ranges::copy_if(bindings, std::back_inserter(all), [now_s](const Binding& b) { return b.is_live(now_s); });
  return all;
}

/// `Contact: *`: remove every binding, or none (10.3 step 6).
std::uint16_t clear(std::vector<Binding>& bindings, const Origin& origin) {
  if (!std::ranges::all_of(bindings, [&](const Binding& b) { return b.yields_to(origin); })) return 500;
  bindings.clear();
  return 200;
}

}  // namespace

struct Bindings::Impl {
  Rules rules;
  std::unordered_map<ClientKey, Client, KeyHash> clients;
  Wheel wheel;
  std::size_t bindings_count{};

  [[nodiscard]] Outcome change(const sip::Message& request, const sip::Contacts& contacts, const ClientKey& key, const Origin& origin);
  [[nodiscard]] std::uint16_t merge(std::vector<Binding>& bindings, const sip::Message& request, const sip::Contacts& contacts, const Origin& origin) const;
  [[nodiscard]] std::uint16_t merge_one(std::vector<Binding>& bindings, const sip::Contact& contact, std::uint32_t expires_s, const Origin& origin) const;
  [[nodiscard]] std::uint16_t room_for(std::size_t next, std::size_t held, std::size_t stored) const;
  void commit(const ClientKey& key, std::vector<Binding> next);
};

/// Add, refresh or remove the binding of one Contact (10.3 step 7).
std::uint16_t Bindings::Impl::merge_one(std::vector<Binding>& bindings, const sip::Contact& contact, std::uint32_t expires_s, const Origin& origin) const {
  const auto at = std::ranges::find_if(bindings, [&](const Binding& b) { return sip::uri_equal(b.uri(), contact.uri); });
  if (at == bindings.end()) {
    if (expires_s > 0) bindings.emplace_back(contact, origin, expires_s);
    return 200;
  }
  // One REGISTER may name a URI twice: then the last value counts.
  if (!at->yields_to(origin) && !at->is_of(origin)) return 500;
  if (expires_s > 0)
    *at = Binding(contact, origin, expires_s);
  else
    bindings.erase(at);
  return 200;
}

std::uint16_t Bindings::Impl::merge(std::vector<Binding>& bindings, const sip::Message& request, const sip::Contacts& contacts, const Origin& origin) const {
  const auto header = sip::expires_s(request);
  for (std::size_t i = 0; i < contacts.count; ++i) {
    const sip::Contact& contact = contacts.values[i];
    const auto asked = contact.expires_s ? contact.expires_s : header;
    if (asked && *asked > 0 && *asked < std::min(rules.expires_min_s, too_brief_below_s)) return 423;
    const std::uint32_t expires_s = std::min(asked.value_or(rules.expires_default_s), rules.expires_max_s);
    if (const std::uint16_t status = merge_one(bindings, contact, expires_s, origin); status != 200) return status;
  }
  return 200;
}

/// Growth alone is refused: who holds more than a bound that was lowered may still refresh.
std::uint16_t Bindings::Impl::room_for(std::size_t next, std::size_t held, std::size_t stored) const {
  if (next <= held) return 200;
  if (next > rules.bindings_per_aor_max) return 403;
  return bindings_count - stored + next > rules.bindings_max ? 503 : 200;
}

void Bindings::Impl::commit(const ClientKey& key, std::vector<Binding> next) {
  const auto at = clients.try_emplace(key).first;
  Client& client = at->second;
  client.key = &at->first;
  bindings_count += next.size() - client.bindings.size();
  client.bindings = std::move(next);
  if (client.bindings.empty()) {
    Wheel::cancel(client);
    clients.erase(at);
    return;
  }
  wheel.set(client, std::ranges::min(client.bindings, {}, &Binding::expires_at_s).expires_at_s());
}

/// All or nothing: the changes are made to a copy, which takes the place of the bindings when none of them failed.
Outcome Bindings::Impl::change(const sip::Message& request, const sip::Contacts& contacts, const ClientKey& key, const Origin& origin) {
  const auto at = clients.find(key);
  const std::size_t stored = at == clients.end() ? 0 : at->second.bindings.size();
  std::vector<Binding> next = stored == 0 ? std::vector<Binding>{} : live(at->second.bindings, origin.now_s);
  const std::size_t held = next.size();
  if (std::ranges::any_of(next, [&](const Binding& b) { return b.is_of(origin); })) return listed(next, origin.now_s);  // a retransmission

  std::uint16_t status = contacts.star ? clear(next, origin) : merge(next, request, contacts, origin);
  if (status == 200) status = room_for(next.size(), held, stored);
  if (status == 423) return failed(423, "Min-Expires: " + std::to_string(rules.expires_min_s) + "\r\n");
  if (status == 503) return failed(503, "Retry-After: " + std::to_string(retry_after_s) + "\r\n");
  if (status != 200) return failed(status);
  Outcome ok = listed(next, origin.now_s);
  commit(key, std::move(next));
  return ok;
}

Bindings::Bindings(const Rules& rules) : impl_(std::make_unique<Impl>()) { impl_->rules = rules; }
Bindings::~Bindings() = default;

void Bindings::set_rules(const Rules& rules) { impl_->rules = rules; }

Outcome Bindings::process(const sip::Message& request, std::string_view /*canonical*/, const ClientKey& key, const base::Endpoint& flow, std::uint64_t now_s) {
  const auto contacts = sip::contacts(request);
  if (!contacts) return bad(contacts.error());
  if (contacts->star && sip::expires_s(request) != 0) return bad(sip::Bad::contact_star);
  if (!contacts->star && contacts->count == 0) {
    const auto at = impl_->clients.find(key);
    return at == impl_->clients.end() ? listed({}, now_s) : listed(at->second.bindings, now_s);
  }
  return impl_->change(request, *contacts, key, {request[request.call_id], request.cseq_number, branch_hash(request), flow, now_s});
}

void Bindings::expire(std::uint64_t now_s) {
  while (Timer* timer = impl_->wheel.take_due(now_s)) {
    const auto& client = static_cast<const Client&>(*timer);
    impl_->commit(*client.key, live(client.bindings, now_s));
  }
}

std::vector<BindingView> Bindings::of(const ClientKey& key, std::uint64_t now_s) const {
  std::vector<BindingView> views;
  const auto at = impl_->clients.find(key);
  if (at == impl_->clients.end()) return views;
  for (const Binding& b : at->second.bindings)
    if (b.is_live(now_s)) views.push_back({std::string(b.uri()), b.expires_in_s(now_s), b.flow(), std::string(b.call_id()), b.cseq()});
  return views;
}

std::size_t Bindings::clients() const { return impl_->clients.size(); }
std::size_t Bindings::bindings() const { return impl_->bindings_count; }

}  // namespace viaduct::registrar
