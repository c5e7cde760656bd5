// SPDX-License-Identifier: Apache-2.0
// Who is at home where: pin, then override, then slot. Workers read without a lock; the control core alone writes.
#pragma once
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "viaduct/assign/homes.h"
#include "viaduct/base/hash.h"
#include "viaduct/share/epoch.h"

namespace viaduct::assign {

using ClientKey = base::Hash128;

enum class Layer : std::uint8_t { pin, override_, slot, none };
[[nodiscard]] std::string_view name(Layer l);

/// What a reader learns of a client.
struct Placement {
  HomeIndex home{no_home};   ///< assigned home; no_home only under policy `explicit` for an unknown client, or when no home was up as slots were dealt
  Layer layer{Layer::none};
  std::uint32_t epoch{};  ///< of the last change of this entry or slot; never newer than what `home` is. A slot's rises too when a client of it loses its entry
};

enum class Policy : std::uint8_t { slots, explicit_ };

/// One change of a batch.
struct Change {
  ClientKey key;
  HomeIndex home{no_home};  ///< no_home: remove the entry
  bool pin{};
};

/// Thread: find and prefetch from any reader registered with the Epoch (or from the writer); everything else from the control core.
class Assignment {
 public:
  /// Entries expected: the table is sized for it, and grows shard by shard when there are more.
  Assignment(Policy policy, std::size_t entries_expected);
  ~Assignment();
  Assignment(const Assignment&) = delete;
  Assignment& operator=(const Assignment&) = delete;

  /// Bring the client's cache line near; find then costs no miss for most clients.
  void prefetch(const ClientKey& key) const;
  /// Wait-free, bounded, no store to shared memory.
  [[nodiscard]] Placement find(const ClientKey& key) const;
  /// The slot layer alone: what the client would have without pin or override; no_home before slots are dealt.
  [[nodiscard]] HomeIndex slot_home(const ClientKey& key) const;

  /// Deal all slots by weighted rendezvous of home names and seed: the fleet's first start. Draining, down and removed homes get none.
  void deal_slots(const Homes& homes, const base::Key128& seed);
  /// Apply a batch, in order: visible to every reader when it returns. The epoch is raised once, or not at all when every change names what stands
  /// already; such an entry keeps its own epoch. A client has one entry: a pin replaces an override and the reverse. Returns the epoch.
  std::uint32_t apply(std::span<const Change> changes, share::Epoch& epoch);
  /// Free what no reader can hold any more. Returns how many retired pieces still wait.
  std::size_t reclaim(share::Epoch& epoch);

  [[nodiscard]] std::uint32_t epoch() const;
  struct Statistics {
    std::size_t pins{}, overrides{}, capacity{}, bytes{}, shards{};
  };
  [[nodiscard]] Statistics statistics() const;
  /// Clients with an entry, and slots, by home. Shape: both spans have a place for every home. Control core; walks the table.
  void count_by_home(std::span<std::size_t> entries, std::span<std::size_t> slots) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace viaduct::assign
