// SPDX-License-Identifier: Apache-2.0
// RFC 3261 10.3 step 5 and 19.1.4, RFC 3966 5.1, RFC 5952, each rule where it applies, on copies.
#include "uris.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "grammar.h"
#include "viaduct/base/limits.h"
#include "viaduct/sip/contact.h"
#include "viaduct/sip/uri.h"

namespace viaduct::ref {
namespace {

const sip::Domains domains{{"example.com", "example.net"}, {{"alias.example.org", "example.com"}}, "example.net"};

struct Pieces {
  std::string scheme, user, password, host, params, headers;
  bool has_user{};
  int port{};
};

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return text;
}

/// Shape: every % is followed by two hex digits.
std::string decoded(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    out += static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16));
    i += 2;
  }
  return out;
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> out(1);
  for (char c : text)
    if (c == separator)
      out.emplace_back();
    else
      out.back() += c;
  if (text.empty()) out.clear();
  return out;
}

std::pair<std::string, std::string> name_and_value(const std::string& text) {
  const std::size_t equal = text.find('=');
  return {text.substr(0, equal), equal == std::string::npos ? "" : text.substr(equal + 1)};
}

bool is_whole_scheme(const std::string& uri) {
  Grammar g{uri};
  return g.absolute_uri_scheme() && !g.done();
}

/// Shape: is_request_uri(uri), and the scheme is sip, sips or tel.
Pieces take_apart(const std::string& uri) {
  Pieces out;
  const std::size_t colon = uri.find(':');
  out.scheme = lower(uri.substr(0, colon));
  std::string rest = uri.substr(colon + 1);
  if (out.scheme == "tel") {
    out.user = rest.substr(0, rest.find(';'));
    if (rest.find(';') != std::string::npos) out.params = rest.substr(rest.find(';') + 1);
    return out;
  }
  if (const std::size_t at = rest.find('@'); at != std::string::npos) {
    const std::string info = rest.substr(0, at);
    out.has_user = true;
    out.user = info.substr(0, info.find(':'));
    if (info.find(':') != std::string::npos) out.password = info.substr(info.find(':') + 1);
    rest.erase(0, at + 1);
  }
  if (const std::size_t mark = rest.find('?'); mark != std::string::npos) {
    out.headers = rest.substr(mark + 1);
    rest.resize(mark);
  }
  if (const std::size_t semicolon = rest.find(';'); semicolon != std::string::npos) {
    out.params = rest.substr(semicolon + 1);
    rest.resize(semicolon);
  }
  const std::size_t port = rest.find(':', rest.find(']') == std::string::npos ? 0 : rest.find(']'));
  if (port != std::string::npos) out.port = std::stoi(rest.substr(port + 1));
  out.host = rest.substr(0, port);
  return out;
}

bool is_ours_to_read(const std::string& uri) {
  const std::string scheme = lower(uri.substr(0, std::min(uri.find(':'), uri.size())));
  return scheme == "sip" || scheme == "sips" || scheme == "tel";
}

std::string first_param(const Pieces& uri, const std::string& name) {
  for (const auto& param : split(uri.params, ';'))
    if (const auto [key, value] = name_and_value(param); lower(decoded(key)) == name) return value;
  return "";
}

std::string user_octets(const std::string& octets) {
  std::string out;
  for (const char c : octets) {
    const bool is_plain = (c >= '0' && c <= '9') || (lower(std::string(1, c))[0] >= 'a' && lower(std::string(1, c))[0] <= 'z');
    constexpr std::string_view hex = "0123456789ABCDEF";
    const auto octet = static_cast<unsigned char>(c);
    if (is_plain || std::string_view("-_.!~*'()&=+$,;?/").find(c) != std::string_view::npos)
      out += c;
    else
      out.append("%").append(1, hex[octet / 16]).append(1, hex[octet % 16]);
  }
  return out;
}

/// The 16 octets of an IPv6 reference, three colons read as two.
std::array<unsigned char, 16> octets_of(const std::string& reference) {
  std::string text = reference.substr(1, reference.size() - 2);
  if (const std::size_t three = text.find(":::"); three != std::string::npos) text.erase(three, 1);
  std::array<unsigned char, 16> octets{};
  inet_pton(AF_INET6, text.c_str(), octets.data());
  return octets;
}

/// RFC 5952 4 and 5: groups in lower case without leading zeros, the first longest run of two or more zero groups as `::`, IPv4-mapped ones dotted.
std::string address_text(const std::array<unsigned char, 16>& octets) {
  std::vector<int> groups;
  for (std::size_t i = 0; i < 16; i += 2) groups.push_back(octets[i] * 256 + octets[i + 1]);
  if (std::all_of(groups.begin(), groups.begin() + 5, [](int g) { return g == 0; }) && groups[5] == 0xffff) {
    std::string out = "::ffff:";
    for (std::size_t i = 12; i < 16; ++i) out += std::to_string(octets[i]) + (i < 15 ? "." : "");
    return out;
  }
  std::size_t run_at = 8, run = 1;
  for (std::size_t i = 0; i < 8; ++i) {
    std::size_t zeros = 0;
    while (i + zeros < 8 && groups[i + zeros] == 0) ++zeros;
    if (zeros > run) {
      run_at = i;
      run = zeros;
    }
  }
  std::string out;
  for (std::size_t i = 0; i < 8; ++i) {
    if (i == run_at) {
      out += "::";
      i += run - 1;
      continue;
    }
    if (!out.empty() && !out.ends_with(':')) out += ':';
    std::array<char, 8> hex{};
    std::snprintf(hex.data(), hex.size(), "%x", static_cast<unsigned>(groups[i]));
    out += hex.data();
  }
  return out;
}

/// Empty when it is no name.
std::string canonical_host(const Pieces& uri) {
  if (uri.host.starts_with('[')) return std::string("[").append(address_text(octets_of(uri.host))).append("]");
  std::string host = lower(uri.host);
  if (host.ends_with('.')) host.pop_back();
  if (host.ends_with('.') || host.size() > 256) return "";
  for (const auto& [alias, served] : domains.aliases)
    if (host == alias) return served;
  return host;
}

/// `+` and digits, or nothing.
std::string global_number(const std::string& user) {
  const std::string number = decoded(user.substr(0, user.find(';')));
  if (!number.starts_with('+')) return "";
  std::string digits = "+";
  for (const char c : number.substr(1)) {
    if (c >= '0' && c <= '9')
      digits += c;
    else if (std::string_view("-.()").find(c) == std::string_view::npos || c == '\0')
      return "";
  }
  return digits.size() > 1 ? digits : "";
}

std::string canonical_tel(const Pieces& uri) {
  if (const std::string number = global_number(uri.user); !number.empty()) return number + "@" + domains.default_domain;
  const std::string context = lower(first_param(uri, "phone-context"));
  if (context.empty() || context.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-.()+") != std::string::npos) return "";
  std::string digits = lower(uri.user);
  std::erase_if(digits, [](char c) { return std::string_view("-.()").find(c) != std::string_view::npos; });
  return user_octets(digits) + ";phone-context=" + context + "@" + domains.default_domain;
}

std::string canonical_sip(const Pieces& uri) {
  const std::string number = lower(first_param(uri, "user")) == "phone" ? global_number(uri.user) : "";
  const std::string host = canonical_host(uri);
  if (host.empty()) return "";
  const bool is_usual = uri.port == 0 || uri.port == 5060 || (uri.scheme == "sips" && uri.port == 5061);
  std::string out;
  if (uri.has_user) out.append(number.empty() ? user_octets(decoded(uri.user)) : number).append("@");
  out += host;
  if (!is_usual) out.append(":").append(std::to_string(uri.port));
  return out;
}

bool same_params(const Pieces& a, const Pieces& b) {
  std::map<std::string, std::string> there;
  for (const auto& param : split(b.params, ';')) {
    const auto [name, value] = name_and_value(param);
    there[lower(decoded(name))] = lower(decoded(value));
  }
  const std::set<std::string> never_default = {"user", "ttl", "method", "maddr", "transport"};
  for (const auto& param : split(a.params, ';')) {
    const auto [raw_name, value] = name_and_value(param);
    const std::string name = lower(decoded(raw_name));
    if (!there.contains(name) ? never_default.contains(name) : there[name] != lower(decoded(value))) return false;
  }
  return true;
}

std::set<std::pair<std::string, std::string>> headers_of(const Pieces& uri) {
  std::set<std::pair<std::string, std::string>> out;
  for (const auto& header : split(uri.headers, '&')) {
    const auto [name, value] = name_and_value(header);
    out.insert({lower(decoded(name)), lower(decoded(value))});
  }
  return out;
}

bool same_hosts(const std::string& a, const std::string& b) {
  if (a.starts_with('[') && b.starts_with('[')) return octets_of(a) == octets_of(b);
  return lower(a) == lower(b);
}

}  // namespace

std::string canonical_aor(const std::string& uri) {
  if (!is_ours_to_read(uri)) return is_whole_scheme(uri) ? "uri_scheme" : "uri_syntax";
  if (!is_request_uri(uri)) return "uri_syntax";
  const Pieces pieces = take_apart(uri);
  const std::string out = pieces.scheme == "tel" ? canonical_tel(pieces) : canonical_sip(pieces);
  return out.empty() || out.size() > base::aor_bytes_max ? "uri_syntax" : out;
}

bool repeats_parameters(const std::string& uri) {
  if (!is_ours_to_read(uri) || !is_request_uri(uri)) return false;
  std::set<std::string> names;
  const auto params = split(take_apart(uri).params, ';');
  return std::any_of(params.begin(), params.end(), [&](const std::string& param) { return !names.insert(lower(decoded(name_and_value(param).first))).second; });
}

bool equal_uris(const std::string& a, const std::string& b) {
  if (a == b) return true;
  if (!is_ours_to_read(a) || !is_ours_to_read(b) || !is_request_uri(a) || !is_request_uri(b)) return false;
  if (std::max(a.size(), b.size()) > base::uri_compare_bytes_max) return false;
  const Pieces x = take_apart(a), y = take_apart(b);
  if (x.scheme != y.scheme) return false;
  if (x.scheme == "tel") return lower(a) == lower(b);
  return x.has_user == y.has_user && decoded(x.user) == decoded(y.user) && decoded(x.password) == decoded(y.password) && same_hosts(x.host, y.host) &&
         x.port == y.port && same_params(x, y) && same_params(y, x) && headers_of(x) == headers_of(y);
}

namespace {

/// The parts of a URI, one a line, or what is wrong with it.
std::string parts(const std::expected<sip::Uri, sip::Bad>& uri) {
  if (!uri) return std::string(name(uri.error()));
  std::string out;
  for (const std::string_view part : {uri->user, uri->password, uri->host, uri->params, uri->headers}) out.append(part) += '\n';
  return out + std::to_string(std::to_underlying(uri->scheme)) + ' ' + std::to_string(uri->port) + (uri->has_user ? " with user" : "");
}

/// A URI by itself, and the same in texts that go on with what it could go on with.
std::string part_differences(std::string_view uri) {
  std::string report;
  const std::string alone = parts(sip::parse_uri(uri));
  for (const std::string_view behind : {"", ">", "a", "5", "%41", ":1@c;d=e?f=g", "12345678901234567890123456789012345678901234567890"}) {
    const std::string text = std::string("0@<").append(uri).append(behind);
    const std::string within = parts(sip::parse_uri(std::string_view(text).substr(3, uri.size()), std::string_view(text)));
    if (within != alone)
      report.append("'").append(uri).append("' before '").append(behind).append("': ").append(within).append("\nalone: ").append(alone) += '\n';
  }
  return report;
}

}  // namespace

std::string uri_differences(std::string_view a, std::string_view b) {
  std::string report = part_differences(a) + part_differences(b);
  for (const std::string_view uri : {a, b}) {
    std::array<char, base::aor_bytes_max> room;
    const auto canonical = sip::canonical_aor(uri, domains, room);
    const std::string fast(canonical ? *canonical : name(canonical.error())), slow = canonical_aor(std::string(uri));
    if (fast != slow) report.append("canonical '").append(fast).append("', reference '").append(slow).append("' of '").append(uri).append("'\n");
  }
  if (repeats_parameters(std::string(a)) || repeats_parameters(std::string(b))) return report;
  const bool fast = sip::uri_equal(a, b), slow = equal_uris(std::string(a), std::string(b));
  if (fast != slow)
    report.append(fast ? "" : "not ").append("equal, by the reference ").append(slow ? "" : "not: '").append(a).append("' '").append(b) += "'\n";
  return report;
}

}  // namespace viaduct::ref
