// SPDX-License-Identifier: Apache-2.0
#include "draft.h"

#include <algorithm>

#include "contact_line.h"
#include "viaduct/base/limits.h"

namespace viaduct::location {
namespace {

using assign::Binding;
using assign::BindingText;
using assign::Location;

/// An interval of an hour or more is never too brief (RFC 3261 10.3 step 7).
constexpr std::uint32_t too_brief_below_s = 3600;

/// RFC 3261 10.3 steps 6 and 7: with the same Call-ID only a higher CSeq may change a binding.
bool yields_to(const Binding& b, const Origin& o) { return b.call_hash != o.call_hash || o.cseq > b.cseq; }

/// Where the granted expiry of a client lies in the spread: from its branch, so that it is another at each refresh.
std::uint32_t spread(std::uint32_t expires_s, const Rules& rules, const Origin& origin) {
  const std::uint64_t width_s = std::uint64_t{expires_s} * rules.expires_spread_percent / 100;
  const auto less_s = static_cast<std::uint32_t>((origin.branch_hash >> 32) * (width_s + 1) >> 32);
  return std::max(expires_s - less_s, std::min(expires_s, rules.expires_min_s));
}

std::uint32_t granted_s(std::optional<std::uint32_t> asked_s, const Rules& rules, const Origin& origin) {
  return spread(std::min(asked_s.value_or(rules.expires_default_s), rules.expires_max_s), rules, origin);
}

}  // namespace

bool is_too_brief(std::uint32_t asked_s, const Rules& rules) { return asked_s > 0 && asked_s < std::min(rules.expires_min_s, too_brief_below_s); }

void Draft::load(const Location* location, std::uint64_t now_s) {
  all_.clear();
  for (std::size_t i = 0; location != nullptr && i < location->count(); ++i)
    if (location->binding(i).expires_at_s > now_s) all_.push_back((*location)[i]);
}

bool Draft::is_of(const Origin& origin) const {
  return std::ranges::any_of(all_, [&](const BindingText& b) { return is_by(b.binding, origin); });
}

std::uint16_t Draft::remove_all(const Origin& origin) {
  if (!std::ranges::all_of(all_, [&](const BindingText& b) { return yields_to(b.binding, origin); })) return 500;
  all_.clear();
  return 200;
}

BindingText Draft::made(const Registration& r, const sip::Contact& contact, std::uint32_t expires_s, const Origin& origin) {
  std::string_view instance = contact.instance;
  if (instance.find('\r') != instance.npos || instance.find('\n') != instance.npos) {
    // A quoted string may have been folded (RFC 3261 25.1 LWS); what we send never is.
    std::string& text = unfolded_.emplace_back(instance);
    std::ranges::replace_if(text, [](char c) { return c == '\r' || c == '\n'; }, ' ');
    instance = text;
  }
  return {.binding = {.flow = r.flow,
                      .next = r.next,
                      .listener = r.listener,
                      .has_gruu = has_public_gruu(instance),
                      .is_own_flow = r.is_own_flow,
                      .q_milli = contact.q_milli,
                      .reg_id = r.supports_outbound && !instance.empty() ? contact.reg_id : 0,
                      .cseq = origin.cseq,
                      .call_hash = origin.call_hash,
                      .branch_hash = origin.branch_hash,
                      .added_at_s = origin.now_s,
                      .expires_at_s = origin.now_s + expires_s,
                      .registered_at_s = origin.now_s},
          .uri = contact.uri,
          .instance = instance,
          .path = r.path};
}

/// The binding that a Contact is about: by device and flow where RFC 5626 6 governs, else by its URI (10.3 step 7).
std::vector<BindingText>::iterator Draft::find(const BindingText& contact) {
  const std::uint32_t reg_id = contact.binding.reg_id;
  if (reg_id != 0) {
    const auto is_flow = [&](const BindingText& b) { return b.binding.reg_id == reg_id && b.instance == contact.instance; };
    if (const auto at = std::ranges::find_if(all_, is_flow); at != all_.end()) return at;
  }
  return std::ranges::find_if(all_, [&](const BindingText& b) { return (reg_id == 0 || b.binding.reg_id == 0) && sip::uri_equal(b.uri, contact.uri); });
}

std::uint16_t Draft::merge_one(const Registration& r, const sip::Contact& contact, std::uint32_t expires_s, const Origin& origin) {
  BindingText next = made(r, contact, expires_s, origin);
  const auto at = find(next);
  if (at == all_.end()) {
    if (expires_s > 0) all_.push_back(next);
    return 200;
  }
  // One REGISTER may name a URI twice: then the last value counts.
  if (!yields_to(at->binding, origin) && !is_by(at->binding, origin)) return 500;
  if (expires_s == 0) {
    all_.erase(at);
    return 200;
  }
  if (at->uri == contact.uri) next.binding.added_at_s = at->binding.added_at_s;
  *at = next;
  return 200;
}

std::uint16_t Draft::merge(const Registration& r, const sip::Contacts& contacts, const Origin& origin, const Rules& rules) {
  unfolded_.clear();
  const auto header = sip::expires_s(r.message);
  std::optional<std::uint32_t> asked;
  for (std::size_t i = 0; i < contacts.count; ++i) {
    const sip::Contact& contact = contacts.values[i];
    if (contact.uri.size() > base::contact_uri_bytes_max) return 400;
    asked = contact.expires_s ? contact.expires_s : header;
    if (is_too_brief(asked.value_or(0), rules)) return 423;
    if (const std::uint16_t status = merge_one(r, contact, granted_s(asked, rules, origin), origin); status != 200) return status;
  }
  // One that has removed another binding says nothing of the one that is left.
  if (contacts.count == 1 && all_.size() == 1 && is_by(all_.front().binding, origin)) {
    Binding& only = all_.front().binding;
    only.shape = r.shape;
    only.asked_s = asked.value_or(0);
    only.supports_path = r.supports_path;
    only.supports_outbound = r.supports_outbound;
    only.supports_gruu = r.supports_gruu;
  }
  return 200;
}

std::uint16_t Draft::create(const NewBinding& binding, const Rules& rules, std::uint32_t now_s) {
  if (is_too_brief(binding.expires_s.value_or(0), rules) || binding.expires_s == 0) return 423;
  const std::uint32_t expires_at_s = now_s + std::min(binding.expires_s.value_or(rules.expires_default_s), rules.expires_max_s);
  const BindingText next{
      .binding = {.flow = binding.place, .next = binding.place, .listener = binding.listener, .added_at_s = now_s, .expires_at_s = expires_at_s},
      .uri = binding.uri,
      .instance = {},
      .path = {}};
  if (const auto at = find(next); at != all_.end())
    at->binding.expires_at_s = expires_at_s;
  else
    all_.push_back(next);
  return 200;
}

std::uint16_t Draft::refresh(const Origin& origin, const Rules& rules) {
  Binding& b = all_.front().binding;
  if (!yields_to(b, origin)) return 500;
  b.cseq = origin.cseq;
  b.call_hash = origin.call_hash;
  b.branch_hash = origin.branch_hash;
  b.registered_at_s = origin.now_s;
  b.expires_at_s = origin.now_s + granted_s(b.asked_s != 0 ? std::optional(b.asked_s) : std::nullopt, rules, origin);
  return 200;
}

}  // namespace viaduct::location
