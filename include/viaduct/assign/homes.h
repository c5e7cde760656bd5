// SPDX-License-Identifier: Apache-2.0
// The fleet's homes as an immutable snapshot that workers read: addresses, prebuilt texts, state, weight.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "viaduct/assign/rendezvous.h"
#include "viaduct/base/address.h"

namespace viaduct::assign {

/// `down` and `draining` are committed states, the same on all nodes.
enum class HomeState : std::uint8_t { up, draining, down, removed };
[[nodiscard]] std::string_view name(HomeState s);

struct Home {
  std::string name;
  base::Endpoint address;                         ///< where edges send
  std::optional<base::Endpoint> public_v4;        ///< where clients are sent
  std::optional<base::Endpoint> public_v6;
  std::uint32_t weight{1};
  std::uint32_t capacity{};                       ///< messages a second that it can serve; 0: not said
  bool is_local{};                                ///< this node registers its clients
  bool is_viaduct{};                              ///< understands vh and X-Viaduct-Home
  HomeState state{};
  std::string contact_v4;                         ///< prebuilt `Contact: <sip:ADDRESS:PORT` (no `>`); empty without public_v4
  std::string contact_v6;
};

/// What the path asks of a home for nearly every message, on one cache line.
struct alignas(64) HomeBrief {
  std::array<char, 40> contact_v4{};    ///< Home::contact_v4, and anything behind it
  base::Endpoint address;
  std::uint8_t contact_v4_bytes{};      ///< 0 without public_v4
  HomeState state{};
  bool has_public_v6{};
  bool is_local{};
  bool is_viaduct{};
};
static_assert(sizeof(HomeBrief) == 64);

/// Thread: immutable once published.
class Homes {
 public:
  Homes() = default;
  /// Builds the prebuilt texts. Shape: at most base::homes_max homes with distinct names, also among removed ones.
  explicit Homes(std::vector<Home> homes);
  [[nodiscard]] const Home& operator[](HomeIndex i) const { return homes_[i]; }
  [[nodiscard]] const HomeBrief& brief(HomeIndex i) const { return briefs_[i]; }
  /// Bring a home's brief near. Any index, that of no home too.
  void prefetch(HomeIndex i) const { __builtin_prefetch(briefs_.data() + i); }
  [[nodiscard]] std::size_t size() const { return homes_.size(); }
  [[nodiscard]] auto begin() const { return homes_.begin(); }
  [[nodiscard]] auto end() const { return homes_.end(); }
  [[nodiscard]] HomeIndex find(std::string_view name) const;         ///< no_home when absent; finds removed homes too
  /// The home with that address or public address, else one with that host at any port; no_home when there is none. Removed homes are not found.
  /// Logarithmic in the homes.
  [[nodiscard]] HomeIndex find(const base::Endpoint& e) const;
  /// True when a home but a removed one has that host in its address or public address.
  [[nodiscard]] bool is_home_host(const base::Address& a) const;

 private:
  friend HomeIndex next_up(const Homes& homes, std::uint64_t key_hash);
  std::vector<Home> homes_;
  std::vector<HomeBrief> briefs_;          // of homes_
  std::vector<HomeIndex> by_name_;         // sorted by name
  std::vector<std::pair<base::Endpoint, HomeIndex>> endpoints_;  // sorted, without removed homes
  Rendezvous up_{base::Key128{}};          // the homes that are up; unkeyed, because what it orders by is a keyed hash already
};

/// The next up home in the rendezvous order of a key: where a client of a home that is down goes. no_home when none is up.
/// Weighted rendezvous hashing by home name and weight; `key_hash` is a word of a client key, so the fleet's seed is in it. Only homes that are up are
/// chosen. Cost: about a nanosecond a home.
[[nodiscard]] HomeIndex next_up(const Homes& homes, std::uint64_t key_hash);

}  // namespace viaduct::assign
