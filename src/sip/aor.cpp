// SPDX-License-Identifier: Apache-2.0
// The canonical form of an address-of-record, the one name of a client everywhere.
#include "uri.h"
#include "viaduct/base/append.h"

namespace viaduct::sip {
namespace {

constexpr std::uint16_t sip_port = 5060;
constexpr std::uint16_t sips_port = 5061;

/// What an octet becomes in the plain form `sip:user@host` with no escape: itself in the user part, lower case in the host, 0 where it may not stand.
struct PlainTables {
  std::array<char, 256> user{};
  std::array<char, 256> host{};
};
constexpr PlainTables plain = [] {
  PlainTables t;
  for (int octet = 1; octet < 0x80; ++octet) {
    const char c = static_cast<char>(octet);
    if (user_octet.has(c)) t.user[static_cast<std::size_t>(octet)] = c;
    if (host_octet.has(c)) t.host[static_cast<std::size_t>(octet)] = to_lower(c);
  }
  return t;
}();

/// Copy octets through a table until one may not stand. Returns how many.
std::size_t copy_through(const std::array<char, 256>& table, std::string_view from, char* to) {
  std::size_t i = 0;
  for (; i < from.size(); ++i) {
    const char c = table[static_cast<std::uint8_t>(from[i])];
    if (c == 0) break;
    to[i] = c;
  }
  return i;
}

/// The served domain that a host in lower case stands for, or the host itself.
std::string_view mapped(const Domains& domains, std::string_view host) {
  for (const auto& [alias, served] : domains.aliases)
    if (alias == host) return served;
  return host;
}

/// `sip:user@host` with nothing to decode and nothing behind the host. Returns an empty text for everything else.
std::string_view plain_aor(std::string_view uri, const Domains& domains, std::span<char> out) {
  constexpr std::size_t scheme = 4;
  if (uri.size() <= scheme || uri.size() > out.size() || !equal_ignoring_case(uri.substr(0, scheme), "sip:")) return {};
  const std::string_view rest = uri.substr(scheme);
  const std::size_t user = copy_through(plain.user, rest, out.data());
  if (user == 0 || user >= rest.size() || rest[user] != '@') return {};
  out[user] = '@';
  char* const host = out.data() + user + 1;
  const std::string_view host_text = rest.substr(user + 1);
  const std::size_t bytes = copy_through(plain.host, host_text, host);
  if (bytes == 0 || bytes != host_text.size() || host[bytes - 1] == '.') return {};
  if (!domains.aliases.empty()) [[unlikely]] {
    const std::string_view served = mapped(domains, {host, bytes});
    if (served.data() != host) {
      if (user + 1 + served.size() > out.size()) return {};
      std::copy(served.begin(), served.end(), host);
      return {out.data(), user + 1 + served.size()};
    }
  }
  return {out.data(), user + 1 + bytes};
}

/// An octet of a user part: raw where it may stand so, else %HH in upper case.
void append_user_octet(unsigned octet, base::Append& out) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  const char c = static_cast<char>(octet);
  if (user_octet.has(c))
    out << c;
  else
    out << '%' << hex[octet >> 4U] << hex[octet & 15U];
}

/// A user part with each %HH decoded first.
bool append_user(std::string_view user, base::Append& out) {
  while (!user.empty()) {
    const int octet = take_unescaped(user);
    if (octet < 0) return false;
    append_user_octet(static_cast<unsigned>(octet), out);
  }
  return true;
}

/// Host and port: lower case, no trailing dot, RFC 5952, no default port, aliases mapped.
bool append_host(const Uri& uri, const Domains& domains, base::Append& out) {
  if (uri.host.starts_with('[')) {
    const auto address = to_address(uri.host);
    if (!address) return false;
    std::array<char, base::address_text_bytes_max + 1> text;
    // An IPv4-mapped address was written as IPv6 and stays it.
    out << '[' << (address->is_v4() ? "::ffff:" : "") << std::string_view{text.data(), address->print(text)} << ']';
  } else {
    std::array<char, 256> lower;
    std::string_view host = uri.host;
    if (host.ends_with('.')) host.remove_suffix(1);
    if (host.empty() || host.ends_with('.') || host.size() > lower.size()) return false;
    std::transform(host.begin(), host.end(), lower.begin(), to_lower);
    out << mapped(domains, {lower.data(), host.size()});
  }
  const bool usual = uri.port == sip_port || (uri.scheme == Scheme::sips && uri.port == sips_port);
  if (uri.port != 0 && !usual) out << ':' << std::uint64_t{uri.port};
  return true;
}

std::string_view default_domain(const Domains& domains) {
  if (!domains.default_domain.empty()) return domains.default_domain;
  return domains.served.empty() ? std::string_view{} : std::string_view{domains.served.front()};
}

bool is_separator(char c) { return c == '-' || c == '.' || c == '(' || c == ')'; }

/// A global number (RFC 3966 3: '+', then digits and visual separators) without its separators; nothing is written when it is none.
/// Parameters behind it are dropped.
bool append_global_number(std::string_view user, base::Append& out) {
  std::array<char, base::aor_bytes_max> digits;
  std::size_t count = 0;
  while (!user.empty() && user[0] != ';') {
    const int octet = take_unescaped(user);
    if (octet < 0 || count == digits.size()) return false;
    const char c = static_cast<char>(octet);
    if (is_separator(c) && count > 0) continue;
    if (count == 0 ? c != '+' : !digit_octet.has(c)) return false;
    digits[count++] = c;
  }
  if (count < 2) return false;
  out << std::string_view{digits.data(), count};
  return true;
}

/// descriptor = domainname / global-number-digits, RFC 3966 3.
bool is_phone_context(std::string_view text) {
  const auto fits = [](char c) { return digit_octet.has(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') || is_separator(c) || c == '+'; };
  return !text.empty() && std::all_of(text.begin(), text.end(), fits);
}

/// A local number (RFC 3966 5.1.5) is a name within its phone-context only, so that stays with it.
bool append_local_number(std::string_view subscriber, base::Append& out) {
  const std::size_t end = std::min(subscriber.find(';'), subscriber.size());
  const UriParam context = uri_param(subscriber.substr(std::min(end + 1, subscriber.size())), "phone-context");
  if (!is_phone_context(context.value)) return false;
  for (char c : subscriber.substr(0, end))
    if (!is_separator(c)) append_user_octet(static_cast<unsigned char>(to_lower(c)), out);
  out << ";phone-context=";
  for (char c : context.value) out << to_lower(c);
  return true;
}

bool append_tel(const Uri& uri, const Domains& domains, base::Append& out) {
  if (default_domain(domains).empty()) return false;
  if (!append_global_number(uri.user, out) && !append_local_number(uri.user, out)) return false;
  out << '@' << default_domain(domains);
  return true;
}

bool append_sip(const Uri& uri, const Domains& domains, base::Append& out) {
  if (equal_ignoring_case(uri_param(uri.params, "user").value, "phone") && !default_domain(domains).empty() && append_global_number(uri.user, out)) {
    out << '@' << default_domain(domains);
    return true;
  }
  if (uri.has_user) {
    if (!append_user(uri.user, out)) return false;
    out << '@';
  }
  return append_host(uri, domains, out);
}

}  // namespace

std::expected<std::string_view, Bad> canonical_aor(std::string_view uri, const Domains& domains, std::span<char> out) {
  if (const std::string_view aor = plain_aor(uri, domains, out); !aor.empty()) [[likely]]
    return aor;
  const auto parsed = parse_uri(uri);
  if (!parsed) return std::unexpected(parsed.error());
  if (parsed->scheme == Scheme::other) return std::unexpected(Bad::uri_scheme);
  base::Append text{out};
  const bool good = parsed->scheme == Scheme::tel ? append_tel(*parsed, domains, text) : append_sip(*parsed, domains, text);
  if (!good || text.overflow()) return std::unexpected(Bad::uri_syntax);
  return text.text();
}

bool serves(const Domains& domains, std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  if (std::find(domains.served.begin(), domains.served.end(), host) != domains.served.end()) return true;  // as good as always, and the cheapest
  const auto is_host = [host](std::string_view name) { return equal_ignoring_case(name, host); };
  return std::any_of(domains.served.begin(), domains.served.end(), is_host) ||
         std::any_of(domains.aliases.begin(), domains.aliases.end(), [&](const auto& alias) { return is_host(alias.first); });
}

}  // namespace viaduct::sip
