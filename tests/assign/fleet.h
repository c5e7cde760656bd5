// SPDX-License-Identifier: Apache-2.0
// What the tests of assign share: a small fleet, random and colliding client keys, and the workload whose readers check what may never be seen.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "viaduct/assign/assignment.h"

namespace viaduct::assign::test {

inline Home home(std::string name, std::uint32_t weight = 1, HomeState state = HomeState::up) {
  Home h;
  h.name = std::move(name);
  h.weight = weight;
  h.state = state;
  return h;
}

/// `count` homes h0, h1, ... of equal weight.
inline Homes fleet(std::size_t count) {
  std::vector<Home> homes;
  for (std::size_t i = 0; i < count; ++i) homes.push_back(home(std::string(1, 'h').append(std::to_string(i))));
  return Homes(std::move(homes));
}

inline constexpr base::Key128 seed{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

inline ClientKey random_key(std::mt19937_64& random) { return {random(), random()}; }

inline std::vector<ClientKey> random_keys(std::size_t count, std::uint64_t from) {
  std::mt19937_64 random(from);
  std::vector<ClientKey> keys(count);
  for (ClientKey& key : keys) key = random_key(random);
  return keys;
}

/// Up to 256 keys of different clients with one tag and, in a table of few shards, one home line: they differ only in the lowest bits that are kept.
inline std::vector<ClientKey> colliding_keys(std::size_t count, std::uint64_t from) {
  constexpr unsigned lowest = 64 - store::high_bits;
  std::mt19937_64 random(from);
  const ClientKey first = random_key(random);
  std::vector<ClientKey> keys;
  for (std::uint64_t i = 0; i < count; ++i) keys.push_back({.low = first.low, .high = (first.high & ~(std::uint64_t{0xff} << lowest)) | i << lowest});
  return keys;
}

/// A workload with three kinds of clients, so that a reader can tell a wrong answer without knowing the moment:
/// `fixed` are pinned once and stay; `moving` change homes, the home telling its epoch, and come and go; `strangers` never get an entry.
/// Eight of the moving ones are hot, so that readers meet a change while it is made. Some of the first two kinds collide. The first `staying` of the moving ones do and are never removed: the table is exact for clients that it holds.
struct Workload {
  static constexpr HomeIndex moving_home_first = 1000;
  static constexpr std::uint32_t epochs_round = 32768;
  static constexpr HomeIndex fixed_home_first = 40000;
  static constexpr HomeIndex slot_homes_count = 10;

  std::vector<ClientKey> fixed, moving, strangers;
  std::size_t staying{};
  static constexpr std::size_t hot_count = 8;  // behind the staying ones

  explicit Workload(std::size_t moving_count) {
    fixed = random_keys(2000, 1);
    for (std::uint64_t i = 0; i < 16; ++i)
      for (const ClientKey& key : colliding_keys(2 + i % 4, 100 + i)) (i % 2 ? fixed : moving).push_back(key);
    staying = moving.size();
    for (const ClientKey& key : random_keys(moving_count, 2)) moving.push_back(key);
    strangers = random_keys(2000, 3);
  }
  [[nodiscard]] static HomeIndex moving_home(std::uint32_t epoch) { return static_cast<HomeIndex>(moving_home_first + epoch % epochs_round); }
  [[nodiscard]] static HomeIndex fixed_home(std::size_t i) { return static_cast<HomeIndex>(fixed_home_first + i); }

  [[nodiscard]] std::vector<Change> first_batch(std::uint32_t epoch) const {
    std::vector<Change> changes;
    for (std::size_t i = 0; i < fixed.size(); ++i) changes.push_back({fixed[i], fixed_home(i), true});
    for (std::size_t i = 0; i < staying; ++i) changes.push_back({moving[i], moving_home(epoch), false});
    return changes;
  }
  [[nodiscard]] std::size_t random_moving(std::mt19937_64& random) const { return random() % 2 ? staying + random() % hot_count : random() % moving.size(); }
  /// A change of a random moving client in the batch of that epoch; one of three removes it, if it may.
  [[nodiscard]] Change random_change(std::uint32_t epoch, std::mt19937_64& random) const {
    const std::size_t i = random_moving(random);
    const bool gone = i >= staying && random() % 3 == 0;
    return {moving[i], gone ? no_home : moving_home(epoch), random() % 8 == 0};
  }
  /// Nullptr, or what is wrong with the answer for a client of that kind.
  [[nodiscard]] static const char* fault_of_fixed(std::size_t i, const Placement& p) {
    if (p.layer != Layer::pin) return "a pinned client without its pin";
    return p.home == fixed_home(i) ? nullptr : "a pinned client at another home";
  }
  [[nodiscard]] static const char* fault_of_stranger(const Placement& p) {
    return p.layer == Layer::slot && p.home < slot_homes_count ? nullptr : "a client never inserted has an entry";
  }
  [[nodiscard]] static const char* fault_of_moving(const Placement& p) {
    if (p.layer == Layer::slot) return fault_of_stranger(p);
    if (p.home < moving_home_first || p.home >= moving_home_first + epochs_round) return "a client at a home of nobody's";
    const std::uint32_t set_later_by = (p.home - moving_home_first - p.epoch) % epochs_round;
    return set_later_by < epochs_round / 2 ? nullptr : "an old home with a new epoch";
  }
  /// Look up a client of each kind, one by one or as a burst. Returns the first fault, or nullptr.
  [[nodiscard]] const char* look(const Assignment& assignment, std::mt19937_64& random) const {
    const std::size_t f = random() % fixed.size();
    const std::array keys{fixed[f], strangers[random() % strangers.size()], moving[random_moving(random)]};
    std::array<Placement, 3> found;
    if (random() % 2)
      assignment.find(keys, found);
    else
      std::ranges::transform(keys, found.begin(), [&](const ClientKey& key) { return assignment.find(key); });
    const char* fault = fault_of_fixed(f, found[0]);
    if (!fault) fault = fault_of_stranger(found[1]);
    return fault ? fault : fault_of_moving(found[2]);
  }
};

}  // namespace viaduct::assign::test
