// SPDX-License-Identifier: Apache-2.0
// SIP and tel URIs taken apart by the grammar of RFC 3261 25.1; the canonical AoR made from them is in aor.cpp.
#include "uri.h"

#include "usual.h"

namespace viaduct::sip {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// Take a run of class C in which %HH may stand.
template <const CharClass& C>
std::string_view take_escaped_run(Cursor& c) {
  const char* from = c.at;
  for (;;) {
    c.take_run<C>();
    if (c.peek() != '%') break;
    if (c.end - c.at < 3 || hex_value(c.at[1]) < 0 || hex_value(c.at[2]) < 0) break;
    c.at += 3;
  }
  return {from, static_cast<std::size_t>(c.at - from)};
}

/// userinfo: user [ ":" password ], all of what the cursor has.
bool take_userinfo(Cursor c, Uri& out) {
  out.has_user = true;
  out.user = take_escaped_run<user_octet>(c);
  if (out.user.empty()) return false;
  if (c.take(':')) out.password = take_escaped_run<password_octet>(c);
  return c.done();
}

/// uri-parameters: *( ";" pname [ "=" pvalue ] ), taken as one text.
bool take_uri_params(Cursor& c, std::string_view& params) {
  if (c.peek() != ';') return true;
  const char* from = c.at + 1;
  while (c.take(';')) {
    if (take_escaped_run<uri_param_octet>(c).empty()) return false;
    if (c.take('=') && take_escaped_run<uri_param_octet>(c).empty()) return false;
  }
  params = {from, static_cast<std::size_t>(c.at - from)};
  return true;
}

/// headers: "?" hname "=" hvalue *( "&" hname "=" hvalue ), taken as one text.
bool take_uri_headers(Cursor& c, std::string_view& headers) {
  if (!c.take('?')) return true;
  const char* from = c.at;
  do {
    if (take_escaped_run<uri_header_octet>(c).empty() || !c.take('=')) return false;
    take_escaped_run<uri_header_octet>(c);
  } while (c.take('&'));
  headers = {from, static_cast<std::size_t>(c.at - from)};
  return true;
}

/// userinfo "@" where there is one. The '@' can stand at its end only: nowhere else in a URI may it be raw.
bool take_user(Cursor& c, Uri& out) {
  const char* const user_end = run<user_octet>(c.at, c.reach);
  if (user_end < c.end && *user_end == '@' && user_end != c.at) [[likely]] {  // a user without escapes, and no password
    out.has_user = true;
    out.user = {c.at, user_end};
    c.at = user_end + 1;
    return true;
  }
  const std::string_view rest{c.at, c.end};
  const std::size_t at = rest.find('@');
  if (at == std::string_view::npos) return true;
  c.at += at + 1;
  return take_userinfo({rest.substr(0, at), c.reach}, out);
}

/// Everything behind `sip:` or `sips:`.
bool take_sip_uri(Cursor c, Uri& out) {
  if (!take_user(c, out) || !take_host(c, out.host)) return false;
  if (c.done()) return true;
  if (c.take(':') && !take_port(c, out.port)) return false;
  return take_uri_params(c, out.params) && take_uri_headers(c, out.headers) && c.done();
}

/// tel: telephone-subscriber (RFC 3966 3): a number of digits and visual separators, then parameters.
bool take_tel_uri(Cursor c, Uri& out) {
  static constexpr CharClass number_octet = digit_octet | "-.()*#ABCDEFabcdef";
  out.has_user = true;
  out.user = {c.at, static_cast<std::size_t>(c.end - c.at)};
  c.take('+');
  const std::string_view number = c.take_run<number_octet>();
  if (number.find_first_not_of("-.()") == std::string_view::npos) return false;
  std::string_view params;
  return take_uri_params(c, params) && c.done();
}

std::size_t scheme_bytes(std::string_view uri, Scheme& scheme) {
  if (uri.size() >= 4 && (quad_at(uri.data()) | sip_letters) == sip_scheme) [[likely]] {
    scheme = Scheme::sip;
    return 4;
  }
  struct Row {
    std::string_view text;
    Scheme scheme;
  };
  static constexpr std::array rows = {Row{"sips:", Scheme::sips}, Row{"tel:", Scheme::tel}};
  for (const Row& row : rows)
    if (equal_ignoring_case(uri.substr(0, row.text.size()), row.text)) {
      scheme = row.scheme;
      return row.text.size();
    }
  scheme = Scheme::other;
  return 0;
}

}  // namespace

bool take_ipv6_reference(Cursor& c, std::string_view& host) {
  static constexpr CharClass reference_octet = digit_octet | "abcdefABCDEF:.";
  const char* from = c.at++;
  c.take_run<reference_octet>();
  if (!c.take(']')) return false;
  host = {from, static_cast<std::size_t>(c.at - from)};
  return to_address(host).has_value();
}

bool take_port(Cursor& c, std::uint16_t& port) {
  const std::string_view digits = c.take_run<digit_octet>();
  if (digits.empty()) return false;
  const std::uint64_t number = to_number(digits);
  port = static_cast<std::uint16_t>(number);
  return number >= 1 && number <= 0xffff;
}

std::optional<base::Address> to_address(std::string_view host) {
  if (host.starts_with('[')) {
    if (!host.ends_with(']') || host.find(':') == std::string_view::npos) return std::nullopt;
    host = host.substr(1, host.size() - 2);
  }
  const std::size_t three = host.find(":::");
  if (three == std::string_view::npos) return base::Address::parse(host);
  std::array<char, base::address_text_bytes_max> text{};
  if (host.size() > text.size()) return std::nullopt;
  std::copy(host.begin(), host.begin() + three, text.begin());
  std::copy(host.begin() + three + 1, host.end(), text.begin() + three);
  return base::Address::parse({text.data(), host.size() - 1});
}

std::expected<Uri, Bad> parse_uri(std::string_view text) { return parse_uri(text, text); }

std::expected<Uri, Bad> parse_uri(std::string_view text, std::string_view message) {
  std::expected<Uri, Bad> out;
  Uri& uri = *out;
  const std::size_t scheme = scheme_bytes(text, uri.scheme);
  if (uri.scheme == Scheme::other) {
    if (!has_scheme(text)) out = std::unexpected(Bad::uri_syntax);
    return out;
  }
  const Cursor rest{text.substr(scheme), {message.data(), message.data() + message.size()}};
  const bool good = uri.scheme == Scheme::tel ? take_tel_uri(rest, uri) : take_sip_uri(rest, uri);
  if (!good) out = std::unexpected(Bad::uri_syntax);
  return out;
}

bool is_request_uri(std::string_view uri, std::string_view message) {
  const auto parsed = parse_uri(uri, message);
  if (!parsed) return false;
  return parsed->scheme != Scheme::other || run_scalar<any_uri_octet>(uri.data(), uri.data() + uri.size()) == uri.data() + uri.size();
}

int take_unescaped(std::string_view& text) {
  const char c = text[0];
  if (c != '%') {
    text.remove_prefix(1);
    return static_cast<unsigned char>(c);
  }
  if (text.size() < 3 || hex_value(text[1]) < 0 || hex_value(text[2]) < 0) return -1;
  const int octet = hex_value(text[1]) * 16 + hex_value(text[2]);
  text.remove_prefix(3);
  return octet;
}

bool equal_unescaped(std::string_view a, std::string_view b, bool fold) {
  while (!a.empty() && !b.empty()) {
    const int x = take_unescaped(a);
    const int y = take_unescaped(b);
    if (x < 0 || y < 0) return false;
    const char c = static_cast<char>(x);
    const char d = static_cast<char>(y);
    if (fold ? to_lower(c) != to_lower(d) : c != d) return false;
  }
  return a.empty() && b.empty();
}

UriParam uri_param(std::string_view params, std::string_view name) {
  while (!params.empty()) {
    const std::size_t end = std::min(params.find(';'), params.size());
    const std::string_view param = params.substr(0, end);
    const std::size_t equal = std::min(param.find('='), param.size());
    if (equal_unescaped(param.substr(0, equal), name, true)) return {true, param.substr(std::min(equal + 1, param.size()))};
    params.remove_prefix(std::min(end + 1, params.size()));
  }
  return {};
}

}  // namespace viaduct::sip
