// SPDX-License-Identifier: Apache-2.0
// A location's memory: itself, then its bindings, then their texts.
#include "viaduct/assign/locations.h"

#include <charconv>
#include <cstring>
#include <new>

#include "viaduct/base/check.h"
#include "viaduct/base/limits.h"
#include "viaduct/base/text.h"

namespace viaduct::assign {

void Location::Delete::operator()(Location* location) const {
  if (location == nullptr) return;
  const std::size_t bytes = location->bytes();
  location->~Location();
  ::operator delete(location, bytes);
}

std::size_t Location::bytes() const { return sizeof(Location) + count_ * sizeof(Place) + text_bytes_; }

Location::Owner Location::make(const base::Hash128& key, std::string_view aor, std::span<const BindingText> bindings) {
  static_assert(alignof(Place) <= alignof(Location) && sizeof(Location) % alignof(Place) == 0);
  base::check(!bindings.empty() && bindings.size() <= UINT8_MAX && aor.size() <= UINT16_MAX, "a location has a client and bindings");
  std::size_t text_bytes = aor.size();
  for (const BindingText& b : bindings) text_bytes += b.uri.size() + b.instance.size() + b.path.size();
  void* const memory = ::operator new(sizeof(Location) + bindings.size() * sizeof(Place) + text_bytes);
  Owner out(new (memory) Location);
  out->key = key;
  out->text_bytes_ = static_cast<std::uint32_t>(text_bytes);
  out->aor_bytes_ = static_cast<std::uint16_t>(aor.size());
  out->count_ = static_cast<std::uint8_t>(bindings.size());
  char* const text = static_cast<char*>(memory) + (out->text() - reinterpret_cast<const char*>(out.get()));
  char* at = base::copy_text(text, aor);
  auto* place = new (out.get() + 1) Place[bindings.size()];
  for (const BindingText& b : bindings) {
    *place++ = {.binding = b.binding,
                .text_at = static_cast<std::uint32_t>(at - text),
                .uri_bytes = static_cast<std::uint16_t>(b.uri.size()),
                .instance_bytes = static_cast<std::uint16_t>(b.instance.size()),
                .path_bytes = static_cast<std::uint16_t>(b.path.size())};
    at = base::copy_text(base::copy_text(base::copy_text(at, b.uri), b.instance), b.path);
  }
  return out;
}

void Location::refresh(std::size_t i, const Binding& by) {
  Binding& b = reinterpret_cast<Place*>(this + 1)[i].binding;
  b.cseq = by.cseq;
  b.call_hash = by.call_hash;
  b.branch_hash = by.branch_hash;
  b.expires_at_s = by.expires_at_s;
  b.registered_at_s = by.registered_at_s;
}

// The next octet of a URI's parameter, which may be escaped; taken off it.
static char take_octet(std::string_view& text) {
  std::uint8_t octet = 0;
  const bool is_escaped = text.size() >= 3 && text[0] == '%' && std::from_chars(&text[1], &text[1] + 2, octet, 16).ptr == &text[1] + 2;
  if (!is_escaped) octet = static_cast<std::uint8_t>(text[0]);
  text.remove_prefix(is_escaped ? 3 : 1);
  return static_cast<char>(octet);
}

static char lower_case(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// What stands round the name of a device in a Contact: `"<` and `>"`.
static constexpr std::size_t quotes_bytes = 4;

// `"<urn:uuid:...>"` of a Contact is the `urn:uuid:...` of a GRUU, in any case and escaped or not (RFC 3261 19.1.4).
static bool is_instance(std::string_view quoted, std::string_view instance) {
  if (quoted.size() < quotes_bytes) return false;
  for (const char c : quoted.substr(quotes_bytes / 2, quoted.size() - quotes_bytes))
    if (instance.empty() || lower_case(take_octet(instance)) != lower_case(c)) return false;
  return instance.empty();
}

// Whether a request can be sent there: other URIs than those of SIP may be registered, for people to read (RFC 3261 10.2.1, 16.6).
static bool is_sip(std::string_view uri) {
  if (uri.size() < 5 || lower_case(uri[0]) != 's' || lower_case(uri[1]) != 'i' || lower_case(uri[2]) != 'p') return false;
  return uri[3] == ':' || (lower_case(uri[3]) == 's' && uri[4] == ':');
}

// Whether two bindings are of one device: by the name that it gives itself, else by the Call-ID of its REGISTERs. The flows of RFC 5626 are all alive.
static bool are_of_one_device(const Location& location, std::size_t i, std::size_t j) {
  const Binding &a = location.binding(i), &b = location.binding(j);
  if (a.reg_id != 0 || b.reg_id != 0) return false;
  if (!location.instance(i).empty() || !location.instance(j).empty()) return location.instance(i) == location.instance(j);
  return a.call_hash != 0 && a.call_hash == b.call_hash;
}

// Of the bindings that are of one device with that one, and preferred alike, the one that was registered last.
static std::size_t last_of_device(const Location& location, std::size_t added_last) {
  std::size_t last = added_last;
  for (std::size_t i = 0; i < location.count(); ++i) {
    const bool is_another = i != added_last && location.binding(i).q_milli == location.binding(added_last).q_milli && is_sip(location.uri(i));
    if (is_another && are_of_one_device(location, i, added_last) && location.binding(i).registered_at_s > location.binding(last).registered_at_s) last = i;
  }
  return last;
}

std::size_t choose(const Location& location, std::string_view instance) {
  std::size_t best = location.count();
  for (std::size_t i = 0; i < location.count(); ++i) {
    if (!is_sip(location.uri(i)) || (!instance.empty() && !is_instance(location.instance(i), instance))) continue;
    if (best == location.count()) {
      best = i;
      continue;
    }
    const Binding &a = location.binding(best), &b = location.binding(i);
    if (b.q_milli > a.q_milli || (b.q_milli == a.q_milli && b.added_at_s >= a.added_at_s)) best = i;
  }
  return best == location.count() ? best : last_of_device(location, best);
}

// Whether requests for what `instance` names (empty: the client) have another way than before.
static bool goes_elsewhere(const Location& was, const Location* is, std::string_view instance) {
  const std::size_t i = choose(was, instance);
  if (i == was.count()) return false;
  const std::size_t j = is != nullptr ? choose(*is, instance) : 0;
  if (is == nullptr || j == is->count()) return true;
  const Binding &a = was.binding(i), &b = is->binding(j);
  return a.next != b.next || a.listener != b.listener || was.uri(i) != is->uri(j) || was.path(i) != is->path(j);
}

static bool any_goes_elsewhere(const Location& was, const Location* is) {
  if (goes_elsewhere(was, is, {})) return true;
  for (std::size_t i = 0; i < was.count(); ++i) {
    const std::string_view quoted = was.instance(i);
    if (quoted.size() > quotes_bytes && goes_elsewhere(was, is, quoted.substr(quotes_bytes / 2, quoted.size() - quotes_bytes))) return true;
  }
  return false;
}

// Clients of a shard whose bindings before are kept: some 20 MiB, when all clients of a network get new addresses at once.
static constexpr std::size_t formers_max = 1U << 16;
// They are few but for that.
static constexpr std::size_t formers_expected = 1024;

LocationMap::LocationMap(std::size_t clients_expected, const std::atomic<std::uint32_t>* now_s)
    : RcuMap(clients_expected), now_s_(now_s), formers_(now_s != nullptr ? formers_expected : 1) {}

// Seen before the change is, so that a CANCEL that sees the change finds it.
void LocationMap::keep(const Location& was, const Location* is) {
  if (now_s_ == nullptr || !any_goes_elsewhere(was, is)) return;
  std::vector<BindingText> bindings;
  for (std::size_t i = 0; i < was.count(); ++i) bindings.push_back(was[i]);
  auto former = std::make_unique<FormerLocation>();
  former->key = was.key;
  former->until_s = now_s_->load(std::memory_order_relaxed) + base::invite_pending_s_max;
  former->location = Location::make(was.key, {}, bindings);
  order_.emplace_back(former->until_s, was.key);
  formers_.put(std::move(former));
}

void LocationMap::put(Owner location) {
  if (const Location* const was = find(location->key); was != nullptr) keep(*was, location.get());
  RcuMap::put(std::move(location));
}

void LocationMap::erase(const base::Hash128& key) {
  keep(*find(key), nullptr);
  RcuMap::erase(key);
}

const Location* LocationMap::before(const base::Hash128& key) const {
  const FormerLocation* const former = formers_.find(key);
  return former != nullptr && now_s_->load(std::memory_order_relaxed) < former->until_s ? former->location.get() : nullptr;
}

void LocationMap::reclaim(share::Epoch& epoch) {
  RcuMap::reclaim(epoch);
  if (now_s_ == nullptr) return;
  const std::uint32_t now_s = now_s_->load(std::memory_order_relaxed);
  while (!order_.empty() && (order_.front().first <= now_s || order_.size() > formers_max)) {
    const auto [until_s, key] = order_.front();
    order_.pop_front();
    const FormerLocation* const former = std::as_const(formers_).find(key);
    if (former != nullptr && former->until_s == until_s) formers_.erase(key);
  }
  formers_.reclaim(epoch);
}

}  // namespace viaduct::assign
