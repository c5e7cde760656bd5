// SPDX-License-Identifier: Apache-2.0
// One screening rule as an operator writes it: what must hold of a request, and what is done then. Plain values; nothing is compiled here.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "viaduct/base/address.h"

namespace viaduct::screen {

/// What of a request a rule may look at. The source is the packet's address; the others are texts, searched by regular expressions.
enum class Field : std::uint8_t { user_agent, request_uri, from, source };
inline constexpr std::size_t texts_count = 3;
inline constexpr std::size_t fields_count = 4;

// One row an action: enumerator, and how a rules file writes it.
#define VIADUCT_SCREEN_ACTIONS(X)         \
  X(drop, "drop")                         \
  X(reject, "reject")                     \
  X(allow, "allow")                       \
  X(redirect_capable, "redirect-capable") \
  X(proxy_only, "proxy-only")             \
  X(tag, "tag")

/// drop, reject and allow decide; the others leave a mark, and the next rule is asked.
enum class Action : std::uint8_t {
#define X(name, text) name,
  VIADUCT_SCREEN_ACTIONS(X)
#undef X
};
inline constexpr std::array action_texts = {
#define X(name, text) std::string_view{text},
    VIADUCT_SCREEN_ACTIONS(X)
#undef X
};
[[nodiscard]] constexpr std::string_view text(Action a) { return action_texts[std::to_underlying(a)]; }
[[nodiscard]] constexpr bool decides(Action a) { return a <= Action::allow; }

/// A regular expression and where it stands, for whoever must say what is wrong with it.
struct Pattern {
  std::string regex;   ///< empty: the rule does not ask
  std::string place;   ///< `file:line: key`
};

struct Rule {
  std::string name;
  std::array<Pattern, texts_count> patterns;   ///< by Field
  std::vector<base::Prefix> sources;           ///< empty: any
  Action action{};
  std::uint16_t status{};                      ///< of a rejection
  std::string file;                            ///< that it comes from, for those who ask
};

}  // namespace viaduct::screen
