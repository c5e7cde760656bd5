// SPDX-License-Identifier: Apache-2.0
// The pieces of header values that are seldom met or too long to stand in line: quotes, folds, parameters, name-addr.
#include "field.h"

namespace viaduct::sip {
namespace {

bool is_wsp(char c) { return c == ' ' || c == '\t'; }

/// Behind a fold that starts at `at` (a line end and white space), or `at` itself.
const char* behind_fold(const char* at, const char* end) {
  const char* next = at < end && *at == '\r' ? at + 1 : at;
  if (next + 1 < end && *next == '\n' && is_wsp(next[1])) return next + 2;
  return at;
}

/// A display name of tokens before '<'.
bool skip_display_tokens(Cursor& c) {
  for (;;) {
    c.skip_lws();
    if (c.peek() == '<') return true;
    if (c.take_run<display_octet>().empty()) return false;
  }
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (is_wsp(text[0]) || text[0] == '\n' || text.starts_with("\r\n"))) text.remove_prefix(text[0] == '\r' ? 2 : 1);
  while (!text.empty() && (is_wsp(text.back()) || text.back() == '\n')) text.remove_suffix(text.ends_with("\r\n") ? 2 : 1);
  return text;
}

void Cursor::skip_lws_slow() {
  while (at < end) {
    if (is_wsp(*at)) {
      ++at;
      continue;
    }
    const char* next = behind_fold(at, end);
    if (next == at) return;
    at = next;
  }
}

std::string_view Cursor::take_quoted() {
  const char* from = at;
  if (!take('"')) return {};
  while (!done()) {
    take_run<quoted_octet>();
    if (take('"')) return {from, static_cast<std::size_t>(at - from)};
    if (peek() == '\\') {
      // quoted-pair: any octet below 0x80 but CR and LF.
      if (end - at < 2 || at[1] == '\r' || at[1] == '\n' || static_cast<unsigned char>(at[1]) >= 0x80) return {};
      at += 2;
    } else {
      const char* next = behind_fold(at, end);
      if (next == at) return {};
      at = next;
    }
  }
  return {};
}

bool take_param(Cursor& c, Param& out) {
  if (!c.take_separator(';')) return false;
  out.name = c.take_run<token_octet>();
  out.value = {};
  out.has_value = out.quoted = false;
  if (out.name.empty()) return false;
  if (c.peek() != '=') {
    const char* behind_name = c.at;
    c.skip_lws();
    if (c.peek() != '=') {
      c.at = behind_name;
      return true;
    }
  }
  c.take_separator('=');
  out.has_value = true;
  out.quoted = c.peek() == '"';
  out.value = out.quoted ? c.take_quoted() : c.take_run<param_octet>();
  return !out.value.empty();
}

bool take_name_addr(Cursor& c, NameAddr& out) {
  if (c.peek() == '"') {
    if (c.take_quoted().empty()) return false;
    c.skip_lws();
  } else if (c.peek() != '<') {
    const char* from = c.at;
    c.take_run<display_octet>();
    if (c.peek() == ':') {
      c.at = from;
      out = {c.take_run<bare_uri_octet>(), false};
      return has_scheme(out.uri);
    }
    if (!skip_display_tokens(c)) return false;
  }
  if (!c.take('<')) return false;
  out = {c.take_run<uri_octet>(), true};
  return has_scheme(out.uri) && c.take('>');
}

std::uint64_t to_number(std::string_view digits) {
  constexpr std::uint64_t too_large = std::uint64_t{1} << 32U;
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

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (to_lower(a[i]) != to_lower(b[i])) return false;
  return true;
}

}  // namespace viaduct::sip
