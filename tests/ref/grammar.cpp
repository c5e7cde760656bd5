// SPDX-License-Identifier: Apache-2.0
// The rules, each as it stands in the RFC; what is tolerated beyond it says so.
#include "grammar.h"

#include <arpa/inet.h>

#include <cctype>
#include <cstring>

namespace viaduct::ref {
namespace {

bool one_of(char c, const char* set) { return c != '\0' && std::strchr(set, c) != nullptr; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_alphanum(char c) { return is_alpha(c) || is_digit(c); }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_utf8(char c) { return static_cast<unsigned char>(c) >= 0x80; }
bool is_visible(char c) { return c >= 0x21 && c <= 0x7e; }
bool is_unreserved(char c) { return is_alphanum(c) || one_of(c, "-_.!~*'()"); }

}  // namespace

bool is_token_octet(char c) { return is_alphanum(c) || one_of(c, "-.!%*_+`'~"); }

bool same_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (std::tolower(static_cast<unsigned char>(a[i])) != std::tolower(static_cast<unsigned char>(b[i]))) return false;
  return true;
}

template <typename Predicate>
bool Grammar::some(Predicate wanted, std::string* out) {
  const std::size_t from = at_;
  while (!done() && wanted(text_[at_])) ++at_;
  if (out != nullptr) *out = since(from);
  return at_ > from;
}

template <typename Predicate>
bool Grammar::escaped_some(Predicate wanted) {
  const std::size_t from = at_;
  for (;;) {
    if (!done() && wanted(text_[at_]))
      ++at_;
    else if (at_ + 3 <= text_.size() && text_[at_] == '%' && is_hex(text_[at_ + 1]) && is_hex(text_[at_ + 2]))
      at_ += 3;
    else
      return at_ > from;
  }
}

bool Grammar::octet(char c) {
  if (done() || text_[at_] != c) return false;
  ++at_;
  return true;
}

bool Grammar::lws() {
  return some([](char c) { return c == ' ' || c == '\t'; });
}
void Grammar::sws() { static_cast<void>(lws()); }
bool Grammar::token(std::string* out) { return some(is_token_octet, out); }
bool Grammar::word(std::string* out) {
  return some([](char c) { return is_token_octet(c) || one_of(c, "()<>:\\\"/[]?{}"); }, out);
}
bool Grammar::digits(std::string* out) { return some(is_digit, out); }

bool Grammar::separator(char c) {
  sws();
  if (!octet(c)) return false;
  sws();
  return true;
}

// quoted-string = SWS DQUOTE *(qdtext / quoted-pair ) DQUOTE, the white space before it taken by the caller.
bool Grammar::quoted_string() {
  if (!octet('"')) return false;
  while (!done()) {
    const char c = text_[at_++];
    if (c == '"') return true;
    if (c == '\\') {
      if (done() || is_utf8(text_[at_]) || text_[at_] == '\r' || text_[at_] == '\n') return false;
      ++at_;
    } else if (c != ' ' && c != '\t' && !is_visible(c) && !is_utf8(c)) {
      return false;
    }
  }
  return false;
}

bool Grammar::parameter(std::string* name, std::string* value, bool* quoted) {
  value->clear();
  *quoted = false;
  if (!separator(';') || !token(name)) return false;
  const std::size_t behind = at_;
  if (!separator('=')) {
    at_ = behind;
    return true;
  }
  const std::size_t from = at_;
  if (next() == '"') {
    *quoted = true;
    if (!quoted_string()) return false;
    *value = since(from);
    return true;
  }
  return some([](char c) { return is_visible(c) && !one_of(c, "\",;<>\\@?"); }, value);
}

bool Grammar::absolute_uri_scheme() {
  if (!is_alpha(next())) return false;
  some([](char c) { return is_alphanum(c) || one_of(c, "+-."); });
  return octet(':');
}

// ( name-addr / addr-spec ); an addr-spec may hold no comma, question mark or semicolon (20). Between < and > anything goes that cannot end it.
bool Grammar::name_addr_or_spec(std::string* uri) {
  const std::size_t from = at_;
  if (next() == '"') {
    if (!quoted_string()) return false;
    sws();
  } else if (next() != '<') {
    // An addr-spec begins with a scheme, a display name does not.
    const auto in_display = [](char c) { return is_token_octet(c) || is_utf8(c); };
    some(in_display);
    if (next() == ':') {
      at_ = from;
      some([](char c) { return is_visible(c) && !one_of(c, "<>\",;?"); }, uri);
      Grammar spec{*uri};
      return spec.absolute_uri_scheme() && !spec.done();
    }
    for (sws(); next() != '<'; sws())
      if (!some(in_display)) return false;
  }
  if (!octet('<')) return false;
  some([](char c) { return is_visible(c) && !one_of(c, "<>\""); }, uri);
  Grammar spec{*uri};
  return spec.absolute_uri_scheme() && !spec.done() && octet('>');
}

bool Grammar::host() {
  if (next() != '[') return some([](char c) { return is_alphanum(c) || one_of(c, "-._"); });  // '_' is tolerated
  ++at_;
  std::string address;
  some([](char c) { return is_hex(c) || c == ':' || c == '.'; }, &address);
  // RFC 5118 4.10: three colons are read as two.
  if (const std::size_t three = address.find(":::"); three != std::string::npos) address.erase(three, 1);
  in6_addr parsed;
  return inet_pton(AF_INET6, address.c_str(), &parsed) == 1 && octet(']');
}

bool Grammar::port() {
  std::string number;
  if (!digits(&number)) return false;
  number.erase(0, number.find_first_not_of('0'));
  return !number.empty() && number.size() <= 5 && std::stoi(number) <= 65535;
}

bool Grammar::uri_parameters() {
  const auto param_octet = [](char c) { return is_unreserved(c) || one_of(c, "[]/:&+$"); };
  while (octet(';')) {
    if (!escaped_some(param_octet)) return false;
    if (octet('=') && !escaped_some(param_octet)) return false;
  }
  return true;
}

bool Grammar::uri_headers() {
  const auto header_octet = [](char c) { return is_unreserved(c) || one_of(c, "[]/?:+$"); };
  if (!octet('?')) return true;
  do {
    if (!escaped_some(header_octet) || !octet('=')) return false;
    escaped_some(header_octet);
  } while (octet('&'));
  return true;
}

// [ userinfo ] hostport uri-parameters [ headers ]; only userinfo ends with '@', and no '@' may stand raw elsewhere.
bool Grammar::sip_uri() {
  if (text_.find('@', at_) != std::string_view::npos) {
    if (!escaped_some([](char c) { return is_unreserved(c) || one_of(c, "&=+$,;?/"); })) return false;
    if (octet(':')) escaped_some([](char c) { return is_unreserved(c) || one_of(c, "&=+$,"); });
    if (!octet('@')) return false;
  }
  if (!host()) return false;
  if (octet(':') && !port()) return false;
  return uri_parameters() && uri_headers() && done();
}

// RFC 3966 3, global or local number; which parameters it must have is not asked here.
bool Grammar::tel_uri() {
  static_cast<void>(octet('+'));
  std::string number;
  if (!some([](char c) { return is_hex(c) || one_of(c, "*#-.()"); }, &number)) return false;
  if (number.find_first_not_of("-.()") == std::string::npos) return false;
  return uri_parameters() && done();
}

bool is_request_uri(std::string_view uri) {
  Grammar g{uri};
  if (!g.absolute_uri_scheme()) return false;
  const std::string scheme = g.since(0);
  if (same_ignoring_case(scheme, "sip:") || same_ignoring_case(scheme, "sips:")) return g.sip_uri();
  if (same_ignoring_case(scheme, "tel:")) return g.tel_uri();
  if (g.done()) return false;
  for (char c : uri)
    if (!is_unreserved(c) && !one_of(c, "%;/?:@&=+$,[]")) return false;
  return true;
}

bool is_version(std::string_view word) {
  Grammar g{word};
  for (char c : std::string_view{"SIP/"}) {
    if (std::toupper(static_cast<unsigned char>(g.next())) != c || !g.octet(g.next())) return false;
  }
  return g.digits() && g.octet('.') && g.digits() && g.done();
}

}  // namespace viaduct::ref
