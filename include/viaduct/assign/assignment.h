// SPDX-License-Identifier: Apache-2.0
// Who is at home where: pin, then override, then slot. Workers read without a lock; the control core alone writes.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "viaduct/assign/homes.h"
#include "viaduct/base/hash.h"
#include "viaduct/base/limits.h"
#include "viaduct/share/epoch.h"
#include "viaduct/store/record.h"

namespace viaduct::assign {

using ClientKey = base::Hash128;

/// `loading`: under policy `explicit`, no entry is found and not all are loaded yet; to a reader, also of a home that is newer than the list it holds.
enum class Layer : std::uint8_t { pin, override_, slot, none, loading };
[[nodiscard]] std::string_view name(Layer l);

/// What a reader learns of a client.
struct Placement {
  HomeIndex home{no_home};   ///< assigned home; no_home only under policy `explicit` for an unknown client, or when no home was up as slots were dealt
  Layer layer{Layer::none};
  bool is_moving{};  ///< on his way to `home`, which has not confirmed him yet (moves.h); a find leaves it
  std::uint32_t epoch{};  ///< of the last change of this entry or slot; never newer than what `home` is. A slot's rises too when a client of it loses its entry
};

/// The slot of a client: the top bits of his key's high word, in whose order the table stands too, so that the clients of a slot are neighbours.
[[nodiscard]] constexpr std::size_t slot_of(const ClientKey& key) { return key.high >> (64 - 17); }
static_assert(base::slots_count == std::size_t{1} << 17);

enum class Policy : std::uint8_t { slots, explicit_ };

/// One change of a batch.
struct Change {
  ClientKey key;
  HomeIndex home{no_home};  ///< no_home: remove the entry
  bool pin{};
  bool is_new{};  ///< the client had no entry before this change
};

/// A shard made anew from the store's records, until it is published.
class ShardDraft {
 public:
  ShardDraft(ShardDraft&&) noexcept;
  ShardDraft& operator=(ShardDraft&&) noexcept;
  ~ShardDraft();

 private:
  friend class Assignment;
  struct Impl;
  explicit ShardDraft(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// All slots dealt by weighted rendezvous of home names and seed: the fleet's first start. Draining, down and removed homes get none.
/// Shape: slots_count homes, in order; no_home when none is up. Thread: any; pure.
[[nodiscard]] std::vector<HomeIndex> deal(const Homes& homes, const base::Key128& seed);

/// The table knows its clients by the bits that an entry keeps, not by their keys; a store that knows them says who is new. Where clients could be mistaken
/// for each other, and when a shard is full, the shard is drafted anew from the store's records.
/// Thread: find and prefetch from any reader registered with the Epoch (or from the writer); draft from one thread at a time, the store's; the geometry from any;
/// everything else from the control core. Drafts and what the control core does for them alternate: a shard is drafted, then published, and until then no
/// batch is applied that changes it. (The store's thread asks for both, and waits.) A check stops the process otherwise.
class Assignment {
 public:
  /// Entries expected: there are as many shards as these ask for. Each is as large as its clients, whatever was expected.
  Assignment(Policy policy, std::size_t entries_expected);
  ~Assignment();
  Assignment(const Assignment&) = delete;
  Assignment& operator=(const Assignment&) = delete;

  /// Bring the clients' cache lines near; find then costs no miss for 24 clients in 25.
  void prefetch(std::span<const ClientKey> keys) const;
  /// Wait-free, bounded, no store to shared memory. A key and its identity give the same answer.
  [[nodiscard]] Placement find(const ClientKey& key) const;
  /// As find, for a burst of keys that were prefetched: those that are not where they were looked for first are waited for together.
  /// Shape: at most burst_pkts_max keys; room for as many answers.
  void find(std::span<const ClientKey> keys, std::span<Placement> out) const;
  /// The slot layer alone: what the client would have without pin or override; no_home before slots are set.
  [[nodiscard]] HomeIndex slot_home(const ClientKey& key) const;
  [[nodiscard]] Policy policy() const;

  [[nodiscard]] std::uint32_t shards_count() const;
  [[nodiscard]] std::uint32_t shard_of(const ClientKey& key) const;
  /// Of the store's blocks those that make up a shard: first, and one behind the last.
  struct Blocks {
    std::uint32_t first, end;
  };
  [[nodiscard]] Blocks blocks_of(std::uint32_t shard) const;

  /// Slots as the store has them. Shape: slots_count homes, in order. All get this epoch, that of the newest batch: of it they are true.
  void set_slots(std::span<const HomeIndex> homes, std::uint32_t epoch);
  /// The homes of all slots, in order.
  [[nodiscard]] std::vector<HomeIndex> slots() const;
  /// Apply changes, in order, of a batch that is durable under the number `batch`: visible to every reader on return, but for clients of the shards it returns
  /// (ascending): these are stale. A stale shard must be drafted from a store that has this batch, and published, before the next batch. Until then it answers as
  /// before for those that it has, and takes of further changes what it can. A large batch may come in several calls of one number.
  /// The epoch becomes `batch`, or stays when every change names what stands already; such an entry keeps its own. A client has one entry: a pin replaces
  /// an override and the reverse.
  [[nodiscard]] std::vector<std::uint32_t> apply(std::span<const Change> changes, std::uint32_t batch, share::Epoch& epoch);
  /// Put a draft in its shard's place. The epoch becomes the draft's newest batch if that is later.
  void publish(ShardDraft draft, share::Epoch& epoch);
  /// From now on a client without an entry is unknown, not "not yet loaded".
  void set_loaded();
  /// Free what no reader can hold any more. Returns how many retired pieces still wait.
  std::size_t reclaim(share::Epoch& epoch);

  /// A new shard of exactly these records, as of `batch`, and with room to grow: it is full at 0.68 of its entries, and grows by half.
  /// Shape: all of the shard's clients, ascending by high word, then low; no client twice.
  [[nodiscard]] ShardDraft draft(std::uint32_t shard, std::span<const store::Record> ascending, std::uint32_t batch) const;

  [[nodiscard]] std::uint32_t epoch() const;
  struct Statistics {
    std::size_t pins{}, overrides{}, capacity{};
    std::size_t bytes{};  ///< all that readers may touch
    std::size_t bytes_reserved{};  ///< of these on huge pages that the machine had reserved
    std::size_t shards{};
  };
  [[nodiscard]] Statistics statistics() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace viaduct::assign
