// SPDX-License-Identifier: Apache-2.0
// The table of a shard's subscriptions: found by dialog and by client. Who is told what, and when, is not known here.
#pragma once
#include <bit>
#include <vector>

#include "subscription.h"

namespace viaduct::notifier {

/// Memory: 16 octets for each subscription that is expected, taken at once, so that no change of size ever stops the shard. Thread: one.
class Subscriptions {
 public:
  explicit Subscriptions(std::size_t expected) : by_dialog_(std::bit_ceil(std::max<std::size_t>(expected, 1))), by_client_(by_dialog_.size()) {}
  ~Subscriptions() {
    for (Subscription* head : by_dialog_)
      while (head != nullptr) Subscription::Owner(std::exchange(head, head->dialog_chain)).reset();
  }
  Subscriptions(const Subscriptions&) = delete;
  Subscriptions& operator=(const Subscriptions&) = delete;

  [[nodiscard]] Subscription* find(std::uint64_t dialog) const {
    Subscription* s = by_dialog_[dialog & mask()];
    while (s != nullptr && s->dialog != dialog) s = s->dialog_chain;
    return s;
  }
  /// The first subscription to a client, and the next one after `s`; nullptr: there is none.
  [[nodiscard]] Subscription* first_of(const location::ClientKey& client) const { return of_client(by_client_[client.low & mask()], client); }
  void prefetch_of(const location::ClientKey& client) const { __builtin_prefetch(&by_client_[client.low & mask()]); }
  [[nodiscard]] static Subscription* next_of(const Subscription& s) { return of_client(s.client_chain, s.client); }

  [[nodiscard]] std::size_t count_of(const location::ClientKey& client) const {
    std::size_t out = 0;
    for (const Subscription* s = first_of(client); s != nullptr; s = next_of(*s)) ++out;
    return out;
  }

  /// Shape: there is none of that dialog.
  Subscription& add(Subscription::Owner owner) {
    Subscription& s = *owner.release();
    s.dialog_chain = std::exchange(by_dialog_[s.dialog & mask()], &s);
    s.client_chain = std::exchange(by_client_[s.client.low & mask()], &s);
    ++size_;
    return s;
  }
  Subscription::Owner take(Subscription& s) {
    unlink<&Subscription::dialog_chain>(by_dialog_[s.dialog & mask()], s);
    unlink<&Subscription::client_chain>(by_client_[s.client.low & mask()], s);
    base::Wheel::cancel(s);
    --size_;
    return Subscription::Owner(&s);
  }
  [[nodiscard]] std::size_t size() const { return size_; }
  /// Call f(Subscription&) for each; it may not add or take any.
  template <typename F>
  void each(F f) const {
    for (Subscription* head : by_dialog_)
      for (Subscription* s = head; s != nullptr; s = s->dialog_chain) f(*s);
  }

 private:
  [[nodiscard]] std::size_t mask() const { return by_dialog_.size() - 1; }
  [[nodiscard]] static Subscription* of_client(Subscription* s, const location::ClientKey& client) {
    while (s != nullptr && !(s->client == client)) s = s->client_chain;
    return s;
  }
  template <Subscription* Subscription::* Chain>
  static void unlink(Subscription*& head, Subscription& s) {
    Subscription** link = &head;
    while (*link != &s) link = &((*link)->*Chain);
    *link = s.*Chain;
  }

  std::vector<Subscription*> by_dialog_, by_client_;
  std::size_t size_{};
};

}  // namespace viaduct::notifier
