// SPDX-License-Identifier: Apache-2.0
// The pieces of header values that are seldom met or too long to stand in line: quotes, folds, parameters, name-addr.
#include "field.h"

#include <bit>

namespace viaduct::sip {
namespace {

bool is_wsp(char c) { return c == ' ' || c == '\t'; }

/// Behind a fold that starts at `at` (a line end and white space), or `at` itself.
const char* behind_fold(const char* at, const char* end) {
  const char* next = at < end && *at == '\r' ? at + 1 : at;
  if (next + 1 < end && *next == '\n' && is_wsp(next[1])) return next + 2;
  return at;
}

/// quoted-pair: any octet below 0x80 but CR and LF.
bool is_pair(const char* at, const char* end) {
  return end - at >= 2 && *at == '\\' && at[1] != '\r' && at[1] != '\n' && static_cast<unsigned char>(at[1]) < 0x80;
}

__m256i load(const char* at) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)); }
__m256i equal(__m256i octets, char c) { return _mm256_cmpeq_epi8(octets, _mm256_set1_epi8(c)); }
__m256i wsp(__m256i octets) { return _mm256_or_si256(equal(octets, ' '), equal(octets, '\t')); }
std::uint32_t mask(__m256i octets) { return static_cast<std::uint32_t>(_mm256_movemask_epi8(octets)); }

/// Those of 32 octets that are a line end of a fold. Shape: two octets more may be read.
__m256i folds(const char* at) {
  const __m256i here = load(at), next = load(at + 1), behind = load(at + 2);
  const __m256i line_end = _mm256_and_si256(equal(here, '\n'), wsp(next));
  const __m256i crlf = _mm256_and_si256(_mm256_and_si256(equal(here, '\r'), equal(next, '\n')), wsp(behind));
  return _mm256_or_si256(line_end, crlf);
}

/// One bit for each of 32 octets: set where no LWS goes on. Shape: as folds.
std::uint32_t not_blank(const char* at) { return ~mask(_mm256_or_si256(wsp(load(at)), folds(at))); }

/// Tokens and the blanks between them.
constexpr CharClass display_text_octet = display_octet | " \t";

/// Behind the tokens of a display name and the LWS between them.
const char* behind_display_text(const char* at, const char* end) {
  for (; end - at >= static_cast<std::ptrdiff_t>(vector_bytes) + 2; at += vector_bytes)
    if (const std::uint32_t ends = others<display_text_octet>(load(at)) & ~mask(folds(at)); ends != 0) return at + std::countr_zero(ends);
  for (;;) {
    at = run_scalar<display_text_octet>(at, end);
    const char* const next = behind_fold(at, end);
    if (next == at) return at;
    at = next;
  }
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (is_wsp(text[0]) || text[0] == '\n' || text.starts_with("\r\n"))) text.remove_prefix(text[0] == '\r' ? 2 : 1);
  while (!text.empty() && (is_wsp(text.back()) || text.back() == '\n')) text.remove_suffix(text.ends_with("\r\n") ? 2 : 1);
  return text;
}

const char* behind_lws(const char* at, const char* end) {
  if (end - at > 1 && *at == ' ' && at[1] > ' ') [[likely]]
    return at + 1;
  for (; end - at >= static_cast<std::ptrdiff_t>(vector_bytes) + 2; at += vector_bytes)
    if (const std::uint32_t mask = not_blank(at); mask != 0) return at + std::countr_zero(mask);
  while (at < end && *at <= ' ') {
    const char* const next = is_wsp(*at) ? at + 1 : behind_fold(at, end);
    if (next == at) break;
    at = next;
  }
  return at;
}

const char* behind_quoted(const char* at, const char* end, RunEnds<quoted_octet>& plain) {
  ++at;
  while ((at = plain.run(at)) < end) {
    if (*at == '"') return at + 1;
    if (*at == '\\') {
      if (!is_pair(at, end)) return nullptr;
      do at += 2;  // pairs one behind the other need no look at what ends a run
      while (is_pair(at, end));
    } else {
      const char* const next = behind_fold(at, end);
      if (next == at) return nullptr;
      at = next;
    }
  }
  return nullptr;
}

bool take_name_addr(Cursor& c, NameAddr& out) {
  if (c.peek() == '"') {
    RunEnds<quoted_octet> plain(c.reach);
    c.at = behind_quoted(c.at, c.end, plain);
    if (c.at == nullptr) return false;
    c.skip_lws();
  } else if (c.peek() != '<') {
    const char* from = c.at;
    c.take_run<display_octet>();
    if (c.peek() == ':') {
      c.at = from;
      out = {c.take_run<bare_uri_octet>(), false};
      return has_scheme(out.uri);
    }
    c.at = behind_display_text(c.at, c.end);
  }
  if (!c.take('<')) return false;
  out = {c.take_run<uri_octet>(), true};
  return has_scheme(out.uri) && c.take('>');
}

std::uint64_t to_number(std::string_view digits) {
  constexpr std::uint64_t too_large = std::uint64_t{1} << 32U;
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
  std::uint64_t number = 0;
  for (char c : digits) {
    number = number * 10 + static_cast<std::uint64_t>(c - '0');
    if (number >= too_large) return too_large;
  }
  return number;
}

bool has_scheme(std::string_view uri) {
  constexpr std::uint64_t sip = param_word("sip:");
  if (uri.size() > 4) {
    std::uint32_t first{};
    std::memcpy(&first, uri.data(), 4);
    if ((first | 0x00202020U) == sip) return true;
  }
  if (uri.empty() || !(alphanum - "0123456789").has(uri[0])) return false;
  const char* end = uri.data() + uri.size();
  const char* at = run_scalar<scheme_octet>(uri.data(), end);
  return at + 1 < end && *at == ':';
}

}  // namespace viaduct::sip
