// SPDX-License-Identifier: Apache-2.0
// How much a source and a client may send, and how much a source may make us send: the operator's limits as workers read them.
#pragma once
#include <cstdint>
#include <vector>

#include "viaduct/base/address.h"

namespace viaduct::site {

/// So much a second, and so much at once, as time: each unit takes `each_ns`, and `capacity_ns` may be owed.
struct Rate {
  std::uint64_t each_ns{};       ///< 0: no limit
  std::uint64_t capacity_ns{};
  [[nodiscard]] bool is_set() const { return each_ns != 0; }
};
/// Shape: `a_second` is at most 10^8, so that a unit takes 10 ns at least; 0: no limit.
[[nodiscard]] constexpr Rate rate(std::uint64_t a_second, std::uint64_t at_once) {
  constexpr std::uint64_t second_ns = 1'000'000'000;
  return a_second == 0 ? Rate{} : Rate{.each_ns = second_ns / a_second, .capacity_ns = second_ns / a_second * at_once};
}

/// What becomes of what is over a limit.
enum class Over : std::uint8_t { drop, answer_503 };

/// Thread: immutable, part of the site. Each worker keeps to them by itself.
struct Limits {
  bool is_any{};                        ///< false: nothing below is asked for
  Over over{};
  std::uint8_t source_bits_v4{128};     ///< of the 128-bit form: sources that agree so far are one
  std::uint8_t source_bits_v6{64};
  Rate source;                          ///< packets of one source
  Rate strangers;                       ///< packets of all sources together that are neither friends nor have registered lately
  Rate client;                          ///< requests for one client
  Rate reply;                           ///< octets of our answers to one source
  std::vector<base::Prefix> friends;    ///< never limited, beside homes and edges: trusted proxies among them
};

}  // namespace viaduct::site
