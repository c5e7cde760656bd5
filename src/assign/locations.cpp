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

// `"<urn:uuid:...>"` of a Contact is the `urn:uuid:...` of a GRUU, in any case and escaped or not (RFC 3261 19.1.4).
static bool is_instance(std::string_view quoted, std::string_view instance) {
  if (quoted.size() < 4) return false;
  for (const char c : quoted.substr(2, quoted.size() - 4))
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
static std::size_t last_of_device(const Location& location, std::size_t added_last, std::size_t other) {
  std::size_t last = added_last;
  for (std::size_t i = 0; i < location.count(); ++i) {
    const bool is_another = i != added_last && i != other && location.binding(i).q_milli == location.binding(added_last).q_milli && is_sip(location.uri(i));
    if (is_another && are_of_one_device(location, i, added_last) && location.binding(i).registered_at_s > location.binding(last).registered_at_s) last = i;
  }
  return last;
}

// The best of those that `instance` names, but for one; count(): of all.
static std::size_t best_but(const Location& location, std::string_view instance, std::size_t other) {
  std::size_t best = location.count();
  for (std::size_t i = 0; i < location.count(); ++i) {
    if (i == other || !is_sip(location.uri(i)) || (!instance.empty() && !is_instance(location.instance(i), instance))) continue;
    if (best == location.count()) {
      best = i;
      continue;
    }
    const Binding &a = location.binding(best), &b = location.binding(i);
    if (b.q_milli > a.q_milli || (b.q_milli == a.q_milli && b.added_at_s >= a.added_at_s)) best = i;
  }
  return best == location.count() ? best : last_of_device(location, best, other);
}

std::size_t choose(const Location& location, std::string_view instance) { return best_but(location, instance, location.count()); }

std::size_t chosen_before(const Location& location, std::string_view instance, std::uint32_t now_s) {
  const std::size_t chosen = choose(location, instance);
  const bool is_new = chosen != location.count() && now_s - location.binding(chosen).added_at_s < base::invite_pending_s_max;
  return is_new ? best_but(location, instance, chosen) : location.count();
}

}  // namespace viaduct::assign
