// SPDX-License-Identifier: Apache-2.0
// The inside of Watchers: the subscriptions, when each is told what, and the NOTIFYs under way. watchers.cpp and
// implicit.cpp begin subscriptions, notifier.cpp serves them.
#pragma once
#include <array>
#include <bit>
#include <utility>

#include "changes.h"
#include "pace.h"
#include "subscriptions.h"
#include "viaduct/base/limits.h"
#include "viaduct/base/wheel.h"
#include "viaduct/store/unsaved.h"

namespace viaduct::notifier {

/// A NOTIFY as it leaves.
struct Composed {
  std::string_view message;    // empty: it does not fit
  std::uint16_t rest_from{};   // the first contact that the next one is to tell; 0: it tells all
};

struct Watchers::Impl {
  WatchRules rules;
  const assign::LocationMap& locations;
  Sightings& sightings;
  base::Key128 seed;
  bool has_home;               // that the seed is of
  base::Key128 home_seed;      // another on each node
  Outlet& outlet;
  Subscriptions table;
  std::array<ChangeLogs, 2> logs;   // of clients of the local home, and of those elsewhere
  base::Wheel wheel;
  base::Timer ready;           // head of a ring: due, and waiting for the pace
  std::uint64_t now_ms{};      // the latest that was told
  Pace pace;
  std::size_t open{};
  store::Unsaved unsaved;
  WatcherCounters counters;
  std::array<char, base::large_packet_bytes_max> scratch;

  Impl(const WatchRules& r, const assign::LocationMap& l, Sightings& s, const base::Key128& k, Outlet& o, std::string_view home)
      : rules(r), locations(l), sightings(s), seed(k), has_home(!home.empty()), home_seed(seed_of(k, home)), outlet(o), table(r.subscriptions_max) {
    ready.next = ready.previous = &ready;
  }

  [[nodiscard]] static base::Key128 seed_of(const base::Key128& seed, std::string_view home) {
    return std::bit_cast<base::Key128>(base::siphash128(seed, "home " + std::string(home)));
  }
  [[nodiscard]] Tick now() const { return static_cast<Tick>(now_ms / tick_ms); }
  void advance(std::uint64_t to_ms) { now_ms = std::max(now_ms, to_ms); }

  /// Past those that may have been used between the last row and a restart: NOTIFYs are seconds apart, rows at most one.
  static void skip_numbers(Standing& x) {
    constexpr std::uint32_t numbers_skipped = 16;
    x.local_cseq += numbers_skipped;
    x.version += numbers_skipped;
  }
  /// What is due is not what was under way at a restart, and so must not pass for a repetition of it.
  static void say_anew(Standing& x) {
    if (std::exchange(x.repeats_cseq, false)) skip_numbers(x);
  }

  [[nodiscard]] static base::Hash128 row_key(const Subscription& s) { return {.low = s.dialog, .high = s.client.high}; }

  /// What is known of a client's bindings, here or elsewhere; nullptr: there are none.
  [[nodiscard]] const assign::Location* location_of(const location::ClientKey& client, bool is_elsewhere) const {
    return is_elsewhere ? sightings.find(client) : locations.find(client);
  }
  [[nodiscard]] const assign::Location* location_of(const Subscription& s) const { return location_of(s.client, s.standing.is_elsewhere); }
  [[nodiscard]] ChangeLogs& logs_of(const Subscription& s) { return logs[s.standing.is_elsewhere ? 1 : 0]; }

  /// Between two NOTIFYs that nobody has asked for: the shortest time, and the longest; 0: nothing is told for its own sake. RFC 6446 4.3, 5.3: a notifier's own policy
  /// stands above what a subscriber asks for.
  [[nodiscard]] std::uint32_t interval_min_ms(const Standing& x) const { return std::max(x.interval_min_ms, rules.interval_ms); }
  [[nodiscard]] std::uint32_t interval_max_ms(const Standing& x) const { return x.interval_max_ms != 0 ? std::max(x.interval_max_ms, interval_min_ms(x)) : 0; }

  // notifier.cpp
  void schedule(Subscription& s);
  void mark_changed(Subscription& s);
  void owe_everything(Subscription& s, bool is_urgent);
  void owe_another(Subscription& s, bool is_urgent);
  void forget_changes(Subscription& s);
  void end(Subscription& s, Ending ending, std::uint32_t retry_after_s);
  void remove(Subscription& s);
  void log(const location::ClientKey& client, bool is_elsewhere, std::vector<ContactChange> changes);
  void timer(Subscription& s, const site::Site& site);
  void begin(Subscription& s, const site::Site& site);
  void repeat(Subscription& s, const site::Site& site);
  void send(const OpenNotify& notify, const site::Site& site);
  /// For the pace, each once.
  void count(OpenNotify& notify, bool answered) {
    if (!std::exchange(notify.is_missed, !answered) && pace.note(answered, now_ms)) counters.slowed.add(1);
  }
  void close(Subscription& s, bool answered);
  void answered(Subscription& s, const sip::Message& response);
  bool follow(Subscription& s, const sip::Message& response);
  bool come_back_later(Subscription& s, const sip::Message& response);

  // implicit.cpp
  [[nodiscard]] std::uint64_t implicit_dialog(const location::ClientKey& client, const assign::BindingText& binding) const;
  void take_home(std::string_view name);
  [[nodiscard]] Subscription& renewed(Subscription& s, const DialogTexts& texts);
  [[nodiscard]] std::uint64_t imply(const location::Registration& r, bool is_proven, const site::Site& site);
  void contact_changed(Subscription& s, const location::BindingsChange& change);

  // moved.cpp
  bool tell_moved(Subscription& s, const Move& move, const site::Site& site);

  // watchers.cpp
  [[nodiscard]] SubscribeOutcome subscribe(const Subscribe& q, const site::Site& site);
  [[nodiscard]] SubscribeOutcome refresh(Subscription& s, const Subscribe& q, const site::Site& site, const struct Wish& wish);
  [[nodiscard]] SubscribeOutcome start(const Subscribe& q, const site::Site& site, const struct Wish& wish);
  [[nodiscard]] SubscribeOutcome granted(const Subscription& s, const Subscribe& q, const site::Site& site) const;
  [[nodiscard]] Subscription& revived(Subscription& s);
  void adopt(const Subscribe& q);
  void lose_sight(const location::ClientKey& client, const Standing& last);
  [[nodiscard]] SubscriptionView view(const Subscription& s) const;

  // notification.cpp
  [[nodiscard]] std::uint64_t state_tag(const location::ClientKey& client, bool is_elsewhere) const;
  [[nodiscard]] std::string subscription_state(const Standing& x) const;
  [[nodiscard]] struct Telling contacts_of(const Subscription& s, const struct Room& room) const;
  [[nodiscard]] static struct Telling deregistration_of(const Subscription& s);
  [[nodiscard]] Composed compose(const Subscription& s, const site::Listener& from, const site::Site& site);
};

/// Where the NOTIFYs of a subscription leave from; nullptr: no listener reaches its subscriber.
[[nodiscard]] inline const site::Listener* egress(const Standing& s, const site::Site& site, const Outlet& outlet) {
  if (s.listener >= site.listeners.size()) return nullptr;
  return site.egress(site.listeners[s.listener], s.next.address, outlet.link_to(s.next.address));
}

}  // namespace viaduct::notifier
