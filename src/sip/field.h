// SPDX-License-Identifier: Apache-2.0
// A cursor over one header value, and the pieces that several headers share: white space, quotes, parameters, name-addr, numbers.
#pragma once
#include <string_view>

#include "scan.h"

namespace viaduct::sip {

/// A text without the LWS before and behind it; a line end counts as white space wherever it stands, a CR alone does not.
[[nodiscard]] std::string_view trimmed(std::string_view text);

/// Behind the LWS that begins at `at`, or `at` itself.
[[nodiscard]] const char* behind_lws(const char* at, const char* end);
/// Behind the quoted string (25.1) that begins at `at`, where its first quote stands; null when it does not end. `plain` is used for its runs.
[[nodiscard]] const char* behind_quoted(const char* at, const char* end, RunEnds<quoted_octet>& plain);

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
  /// The same where many short runs are expected.
  template <const CharClass& C>
  std::string_view take_run(RunEnds<C>& ends) {
    const char* from = at;
    at = std::min(ends.run(at), end);
    return {from, static_cast<std::size_t>(at - from)};
  }
  void skip_lws() {
    if (at < end && *at <= ' ') [[unlikely]]
      at = behind_lws(at, end);
  }
  /// LWS, then `c`, then LWS; nothing is taken when `c` is not there but the white space.
  bool take_separator(char c) {
    skip_lws();
    if (!take(c)) return false;
    skip_lws();
    return true;
  }
};

/// One parameter `;name[=value]` of a header.
struct Param {
  std::string_view name;
  std::string_view value;  ///< with its quotes; empty when there is none
  bool has_value{};
  bool quoted{};
  const char* end{};  ///< of its last octet that is no white space
};

/// The parameters of a value, one after the other, up to base::header_params_max.
class Params {
 public:
  explicit Params(const Cursor& c) : end_(c.end), names_(c.reach), values_(c.reach), quoted_(c.reach) {}
  /// Take `;name[=value]` at `at`, and LWS behind it. Returns where it goes on, or null when it is not well-formed or one too many.
  /// Shape: at is before the end.
  [[gnu::always_inline]] const char* take(const char* at, Param& out) {
    if (*at != ';' || ++count_ > base::header_params_max) return nullptr;
    const char* const name = behind_blanks(at + 1);
    const char* const name_end = std::min(names_.run(name), end_);
    if (name_end == name) return nullptr;
    out = {.name = {name, name_end}, .end = name_end};
    const char* const equals = behind_blanks(name_end);
    return equals < end_ && *equals == '=' ? take_value(behind_blanks(equals + 1), out) : equals;
  }

 private:
  [[gnu::always_inline]] const char* behind_blanks(const char* at) const { return at < end_ && *at <= ' ' ? behind_lws(at, end_) : at; }
  [[gnu::always_inline]] const char* take_value(const char* value, Param& out) {
    out.quoted = value < end_ && *value == '"';
    const char* const value_end = out.quoted ? behind_quoted(value, end_, quoted_) : std::min(values_.run(value), end_);
    if (value_end == nullptr || value_end == value) return nullptr;
    out.value = {value, value_end};
    out.has_value = true;
    out.end = value_end;
    return behind_blanks(value_end);
  }

  const char* end_;
  std::size_t count_{};
  RunEnds<token_octet> names_;
  RunEnds<param_octet> values_;
  RunEnds<quoted_octet> quoted_;
};

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
/// The first octet that is no digit ends the number; its digits are moved to the end of eight places, zeros before them, and summed up by twos, fours and all.
inline ShortNumber short_number(std::uint64_t word) {
  /// Row n moves the first n of eight octets to the end.
  alignas(16) static constexpr auto to_end = [] {
    std::array<std::array<std::int8_t, 16>, 9> rows{};
    for (std::size_t n = 0; n < rows.size(); ++n)
      for (std::size_t i = 0; i < 16; ++i) rows[n][i] = static_cast<std::int8_t>(i < 8 && i + n >= 8 ? i + n - 8 : 0x80);
    return rows;
  }();
  const __m128i units = _mm_sub_epi8(_mm_cvtsi64_si128(static_cast<long long>(word)), _mm_set1_epi8('0'));
  const __m128i are_digits = _mm_cmpeq_epi8(_mm_min_epu8(units, _mm_set1_epi8(9)), units);
  const std::uint32_t digits = _tzcnt_u32(~static_cast<std::uint32_t>(_mm_movemask_epi8(are_digits)));
  const __m128i places = _mm_shuffle_epi8(units, _mm_load_si128(reinterpret_cast<const __m128i*>(to_end[digits].data())));
  const __m128i twos = _mm_maddubs_epi16(places, _mm_set1_epi16(10 | 1 << 8));
  const __m128i fours = _mm_madd_epi16(twos, _mm_set1_epi32(100 | 1 << 16));
  const __m128i all = _mm_madd_epi16(_mm_packus_epi32(fours, fours), _mm_set1_epi32(10000 | 1 << 16));
  return {static_cast<std::uint32_t>(_mm_cvtsi128_si32(all)), digits};
}

/// Decimal digits as a number; more than 2^32 - 1 gives 2^32. Shape: digits only, at least one.
std::uint64_t to_number(std::string_view digits);

/// True for `scheme:` and at least one octet more (RFC 3261 25.1 absoluteURI).
[[nodiscard]] bool has_scheme(std::string_view uri);

constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
/// Letters of both cases are one; for names and hosts.
[[nodiscard]] inline bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return to_lower(x) == to_lower(y); });
}

}  // namespace viaduct::sip
