// SPDX-License-Identifier: Apache-2.0
// Subscriptions that a REGISTER with `Event: registration` implies ([MS-SIPREGE] 2.2.1.13, 3.1.2.5.1, 3.2): one for each contact, in the dialog that its latest
// REGISTER and the 200 have made. Nothing is sent in it until the server takes the registration away; then one NOTIFY, as notifier.cpp sends any.
#include <algorithm>
#include <bit>

#include "notifier.h"
#include "viaduct/notifier/permission.h"
#include "viaduct/sip/event.h"

namespace viaduct::notifier {
namespace {

using assign::BindingText;

/// The binding that a REGISTER has made or refreshed by its only Contact; nullopt: it has removed it.
std::optional<BindingText> bound_by(const assign::Location* location, const sip::Message& m, std::string_view target) {
  for (std::size_t i = 0; location != nullptr && i < location->count(); ++i)
    if (location->binding(i).cseq == m.cseq_number && location->uri(i) == target) return (*location)[i];
  return std::nullopt;
}

bool is_same_dialog(const DialogTexts& a, const DialogTexts& b) { return a.call_id == b.call_id && a.remote_tag == b.remote_tag; }

}  // namespace

/// The same for every REGISTER of that contact: our tag in each.
std::uint64_t Watchers::Impl::implicit_dialog(const location::ClientKey& client, const BindingText& binding) const {
  const std::array<std::uint64_t, 2> numbers = {client.low, contact_id(binding, seed)};
  const auto octets = std::bit_cast<std::array<char, sizeof numbers>>(numbers);
  return base::siphash64(home_seed, {octets.data(), octets.size()});
}

/// A home that was added while the node runs: nothing has been implied before, and after a restart the tags are its.
void Watchers::Impl::take_home(std::string_view name) {
  has_home = true;
  home_seed = seed_of(seed, name);
}

/// The subscription goes on in the latest REGISTER's dialog. He has registered: what he was still to hear is nothing to him any more.
Subscription& Watchers::Impl::renewed(Subscription& s, const DialogTexts& texts) {
  if (!s.ends() && s.texts() == texts) return s;
  Subscription::Owner next = Subscription::make(s.client, s.dialog, texts);
  if (is_same_dialog(s.texts(), texts)) next->standing.local_cseq = s.standing.local_cseq;
  next->standing.row = s.standing.row;
  if (s.open) --open;
  table.take(s).reset();
  return table.add(std::move(next));
}

std::uint64_t Watchers::Impl::imply(const location::Registration& r, bool is_proven, const site::Site& site) {
  const sip::Message& m = r.message;
  const auto target = sip::remote_target(m);
  if (!target || m.from_tag.bytes == 0 || m.to_tag.bytes != 0 || !may_be_notified(r, is_proven, site)) return 0;
  const auto bound = bound_by(locations.find(r.key), m, *target);
  if (!bound) return 0;
  if (!has_home && site.local_home != assign::no_home) take_home(site.homes[site.local_home].name);
  const std::uint64_t dialog = implicit_dialog(r.key, *bound);
  const DialogTexts texts{.aor = r.aor,
                          .call_id = m[m.call_id],
                          .remote_tag = m[m.from_tag],
                          .remote_uri = unless_plain(m[m.from_uri], r.aor),
                          .local_uri = unless_plain(m[m.to_uri], r.aor),
                          .target = bound->uri,
                          .routes = bound->path,
                          .event_id = {}};
  if (is_too_large(texts)) return 0;
  Subscription* s = table.find(dialog);
  if (s == nullptr) {
    if (table.size() >= rules.subscriptions_max || table.count_of(r.key) >= rules.per_client_max) return 0;
    s = &table.add(Subscription::make(r.key, dialog, texts));
    counters.subscribed.add(1);
  } else if (s->standing.remote_cseq == m.cseq_number && is_same_dialog(s->texts(), texts)) {
    return dialog;  // a retransmission
  } else {
    s = &renewed(*s, texts);
  }
  Standing& x = s->standing;
  x.is_implicit = true;
  x.was_heard |= is_proven;  // a nonce is answered by who receives
  x.next = bound->binding.next;
  x.listener = bound->binding.listener;
  x.remote_cseq = m.cseq_number;
  x.expires = bound->binding.expires_at_s * ticks_per_s;
  mark_changed(*s);
  schedule(*s);
  return dialog;
}

/// Who has unregistered, or not come again, needs to be told nothing.
void Watchers::Impl::contact_changed(Subscription& s, const location::BindingsChange& change) {
  const auto is_its = [&](const BindingText& b) { return implicit_dialog(s.client, b) == s.dialog; };
  if (change.is_elsewhere || std::ranges::any_of(change.after, is_its)) return;
  bool was_bound = false, is_removed = false;
  for (std::size_t i = 0; change.before != nullptr && i < change.before->count(); ++i) {
    if (!is_its((*change.before)[i])) continue;
    was_bound = true;
    is_removed = change.before->binding(i).expires_at_s > change.now_s &&
                 (change.why == location::Departure::deactivated || change.why == location::Departure::rejected);
  }
  if (!was_bound) return;
  if (!is_removed) return remove(s);
  if (!s.open) end(s, change.why == location::Departure::rejected ? Ending::rejected : Ending::noresource, 0);
}

std::uint64_t Watchers::imply(const location::Registration& registration, bool is_proven, const site::Site& site, std::uint64_t now_ms) {
  impl_->advance(now_ms);
  return impl_->imply(registration, is_proven, site);
}

}  // namespace viaduct::notifier
