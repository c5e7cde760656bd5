// SPDX-License-Identifier: Apache-2.0
#include "subscription.h"

#include <algorithm>
#include <array>
#include <new>

namespace viaduct::notifier {

void Subscription::Delete::operator()(Subscription* subscription) const {
  subscription->~Subscription();
  ::operator delete(subscription);
}

Subscription::Owner Subscription::make(const location::ClientKey& client, std::uint64_t dialog, const DialogTexts& t) {
  const std::array<std::string_view, texts_count> all = {t.aor, t.call_id, t.remote_tag, t.remote_uri, t.local_uri, t.target, t.routes, t.event_id};
  std::size_t bytes = sizeof(Subscription);
  for (const std::string_view text : all) bytes += text.size();
  Owner out(new (::operator new(bytes)) Subscription(client, dialog));
  auto* at = reinterpret_cast<char*>(out.get() + 1);
  for (std::size_t i = 0; i < all.size(); ++i) {
    out->text_bytes_[i] = static_cast<std::uint16_t>(all[i].size());
    at = std::ranges::copy(all[i], at).out;
  }
  return out;
}

DialogTexts Subscription::texts() const {
  DialogTexts out;
  const auto* at = reinterpret_cast<const char*>(this + 1);
  const std::uint16_t* bytes = text_bytes_;
  for (std::string_view* text : {&out.aor, &out.call_id, &out.remote_tag, &out.remote_uri, &out.local_uri, &out.target, &out.routes, &out.event_id}) {
    *text = {at, *bytes};
    at += *bytes++;
  }
  return out;
}

std::size_t Subscription::bytes() const {
  std::size_t out = sizeof *this;
  for (const std::uint16_t text : text_bytes_) out += text;
  return out;
}

}  // namespace viaduct::notifier
