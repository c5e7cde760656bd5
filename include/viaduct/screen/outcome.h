// SPDX-License-Identifier: Apache-2.0
// What the screening rules say of one request: a value that travels with it.
#pragma once
#include <cstdint>

namespace viaduct::screen {

/// The index of a rule, in the order in which rules are asked.
using RuleIndex = std::uint16_t;
inline constexpr RuleIndex no_rule = 0xffff;

enum class Decision : std::uint8_t { none, drop, reject };

/// What the rules say of one request.
struct Outcome {
  Decision decision{};
  bool redirect_capable{};      ///< marked as following redirects; of two marks the later rule's stands
  bool proxy_only{};            ///< marked as never following them
  std::uint16_t status{};       ///< of a rejection
  RuleIndex rule{no_rule};      ///< that decided, or else that marked last
};

}  // namespace viaduct::screen
