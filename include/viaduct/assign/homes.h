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

/// `down` and `draining` are committed states, the same on all nodes of a fleet but for what a node's own health has seen. `returning` is up in slow start: its clients go back one by one; to the store it is up.
enum class HomeState : std::uint8_t { up, draining, returning, down, removed };
[[nodiscard]] std::string_view name(HomeState s);
[[nodiscard]] constexpr bool is_up(HomeState s) { return s == HomeState::up || s == HomeState::returning; }
/// Whether clients that are placed there may be served there.
[[nodiscard]] constexpr bool is_in_service(HomeState s) { return is_up(s) || s == HomeState::draining; }

/// Of a home in slow start: how many of a hundred of its clients have gone back, at its beginning and at its end.
inline constexpr std::uint8_t returned_percent_first = 10, returned_percent_all = 100;

struct Home {
  std::string name;
  base::Endpoint address;  ///< where edges send
  std::optional<base::Endpoint> public_v4;  ///< where clients are sent
  std::optional<base::Endpoint> public_v6;
  std::uint32_t weight{1};
  std::uint32_t capacity{};  ///< messages a second that it can serve; 0: not said
  bool is_local{};  ///< this node registers its clients
  bool is_viaduct{};  ///< understands vh and X-Viaduct-Home
  bool is_probed{true};  ///< health may ask it whether it is alive
  std::optional<base::Endpoint> control;  ///< where other nodes call it
  std::uint32_t max_per_s{};  ///< requests that this node lets go there; 0: all
  std::string zone;  ///< plans keep clients in theirs; empty: that of all who say none
  bool edge_notifies{};  ///< it has no notifier of its own for the package reg: edges are it, by what they see
  HomeState state{};
  std::uint8_t returned_percent{};  ///< while `returning`
  std::uint32_t returned_min{};  ///< when it last took back clients that others had served, minutes since 1970; 0: not since the start
  std::optional<HomeState> restores;  ///< while health has taken it down: up or draining, as it is to be again; of no other
  std::string contact_v4;  ///< prebuilt `Contact: <sip:ADDRESS:PORT` (no `>`); empty without public_v4
  std::string contact_v6;
};

/// What the path asks of a home for nearly every message, on one cache line.
struct alignas(64) HomeBrief {
  std::array<char, 40> contact_v4{};  ///< Home::contact_v4, and anything behind it
  base::Endpoint address;
  std::uint8_t contact_v4_bytes{};  ///< 0 without public_v4
  HomeState state{};
  bool has_public_v6{};
  bool is_local{};
  bool is_viaduct{};
  std::uint8_t returned_percent{};
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
  /// Whether edges notify in the place of any home but a removed one.
  [[nodiscard]] bool has_edge_notified() const { return has_edge_notified_; }
  /// The latest `returned_min` of any home.
  [[nodiscard]] std::uint32_t returned_min() const { return returned_min_; }
  /// Whether any home has a max_per_s.
  [[nodiscard]] bool are_any_limited() const { return are_any_limited_; }
  [[nodiscard]] auto begin() const { return homes_.begin(); }
  [[nodiscard]] auto end() const { return homes_.end(); }
  [[nodiscard]] HomeIndex find(std::string_view name) const;  ///< no_home when absent; finds removed homes too
  /// The home with that address or public address, else one with that host at any port; no_home when there is none. Removed homes are not found.
  /// Logarithmic in the homes.
  [[nodiscard]] HomeIndex find(const base::Endpoint& e) const;
  /// True when a home but a removed one has that host in its address or public address.
  [[nodiscard]] bool is_home_host(const base::Address& a) const;

 private:
  friend HomeIndex next_up(const Homes& homes, std::uint64_t key_hash, HomeIndex except);
  std::vector<Home> homes_;
  std::vector<HomeBrief> briefs_;  // of homes_
  std::uint32_t returned_min_{};
  bool has_edge_notified_{};
  bool are_any_limited_{};
  std::vector<HomeIndex> by_name_;  // sorted by name
  std::vector<std::pair<base::Endpoint, HomeIndex>> endpoints_;  // sorted, without removed homes
  Rendezvous up_{base::Key128{}};  // the homes that are up, returning ones only for want of others; unkeyed: it orders by a keyed hash
};

/// The next up home but `except` in the rendezvous order of a key: where a client of a home that is down goes. no_home when none is up.
/// Weighted rendezvous hashing by home name and weight; `key_hash` is a word of a client key, so the fleet's seed is in it. Only homes that are up are
/// chosen, and those in slow start only when there are no others: who waits for his own to take him back stays where he is. Cost: about a nanosecond a home.
[[nodiscard]] HomeIndex next_up(const Homes& homes, std::uint64_t key_hash, HomeIndex except = no_home);

/// Whether a client of a home in slow start has had his turn to go back. As the share rises, none has it taken from him again. The bits of his key are
/// those that choose neither his slot nor his fail-over.
[[nodiscard]] constexpr bool has_returned(const HomeBrief& home, const base::Hash128& client) {
  return (std::uint64_t{static_cast<std::uint32_t>(client.high)} * returned_percent_all >> 32) < home.returned_percent;
}

}  // namespace viaduct::assign
