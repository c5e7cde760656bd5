// SPDX-License-Identifier: Apache-2.0
// Where the registered clients of this node are: what its registrar writes and workers read, so that a request reaches a telephone without asking anyone.
#pragma once
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "viaduct/base/address.h"
#include "viaduct/base/hash.h"
#include "viaduct/base/wheel.h"
#include "viaduct/share/rcu_map.h"
#include "viaduct/store/row_state.h"

namespace viaduct::assign {

/// One contact of a client, and what its registrar keeps with it. Times are seconds of the registrar's clock.
/// Thread: what follows `reg_id`, but for `added_at_s`, is the registrar's alone where the client has no other binding: there it changes in place.
struct Binding {
  base::Endpoint flow;           ///< where its REGISTER came from
  base::Endpoint next;           ///< where requests for it are sent: to the first of its Path, else through its flow (RFC 3327 5.3, RFC 5626 5.3)
  std::uint8_t listener{};       ///< ours, by number, that it came to
  bool has_gruu : 1 {};          ///< its instance can stand in a public GRUU
  bool is_own_flow : 1 {};  ///< nobody but its client sends from there: its REGISTER came from him at once, or through one edge of the fleet and nothing else
  bool supports_path : 1 {}, supports_outbound : 1 {}, supports_gruu : 1 {};  ///< with a shape: what its client said that it understands
  std::uint16_t q_milli{1000};
  std::uint32_t reg_id{};  ///< of an outbound registration, else 0
  std::uint32_t cseq{};  ///< of the REGISTER that last changed it, as the next two
  std::uint64_t call_hash{};
  std::uint64_t branch_hash{};
  std::uint32_t added_at_s{};  ///< first seen
  std::uint32_t expires_at_s{};
  std::uint64_t shape{};  ///< of that REGISTER: what else stood in it (registrar/shape.h); 0: others have changed it since, or it is not known
  std::uint32_t asked_s{};  ///< with a shape: the expiry that it asked for; 0: none
  std::uint32_t registered_at_s{};  ///< when that REGISTER came; 0: none has, or before the clock began
};

/// The same with its texts, to be put into a Location or read from one.
struct BindingText {
  Binding binding;
  std::string_view uri;  ///< addr-spec of its Contact
  std::string_view instance;  ///< +sip.instance with its quotes; empty: none
  std::string_view path;  ///< values of its Path, as they would stand in one Route line; empty: none
};

/// All bindings of one client, in one piece of memory. Immutable once it is in the map, but for the timer, `row` and what of a binding is the
/// registrar's.
class Location : public base::Timer {
 public:
  struct Delete {
    void operator()(Location* location) const;
  };
  using Owner = std::unique_ptr<Location, Delete>;

  /// Shape: 1 to 255 bindings.
  [[nodiscard]] static Owner make(const base::Hash128& key, std::string_view aor, std::span<const BindingText> bindings);

  [[nodiscard]] std::string_view aor() const { return {text(), aor_bytes_}; }  ///< canonical
  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] const Binding& binding(std::size_t i) const { return places()[i].binding; }
  [[nodiscard]] std::string_view uri(std::size_t i) const { return {text() + places()[i].text_at, places()[i].uri_bytes}; }
  [[nodiscard]] std::string_view instance(std::size_t i) const { return {uri(i).end(), places()[i].instance_bytes}; }
  [[nodiscard]] std::string_view path(std::size_t i) const { return {instance(i).end(), places()[i].path_bytes}; }
  /// All of it. Thread: the registrar's.
  [[nodiscard]] BindingText operator[](std::size_t i) const { return {.binding = binding(i), .uri = uri(i), .instance = instance(i), .path = path(i)}; }
  /// A REGISTER has changed nothing of the only binding but when it ends, and what it is of. Shape: count() is 1. Thread: the registrar's.
  void refresh(std::size_t i, const Binding& by);
  [[nodiscard]] std::size_t bytes() const;  ///< of memory

  base::Hash128 key;
  std::atomic<Location*> chain{};
  store::RowState row;  ///< whether it waits to be written to the store

 private:
  struct Place {
    Binding binding;
    std::uint32_t text_at{};
    std::uint16_t uri_bytes{}, instance_bytes{}, path_bytes{};
  };
  Location() = default;
  [[nodiscard]] const Place* places() const { return reinterpret_cast<const Place*>(this + 1); }
  [[nodiscard]] const char* text() const { return reinterpret_cast<const char*>(places() + count_); }

  std::uint8_t count_{};
  std::uint16_t aor_bytes_{};
  std::uint32_t text_bytes_{};
};

/// The bindings of a client as they were before a change by which requests go elsewhere.
struct FormerLocation {
  using Owner = std::unique_ptr<FormerLocation>;
  base::Hash128 key;
  std::atomic<FormerLocation*> chain{};
  std::uint32_t until_s{};  ///< an INVITE that went by them may be pending
  Location::Owner location;
};

/// The locations of one shard. Where a change makes requests go elsewhere, what was before stays at hand for base::invite_pending_s_max, for those that follow
/// an INVITE. Thread: as RcuMap.
class LocationMap : public share::RcuMap<Location> {
 public:
  /// Shape: `now_s`, the shards' clock, outlives this; null: nothing that was before stays.
  explicit LocationMap(std::size_t clients_expected, const std::atomic<std::uint32_t>* now_s = nullptr);
  void put(Owner location);
  void erase(const base::Hash128& key);
  void reclaim(share::Epoch& epoch);
  /// What was before the last such change, if that is not too long ago. Thread: a reader.
  [[nodiscard]] const Location* before(const base::Hash128& key) const;

 private:
  void keep(const Location& was, const Location* is);

  const std::atomic<std::uint32_t>* now_s_;
  share::RcuMap<FormerLocation> formers_;
  std::deque<std::pair<std::uint32_t, base::Hash128>> order_;  // until when, and whose
};

/// The binding that a request goes to, since a stateless proxy chooses one (RFC 3261 16.11): of those with the highest q the one that was added last, so that
/// refreshes do not change the choice, and of that one's device the one that was registered last (RFC 5627 5.4); when `instance` names a device (RFC 5627
/// 5.1), of its bindings. Contacts that are no SIP URIs are never chosen. Returns its number; `count()`: there is none.
[[nodiscard]] std::size_t choose(const Location& location, std::string_view instance);

/// Which of so many shards a client belongs to.
[[nodiscard]] constexpr unsigned shard_of(const base::Hash128& key, std::size_t shards) { return static_cast<unsigned>((key.high >> 32) * shards >> 32); }

/// The locations of all shards; each shard writes its own map.
class Locations {
 public:
  Locations(unsigned shards, std::size_t clients_expected) {
    for (unsigned i = 0; i < shards; ++i) maps_.push_back(std::make_unique<LocationMap>(clients_expected / shards, &now_s_));
  }
  /// Thread: a reader, as RcuMap says.
  [[nodiscard]] const Location* find(const base::Hash128& key) const { return std::as_const(*maps_[shard_of(key, maps_.size())]).find(key); }
  [[nodiscard]] const Location* before(const base::Hash128& key) const { return maps_[shard_of(key, maps_.size())]->before(key); }
  [[nodiscard]] LocationMap& of_shard(unsigned i) { return *maps_[i]; }
  /// The registrar's clock, seconds, as it was at the last round of any shard.
  [[nodiscard]] std::uint32_t now_s() const { return now_s_.load(std::memory_order_relaxed); }
  /// Thread: a shard's. All have the same clock.
  void set_now(std::uint32_t now_s) { now_s_.store(now_s, std::memory_order_relaxed); }

 private:
  std::atomic<std::uint32_t> now_s_{};  // relaxed: nothing hangs on its order
  std::vector<std::unique_ptr<LocationMap>> maps_;
};

}  // namespace viaduct::assign
