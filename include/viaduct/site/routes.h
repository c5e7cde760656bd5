// SPDX-License-Identifier: Apache-2.0
// Which way leads to an address: the longest prefix that holds it, as ranges of addresses that are searched by halves.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "viaduct/base/address.h"
#include "viaduct/base/link.h"

namespace viaduct::site {

struct Route {
  base::Prefix to;
  base::Address via;   ///< the next hop; unset: what is in `to` is on the link itself
  base::Link link = base::Link::any();
};

/// The next step towards a place. Shape: borrows from the routes or from the destination asked for.
struct Hop {
  const base::Address& address;   ///< the destination itself, or a gateway; unset: there is no way
  base::Link link;
};

/// Thread: immutable once published, as part of the neighbours.
class Routes {
 public:
  Routes() : Routes(std::vector<Route>{}) {}
  /// Of several to one prefix the first is the way.
  explicit Routes(std::vector<Route> routes);
  [[nodiscard]] Hop next_hop(const base::Address& destination) const {
    const Way& way = ways_[destination.is_v4() ? v4_.find(v4_key(destination)) : v6_.find(v6_key(destination))];
    return {.address = way.is_direct ? destination : way.via, .link = way.link};
  }

 private:
  static constexpr std::uint32_t nowhere = 0;   // in ways_
  using V6Key = std::array<std::uint64_t, 2>;
  [[nodiscard]] static std::uint32_t v4_key(const base::Address& a) { return std::byteswap(a.v4_wire()); }
  [[nodiscard]] static V6Key v6_key(const base::Address& a) { return {std::byteswap(a.words()[0]), std::byteswap(a.words()[1])}; }

  struct Way {
    base::Address via;
    base::Link link = base::Link::any();
    bool is_direct{};
    bool operator==(const Way&) const = default;
  };
  /// Ascending ranges that cover all keys: each begins at its start, and ends before the next one's.
  template <typename Key>
  struct Ranges {
    std::vector<Key> starts;
    std::vector<std::uint32_t> ways;
    [[nodiscard]] std::uint32_t find(const Key& key) const {
      const Key* at = starts.data();
      for (std::size_t count = starts.size(); count > 1; count -= count / 2)
        if (at[count / 2] <= key) at += count / 2;
      return ways[static_cast<std::size_t>(at - starts.data())];
    }
    void begin(const Key& start, std::uint32_t way);
  };
  struct Span;
  template <typename Key>
  static void lay_out(const std::vector<Span>& spans, Key (*key)(const base::Address&), Ranges<Key>& out);

  Ranges<std::uint32_t> v4_;
  Ranges<V6Key> v6_;
  std::vector<Way> ways_;
};

}  // namespace viaduct::site
