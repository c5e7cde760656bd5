// SPDX-License-Identifier: Apache-2.0
#include "changes.h"

#include <algorithm>

namespace viaduct::notifier {
namespace {

using assign::Binding;
using assign::BindingText;

ContactEvent event_of(location::Departure why) {
  switch (why) {
    case location::Departure::unregistered:
      return ContactEvent::unregistered;
    case location::Departure::expired:
      return ContactEvent::expired;
    case location::Departure::deactivated:
      return ContactEvent::deactivated;
    case location::Departure::rejected:
      break;
  }
  return ContactEvent::rejected;
}

/// What has made it.
ContactEvent first_event(const Binding& b) { return is_created(b) ? ContactEvent::created : ContactEvent::registered; }

/// Whether a REGISTER has touched it: each brings another CSeq, Call-ID or branch.
bool is_touched(const Binding& a, const Binding& b) {
  return a.cseq != b.cseq || a.call_hash != b.call_hash || a.branch_hash != b.branch_hash || a.expires_at_s != b.expires_at_s;
}

ContactChange made(const BindingText& b, std::uint64_t id, ContactState state, ContactEvent event) {
  return {.id = id,
          .uri = std::string(b.uri),
          .instance = std::string(b.instance),
          .state = state,
          .event = event,
          .q_milli = b.binding.q_milli,
          .cseq = b.binding.cseq,
          .added_at_s = b.binding.added_at_s,
          .expires_at_s = b.binding.expires_at_s};
}

/// Of a contact elsewhere it is not always known.
std::optional<std::uint32_t> said(std::uint32_t cseq) { return cseq != 0 ? std::optional(cseq) : std::nullopt; }

std::uint32_t remaining(std::uint32_t at_s, std::uint64_t now_s) { return at_s > now_s ? static_cast<std::uint32_t>(at_s - now_s) : 0; }
std::uint32_t since(std::uint32_t at_s, std::uint64_t now_s) { return now_s > at_s ? static_cast<std::uint32_t>(now_s - at_s) : 0; }

}  // namespace

std::uint64_t contact_id(const BindingText& b, const base::Key128& seed) {
  if (b.binding.reg_id == 0) return base::siphash64(seed, b.uri);
  std::string flow(b.instance);
  flow += ';';
  flow += std::to_string(b.binding.reg_id);
  return base::siphash64(seed, flow);
}

std::vector<ContactChange> difference(const location::BindingsChange& change, const base::Key128& seed) {
  struct Before {
    std::uint64_t id{};
    BindingText binding;
    bool stays{};
  };
  std::vector<Before> before;
  for (std::size_t i = 0; change.before != nullptr && i < change.before->count(); ++i)
    before.push_back({.id = contact_id((*change.before)[i], seed), .binding = (*change.before)[i]});
  std::vector<ContactChange> out;
  for (const BindingText& b : change.after) {
    const std::uint64_t id = contact_id(b, seed);
    const auto was = std::ranges::find(before, id, &Before::id);
    if (was == before.end()) {
      out.push_back(made(b, id, ContactState::active, first_event(b.binding)));
      continue;
    }
    was->stays = true;
    if (is_touched(was->binding.binding, b.binding)) out.push_back(made(b, id, ContactState::active, ContactEvent::refreshed));
  }
  for (const Before& b : before) {
    if (b.stays) continue;
    const bool is_expired = b.binding.binding.expires_at_s <= change.now_s;
    out.push_back(made(b.binding, b.id, ContactState::terminated, is_expired ? ContactEvent::expired : event_of(change.why)));
  }
  return out;
}

ReginfoContact shown(const ContactChange& c, std::uint64_t now_s) {
  ReginfoContact out{.uri = c.uri, .id = c.id, .state = c.state, .event = c.event, .q_milli = c.q_milli, .cseq = said(c.cseq), .instance = c.instance};
  out.duration_s = since(c.added_at_s, now_s);
  if (c.state == ContactState::active) out.expires_s = remaining(c.expires_at_s, now_s);
  return out;
}

ReginfoContact shown(const BindingText& b, const base::Key128& seed, std::uint64_t now_s) {
  return {.uri = b.uri,
          .id = contact_id(b, seed),
          .state = ContactState::active,
          .event = first_event(b.binding),
          .expires_s = remaining(b.binding.expires_at_s, now_s),
          .duration_s = since(b.binding.added_at_s, now_s),
          .q_milli = b.binding.q_milli,
          .cseq = said(b.binding.cseq),
          .instance = b.instance};
}

std::vector<ReginfoContact> latest(const ChangeLog& log, std::size_t from, std::uint64_t now_s) {
  std::vector<ReginfoContact> out;
  for (std::size_t i = log.entries.size(); i-- > from;) {
    const ContactChange& entry = log.entries[i];
    if (std::ranges::find(out, entry.id, &ReginfoContact::id) == out.end()) out.push_back(shown(entry, now_s));
  }
  std::ranges::reverse(out);
  return out;
}

}  // namespace viaduct::notifier
