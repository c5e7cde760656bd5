// SPDX-License-Identifier: Apache-2.0
// A cursor over one header value, and the pieces that several headers share: white space, quotes, parameters, name-addr, numbers.
#pragma once
#include <string_view>

#include "scan.h"

namespace viaduct::sip {

/// A text without the LWS before and behind it; a line end counts as white space wherever it stands, a CR alone does not.
[[nodiscard]] std::string_view trimmed(std::string_view text);

/// Walks a value from `at` to `end`; loads may go as far as `reach`. White space is LWS: folds count, a bare CR or LF does not.
struct Cursor {
  const char* at;
  const char* end;
  Reach reach;

  Cursor(std::string_view value, Reach within) : at(value.data()), end(value.data() + value.size()), reach(within) {}
  /// A value that stands alone: nothing outside it is read.
  explicit Cursor(std::string_view value) : Cursor(value, {value.data(), value.data() + value.size()}) {}

  [[nodiscard]] bool done() const { return at >= end; }
  [[nodiscard]] char peek() const { return at < end ? *at : '\0'; }
  bool take(char c) {
    if (at >= end || *at != c) return false;
    ++at;
    return true;
  }
  /// The longest run of class C from here, taken.
  template <const CharClass& C>
  std::string_view take_run() {
    const char* from = at;
    at = std::min(run<C>(at, reach), end);
    return {from, static_cast<std::size_t>(at - from)};
  }
  void skip_lws() {
    if (at < end && *at <= ' ') [[unlikely]]
      skip_lws_slow();
  }
  /// LWS, then `c`, then LWS; nothing is taken when `c` is not there but the white space.
  bool take_separator(char c) {
    skip_lws();
    if (!take(c)) return false;
    skip_lws();
    return true;
  }
  /// A quoted string with its quotes (25.1), or an empty text when it is none or does not end.
  std::string_view take_quoted();

 private:
  void skip_lws_slow();
};

/// One parameter `;name[=value]` of a header.
struct Param {
  std::string_view name;
  std::string_view value;  ///< with its quotes; empty when there is none
  bool has_value{};
  bool quoted{};
};

/// Take `;name[=value]`, the semicolon included. False when it is not well-formed; the cursor then stands anywhere.
bool take_param(Cursor& c, Param& out);

/// Header parameter names, lower case, as word8 gives them.
constexpr std::uint64_t param_word(std::string_view name) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < name.size(); ++i) word |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(name[i])) << (8 * i);
  return word;
}
/// The same of a name in a message, letters in lower case. Shape: 1 to 8 octets of a token. (Of these only letters change by the bit 0x20, and '_'.)
inline std::uint64_t param_word(std::string_view name, Reach reach) {
  return word8(name.data(), name.size(), reach) | (0x2020202020202020U >> (64 - 8 * name.size()));
}

/// A From, To or Contact value up to its parameters.
struct NameAddr {
  std::string_view uri;  ///< without <>
  bool bracketed{};
};
/// Take name-addr or addr-spec: display name, quotes and <> checked, the URI begins with a scheme. False when it is not well-formed.
/// Source: RFC 3261 20.10, 25.1; RFC 4475 3.1.2.6, 3.1.2.14, 3.1.2.15.
bool take_name_addr(Cursor& c, NameAddr& out);

/// Up to seven decimal digits at the beginning of a word, or at `at`.
struct ShortNumber {
  std::uint32_t value;
  std::uint32_t digits;  ///< 0 when there is none, 8 when there are more than seven: then the value means nothing
};
/// Eight octets at once: the first one that is no digit ends the number, and its digits are shifted to the top, so that zeros stand for missing ones.
inline ShortNumber short_number(std::uint64_t word) {
  const std::uint64_t high_half = (word & 0xf0f0f0f0f0f0f0f0U) ^ 0x3030303030303030U;
  const std::uint64_t beyond_nine = ((word & 0x0f0f0f0f0f0f0f0fU) + 0x0606060606060606U) & 0xf0f0f0f0f0f0f0f0U;
  const auto digits = static_cast<std::uint32_t>(std::countr_zero(high_half | beyond_nine)) / 8;
  const std::uint64_t units = (word << ((64 - 8 * digits) & 63U)) & 0x0f0f0f0f0f0f0f0fU;
  const std::uint64_t pairs = units * 2561 >> 8U & 0x00ff00ff00ff00ffU;
  const std::uint64_t fours = pairs * 6553601 >> 16U & 0x0000ffff0000ffffU;
  return {static_cast<std::uint32_t>(fours * 42949672960001U >> 32U), digits};
}

inline ShortNumber short_number(const char* at, Reach reach) { return short_number(word8(at, 8, reach)); }

/// Decimal digits as a number; more than 2^32 - 1 gives 2^32. Shape: digits only, at least one.
std::uint64_t to_number(std::string_view digits);

/// True for `scheme:` and at least one octet more (RFC 3261 25.1 absoluteURI).
[[nodiscard]] bool has_scheme(std::string_view uri);

/// Letters of both cases are one; for names and hosts.
[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b);
constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

}  // namespace viaduct::sip
