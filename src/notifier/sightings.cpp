// SPDX-License-Identifier: Apache-2.0
#include "viaduct/notifier/sightings.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "changes.h"
#include "viaduct/sip/contact.h"

namespace viaduct::notifier {
namespace {

using assign::BindingText;
using assign::Location;

/// RFC 3261 10.2.1.1: a home that does not say until when.
constexpr std::uint32_t expires_default_s = 3600;
/// What a kept one is believed at the most: homes grant an hour or a day, and a clock that was set could make years of it.
constexpr std::uint32_t expires_max_s = 7 * 24 * 3600;
/// An expiry is given in whole seconds, by another's clock: one that has moved by more is another.
constexpr std::uint32_t expiry_slack_s = 2;

bool is_same_time(std::uint32_t a, std::uint32_t b) { return std::max(a, b) - std::min(a, b) <= expiry_slack_s; }

/// What of an answer holds for each contact that its REGISTER has changed.
struct Answer {
  const Sighting& sighting;
  std::uint32_t header_s{};      ///< expiry where a contact has none
  std::uint32_t cseq{};          ///< 0: whose it is cannot be told
  std::uint64_t call_hash{};
  std::uint32_t now_s{};
};

/// A contact as it is listed; nullopt: what is no binding, or cannot be kept.
std::optional<BindingText> listed(const sip::Contact& contact, const Answer& answer) {
  const std::uint32_t expires_s = contact.expires_s.value_or(answer.header_s);
  if (expires_s == 0 || contact.uri.empty() || contact.uri.size() > base::contact_uri_bytes_max) return std::nullopt;
  // A quoted string may have been folded; what we send never is.
  const bool is_folded = contact.instance.find_first_of("\r\n") != contact.instance.npos;
  const std::string_view instance = is_folded ? std::string_view{} : contact.instance;
  const base::Endpoint& flow = answer.sighting.flow;
  return BindingText{.binding = {.flow = flow,
                                 .next = flow,
                                 .listener = answer.sighting.listener,
                                 .is_own_flow = answer.sighting.is_own_flow,
                                 .q_milli = contact.q_milli,
                                 .reg_id = instance.empty() ? 0 : contact.reg_id,
                                 .cseq = answer.cseq,
                                 .call_hash = answer.call_hash,
                                 .added_at_s = answer.now_s,
                                 .expires_at_s = answer.now_s + std::min(expires_s, UINT32_MAX - answer.now_s),
                                 .registered_at_s = answer.now_s},
                     .uri = contact.uri,
                     .instance = instance};
}

/// What is known of it already stays, but for what the REGISTER has changed.
void continue_from(const Location& before, BindingText& b, const base::Key128& hash_key) {
  const std::uint64_t id = contact_id(b, hash_key);
  for (std::size_t i = 0; i < before.count(); ++i) {
    const BindingText was = before[i];
    if (contact_id(was, hash_key) != id) continue;
    if (is_same_time(was.binding.expires_at_s, b.binding.expires_at_s))
      b.binding = was.binding;
    else
      b.binding.added_at_s = was.binding.added_at_s;
    return;
  }
}

}  // namespace

Sightings::Sightings(assign::Watched& watched, std::size_t clients_expected, const base::Key128& hash_key)
    : watched_(watched), hash_key_(hash_key), locations_(clients_expected), bindings_({.expires_max_s = expires_max_s}, locations_, hash_key) {
  bindings_.set_observer(*this);
}

void Sightings::bindings_changed(const location::BindingsChange& change) {
  location::BindingsChange seen = change;
  seen.is_elsewhere = true;
  if (observer_ != nullptr) observer_->bindings_changed(seen);
}

void Sightings::begin(const location::ClientKey& client) {
  leaving_.erase(client);
  watched_.add(client);
}

void Sightings::leave(const location::ClientKey& client, std::uint64_t at_s) {
  leaving_[client] = at_s;
  due_.emplace(at_s, client);
}

void Sightings::end(const location::ClientKey& client, std::uint64_t at_s, std::uint64_t now_s) { at_s > now_s ? leave(client, at_s) : forget(client, now_s); }

void Sightings::forget(const location::ClientKey& client, std::uint64_t now_s) {
  watched_.remove(client);
  bindings_.remove(client, now_s);
}

void Sightings::forget_unwatched(std::uint64_t at_s) {
  locations_.visit(0, SIZE_MAX, [&](const Location& location) {
    if (watched_.contains(location.key)) return;
    watched_.add(location.key);
    leave(location.key, at_s);
  });
}

void Sightings::take(const Sighting& sighting, std::uint64_t now_s) {
  if (!watched_.contains(sighting.client)) return;
  const auto contacts = sip::contacts(sighting.message);
  if (!contacts || contacts->star) return;
  const Location* const before = find(sighting.client);
  // Of several contacts that are new together, only one can be this REGISTER's.
  const bool is_plain = before != nullptr || contacts->count == 1;
  const Answer answer{.sighting = sighting,
                      .header_s = sip::expires_s(sighting.message).value_or(expires_default_s),
                      .cseq = is_plain ? sighting.message.cseq_number : 0,
                      .call_hash = base::siphash64(hash_key_, sighting.message[sighting.message.call_id]),
                      .now_s = static_cast<std::uint32_t>(now_s)};
  std::vector<BindingText> after;
  for (std::size_t i = 0; i < contacts->count; ++i) {
    auto binding = listed(contacts->values[i], answer);
    const auto is_it = [&](const BindingText& b) { return contact_id(b, hash_key_) == contact_id(*binding, hash_key_); };
    if (!binding || std::ranges::any_of(after, is_it)) continue;
    if (before != nullptr) continue_from(*before, *binding, hash_key_);
    after.push_back(*binding);
  }
  bindings_.replace(sighting.client, sighting.aor, after, now_s);
}

void Sightings::adopt(const location::ClientKey& client, std::string_view aor, std::span<const BindingText> bindings, std::uint64_t now_s) {
  if (watched_.contains(client)) bindings_.replace(client, aor, bindings, now_s);
}

void Sightings::expire(std::uint64_t now_s) {
  bindings_.expire(now_s);
  for (; !due_.empty() && due_.begin()->first <= now_s; due_.erase(due_.begin())) {
    const auto [at_s, client] = *due_.begin();
    const auto leaving = leaving_.find(client);
    if (leaving == leaving_.end() || leaving->second != at_s) continue;
    leaving_.erase(leaving);
    forget(client, now_s);
  }
}

void Sightings::reclaim(unsigned shard, share::Epoch& epoch) {
  locations_.reclaim(epoch);
  watched_.reclaim(shard, epoch);
}

}  // namespace viaduct::notifier
