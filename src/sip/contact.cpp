// SPDX-License-Identifier: Apache-2.0
// Contact lists and Expires as a registrar reads them, and the equality of URIs by which it finds a binding.
#include "viaduct/sip/contact.h"

#include <algorithm>

#include "field.h"
#include "uri.h"

namespace viaduct::sip {
namespace {

constexpr std::uint32_t expires_default_s = 3600;  // RFC 3261 10.2.1.1, 20.19: what a malformed value counts as

/// delta-seconds, clamped to 2^32 - 1 (20.19); nullopt when malformed.
std::optional<std::uint32_t> to_seconds(std::string_view text) {
  if (text.empty() || run_scalar<digit_octet>(text.data(), text.data() + text.size()) != text.data() + text.size()) return std::nullopt;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(to_number(text), 0xffff'ffffU));
}

/// qvalue in thousandths: ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] ). Errors: nullopt.
std::optional<std::uint16_t> to_q_milli(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1') || (text.size() > 1 && text[1] != '.')) return std::nullopt;
  std::uint16_t milli = text[0] == '1' ? 1000 : 0;
  std::uint16_t weight = 100;
  for (char c : text.substr(std::min<std::size_t>(text.size(), 2))) {
    if (!digit_octet.has(c)) return std::nullopt;
    milli = static_cast<std::uint16_t>(milli + (c - '0') * weight);
    weight = static_cast<std::uint16_t>(weight / 10);
  }
  return milli <= 1000 ? std::optional{milli} : std::nullopt;
}

/// Keep a parameter that a registrar uses. False when its value makes the Contact unusable.
bool keep_param(const Param& param, Contact& out) {
  if (equal_ignoring_case(param.name, "expires")) {
    out.expires_s = to_seconds(param.value).value_or(expires_default_s);
  } else if (equal_ignoring_case(param.name, "q")) {
    const auto q = to_q_milli(param.value);
    if (!q) return false;
    out.q_milli = *q;
  } else if (equal_ignoring_case(param.name, "+sip.instance")) {
    out.instance = param.value;
  } else if (equal_ignoring_case(param.name, "reg-id")) {
    const auto id = to_seconds(param.value);
    if (!id || *id == 0) return false;  // RFC 5626 4.2: 1 to 2^31 - 1
    out.reg_id = *id;
  }
  return true;
}

std::expected<Contact, Bad> to_contact(std::string_view value) {
  Cursor c{value};
  NameAddr name;
  if (!take_name_addr(c, name)) return std::unexpected(Bad::contact_syntax);
  Contact contact;
  contact.uri = name.uri;
  c.skip_lws();
  Params params(c);
  for (const char* at = c.at; at < c.end;) {
    Param param;
    at = params.take(at, param);
    if (at == nullptr || !keep_param(param, contact)) return std::unexpected(Bad::contact_syntax);
  }
  if (!c.done()) contact.params = {c.at + 1, c.end};
  return contact;
}

/// Add the values of one Contact line.
Bad add_line(std::string_view line, Contacts& out) {
  for (std::string_view value = next_value(line); !value.empty(); value = next_value(line)) {
    if (out.star || (value == "*" && out.count > 0)) return Bad::contact_star;
    if (value == "*") {
      out.star = true;
      continue;
    }
    if (out.count == out.values.size()) return Bad::contact_too_many;
    const auto contact = to_contact(value);
    if (!contact) return contact.error();
    out.values[out.count++] = *contact;
  }
  return Bad::none;
}

}  // namespace

std::expected<Contacts, Bad> contacts(const Message& request) {
  Contacts all;
  for (std::size_t i = 0; i < request.headers; ++i)
    if (request.id[i] == HeaderId::contact)
      if (const Bad fault = add_line(request.header_value(i), all); fault != Bad::none) return std::unexpected(fault);
  return all;
}

std::optional<std::uint32_t> expires_s(const Message& request) { return to_seconds(request.value(HeaderId::expires)); }

namespace {

bool equal_hosts(std::string_view a, std::string_view b) {
  if (equal_ignoring_case(a, b)) return true;
  const auto x = to_address(a);
  return x && a.starts_with('[') && b.starts_with('[') && x == to_address(b);
}

/// These never match an absent one (19.1.4); any other parameter counts only when both have it.
bool is_never_default(std::string_view name) {
  constexpr std::array names = {"user", "ttl", "method", "maddr", "transport"};
  return std::any_of(names.begin(), names.end(), [name](std::string_view n) { return equal_unescaped(name, n, true); });
}

/// True when each parameter of `a` has its equal in `b`, or may be absent there.
bool params_match(std::string_view a, std::string_view b) {
  while (!a.empty()) {
    const std::size_t end = std::min(a.find(';'), a.size());
    const std::string_view param = a.substr(0, end);
    const std::size_t equal = std::min(param.find('='), param.size());
    const UriParam other = uri_param(b, param.substr(0, equal));
    if (!other.found && is_never_default(param.substr(0, equal))) return false;
    if (other.found && !equal_unescaped(param.substr(std::min(equal + 1, param.size())), other.value, true)) return false;
    a.remove_prefix(std::min(end + 1, a.size()));
  }
  return true;
}

/// Equal names and equal values: taken apart before escapes are decoded, since an escaped '=' is none.
bool equal_headers(std::string_view a, std::string_view b) {
  const std::size_t a_name = std::min(a.find('='), a.size());
  const std::size_t b_name = std::min(b.find('='), b.size());
  return equal_unescaped(a.substr(0, a_name), b.substr(0, b_name), true) && equal_unescaped(a.substr(a_name), b.substr(b_name), true);
}

/// True when each header of `a` stands in `b` too; they match in any order (19.1.4).
bool headers_within(std::string_view a, std::string_view b) {
  while (!a.empty()) {
    const std::size_t end = std::min(a.find('&'), a.size());
    bool found = false;
    for (std::string_view rest = b; !rest.empty() && !found;) {
      const std::size_t stop = std::min(rest.find('&'), rest.size());
      found = equal_headers(a.substr(0, end), rest.substr(0, stop));
      rest.remove_prefix(std::min(stop + 1, rest.size()));
    }
    if (!found) return false;
    a.remove_prefix(std::min(end + 1, a.size()));
  }
  return true;
}

}  // namespace

bool uri_equal(std::string_view a, std::string_view b) {
  if (a == b) return true;
  const auto x = parse_uri(a);
  const auto y = parse_uri(b);
  if (!x || !y || x->scheme != y->scheme || a.size() > base::uri_compare_bytes_max || b.size() > base::uri_compare_bytes_max) return false;
  if (x->scheme == Scheme::other) return false;
  if (x->scheme == Scheme::tel) return equal_ignoring_case(a, b);
  return x->has_user == y->has_user && equal_unescaped(x->user, y->user, false) && equal_unescaped(x->password, y->password, false) &&
         equal_hosts(x->host, y->host) && x->port == y->port && params_match(x->params, y->params) && params_match(y->params, x->params) &&
         headers_within(x->headers, y->headers) && headers_within(y->headers, x->headers);
}

}  // namespace viaduct::sip
