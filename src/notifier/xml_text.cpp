// SPDX-License-Identifier: Apache-2.0
#include "xml_text.h"

#include <cstdint>

namespace viaduct::notifier {
namespace {

constexpr std::string_view replacement = "\xef\xbf\xbd";  // U+FFFD

std::uint8_t octet(char c) { return static_cast<std::uint8_t>(c); }

/// Octets of the sequence that begins with `lead`; 0 when none does.
std::size_t sequence_bytes(std::uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xc2) return 0;  // a further octet, or an overlong form
  if (lead < 0xe0) return 2;
  if (lead < 0xf0) return 3;
  return lead < 0xf5 ? 4 : 0;
}

bool is_xml_character(std::uint32_t c) { return c >= 0x20 && c != 0xfffe && c != 0xffff; }

/// Overlong forms, surrogates and what lies behind U+10FFFF are told by the number. Shape: of a sequence of so many octets.
bool is_in_range(std::uint32_t c, std::size_t bytes) {
  if (bytes == 3) return c >= 0x800 && (c < 0xd800 || c > 0xdfff);
  return bytes != 4 || (c >= 0x10000 && c <= 0x10ffff);
}

/// Octets of the character that `text` begins with; 0 when it is none that XML has.
std::size_t character_bytes(std::string_view text) {
  const std::size_t bytes = sequence_bytes(octet(text[0]));
  if (bytes == 0 || bytes > text.size()) return 0;
  std::uint32_t c = bytes == 1 ? octet(text[0]) : octet(text[0]) & (0x7fU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((octet(text[i]) & 0xc0U) != 0x80) return 0;
    c = c << 6U | (octet(text[i]) & 0x3fU);
  }
  return is_in_range(c, bytes) && is_xml_character(c) ? bytes : 0;
}

bool is_uri_octet(char c) {
  constexpr std::string_view excluded = "\"<>\\^`{|}#";  // RFC 2396 2.4.3
  return c > ' ' && c < '\x7f' && excluded.find(c) == excluded.npos;
}

bool is_escape(std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdefABCDEF";
  return text.size() > 2 && hex.find(text[1]) != hex.npos && hex.find(text[2]) != hex.npos;
}

}  // namespace

std::string xml_uri(std::string_view octets) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (std::size_t i = 0; i < octets.size(); ++i) {
    const char c = octets[i];
    if (c == '%' ? is_escape(octets.substr(i)) : is_uri_octet(c))
      out += c;
    else
      out.append({'%', digits[octet(c) >> 4U], digits[octet(c) & 15U]});
  }
  return out;
}

std::string xml_text(std::string_view octets) {
  std::string out;
  while (!octets.empty()) {
    const bool is_blank = octets[0] == '\t' || octets[0] == '\r' || octets[0] == '\n';
    const std::size_t bytes = is_blank ? 1 : character_bytes(octets);
    out += is_blank ? " " : bytes == 0 ? replacement : octets.substr(0, bytes);
    octets.remove_prefix(bytes == 0 ? 1 : bytes);
  }
  return out;
}

}  // namespace viaduct::notifier
