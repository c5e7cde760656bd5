// SPDX-License-Identifier: Apache-2.0
// Clients that samples have told of, with weights that decay: a bounded table, in which the one that was idle for longest makes way.
#pragma once
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "viaduct/assign/assignment.h"
#include "viaduct/sip/uri.h"

namespace viaduct::control {

/// One client.
struct Tracked {
  sip::ClientKey key;
  std::unique_ptr<char[]> aor;      ///< canonical; null: not known
  float events{};                   ///< samples, as of `at_ds`, like the next two
  float weight{};                   ///< ... with what they weigh and stand for
  float own_weight{};               ///< ... with what they weigh alone
  std::uint32_t at_ds{};            ///< of the last sample, in tenths of a second
  std::uint32_t newer{}, older{};   ///< their places in the order of last samples
  std::uint16_t aor_bytes{};
  bool lives_by_slot{};

  [[nodiscard]] std::string_view name() const { return {aor.get(), aor_bytes}; }
  void set_name(std::string_view text);
};
static_assert(sizeof(Tracked) == 56);

/// A sampled request.
struct Sampled {
  double weight{1};                 ///< of its kind
  double stands_for{1};             ///< requests
};

/// What a slot's clients, those that live by it, come to.
struct TrackedSlot {
  float weight{};                   ///< as of `at_ds`
  std::uint32_t at_ds{};
  std::uint32_t clients{};          ///< tracked now
};

/// Thread: one. Times in seconds, not going back, below 13 years.
class TrackedClients {
 public:
  /// Memory: 56 octets a client and his AoR, touched as they come; 8 to 16 octets a client, and the slots, at once.
  TrackedClients(std::size_t clients_max, double half_life_s);

  /// A sample of a client. He may be given a name then.
  Tracked& count(const sip::ClientKey& key, const Sampled& sample, bool lives_by_slot, double now_s);
  [[nodiscard]] const Tracked* find(const sip::ClientKey& key) const;
  [[nodiscard]] std::size_t size() const { return clients_.size(); }
  [[nodiscard]] std::uint64_t evicted() const { return evicted_; }
  /// By place, 0 to size: a client stays at his until he makes way.
  [[nodiscard]] const Tracked& operator[](std::size_t place) const { return clients_[place]; }
  [[nodiscard]] const TrackedSlot& slot(std::size_t index) const { return slots_[index]; }

  /// By what a number that stood at `at_ds` is to be multiplied now.
  [[nodiscard]] float decay(std::uint32_t at_ds, double now_s) const;
  /// From decayed weights to weight a second: the seconds that they remember when `now_s` have been seen in all.
  [[nodiscard]] double remembered_s(double now_s) const;

 private:
  static constexpr std::uint32_t none = ~std::uint32_t{0};

  [[nodiscard]] std::size_t bucket_of(const sip::ClientKey& key) const;
  [[nodiscard]] std::uint32_t take_in(const sip::ClientKey& key);
  void forget(std::uint32_t place);
  void unlink(std::uint32_t place);
  void link_newest(std::uint32_t place);
  void count_by_slot(Tracked& client, double weight, bool lives_by_slot, double now_s);

  std::size_t clients_max_;
  double half_life_s_;
  std::vector<Tracked> clients_;          // never more than reserved: no client moves
  std::vector<std::uint32_t> buckets_;    // place + 1 of a client, 0 free; linear probing, at most half full
  std::vector<TrackedSlot> slots_;
  std::uint32_t newest_{none}, oldest_{none};
  std::uint64_t evicted_{};
};

}  // namespace viaduct::control
