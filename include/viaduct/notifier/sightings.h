// SPDX-License-Identifier: Apache-2.0
// The bindings that third-party homes have of clients who are watched here, as far as they are seen: from the answers to the REGISTERs that pass this node.
#pragma once
#include <cstdint>
#include <map>
#include <span>
#include <string_view>
#include <unordered_map>

#include "viaduct/assign/watched.h"
#include "viaduct/location/bindings.h"
#include "viaduct/share/counters.h"

namespace viaduct::notifier {

/// For how long what is known of a client is kept when those who watch him are sent away to come again: 64 * T1, a transaction of theirs at its longest.
inline constexpr std::uint32_t sight_kept_s = 32;

/// A home's 2xx to a REGISTER, indexed without fault.
struct Sighting {
  const sip::Message& message;
  std::string_view aor;      ///< canonical
  location::ClientKey client;
  base::Endpoint flow;       ///< where the REGISTER came from
  std::uint8_t listener{};   ///< ours, by number, that the answer came to
  bool is_own_flow{};        ///< the REGISTER came from its client at once
};

/// One shard's. A client is in here from his first subscription until his last is over; when they were sent away to come again, a while longer, so that who
/// comes finds what was known. Times are seconds of the registrar's clock. Thread: the shard's.
class Sightings final : private location::BindingsObserver {
 public:
  /// Shape: `watched` is all shards'; `hash_key` is the same after a restart, and on all nodes.
  Sightings(assign::Watched& watched, std::size_t clients_expected, const base::Key128& hash_key);
  /// Who hears of what changes. Shape: before the first change.
  void set_observer(location::BindingsObserver& observer) { observer_ = &observer; }

  /// nullptr: no contact of the client is known.
  [[nodiscard]] const assign::Location* find(const location::ClientKey& client) const { return bindings_.location(client); }
  /// Somebody watches the client.
  void begin(const location::ClientKey& client);
  /// Nobody does any more. At a time to come, unless somebody does before, what is known is forgotten.
  void end(const location::ClientKey& client, std::uint64_t at_s, std::uint64_t now_s);
  /// What the home lists is what the client has there (RFC 3261 10.3 step 8). A contact whose expiry has moved was refreshed. Of a client who is not watched,
  /// and of a list that cannot be read or is longer than is read, nothing is taken.
  void take(const Sighting& sighting, std::uint64_t now_s);
  /// The client, who is watched, has registered at this node: it stands in for his home, or he was placed here since.
  void adopt(const location::ClientKey& client, std::string_view aor, std::span<const assign::BindingText> bindings, std::uint64_t now_s);
  /// Drop what has expired, and forget who is watched no more; cost bounded by what is due.
  void expire(std::uint64_t now_s);

  /// For a restart, as those of a local home. Shape: watchers are put back before them.
  [[nodiscard]] location::Bindings& bindings() { return bindings_; }
  /// After it: who is known and watched by nobody was about to be watched again, or not.
  void forget_unwatched(std::uint64_t at_s);
  /// Now and then: free what is no more. Never waits.
  void reclaim(unsigned shard, share::Epoch& epoch);

 private:
  void bindings_changed(const location::BindingsChange& change) override;
  void leave(const location::ClientKey& client, std::uint64_t at_s);
  void forget(const location::ClientKey& client, std::uint64_t now_s);

  assign::Watched& watched_;
  base::Key128 hash_key_;
  assign::LocationMap locations_;
  location::Bindings bindings_;
  location::BindingsObserver* observer_{};
  std::unordered_map<location::ClientKey, std::uint64_t, location::ClientKeyHash> leaving_;  // when they are forgotten
  std::multimap<std::uint64_t, location::ClientKey> due_;  // the same by time; one that is in leaving_ no more, or with another time, is nothing
};

}  // namespace viaduct::notifier
