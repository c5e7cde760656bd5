// SPDX-License-Identifier: Apache-2.0
// Addresses, endpoints and prefixes read from text and written as text; nothing here asks the system.
#include "viaduct/base/address.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "viaduct/base/check.h"
#include "viaduct/base/dotted.h"

namespace viaduct::base {
namespace {

constexpr std::size_t groups_count = 8;  // of an IPv6 address, 16 bits each

/// A decimal number without sign and without leading zeros, up to `max`.
std::optional<unsigned> decimal(std::string_view text, unsigned max) {
  if (text.empty() || text.size() > 5 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  unsigned value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  if (value > max) return std::nullopt;
  return value;
}

std::optional<std::array<std::uint8_t, 4>> dotted(std::string_view text) {
  std::array<std::uint8_t, 4> octets{};
  for (std::size_t i = 0; i < octets.size(); ++i) {
    const std::size_t dot = text.find('.');
    if ((dot == text.npos) != (i + 1 == octets.size())) return std::nullopt;
    const auto octet = decimal(text.substr(0, dot), 255);
    if (!octet) return std::nullopt;
    octets[i] = static_cast<std::uint8_t>(*octet);
    text.remove_prefix(dot == text.npos ? text.size() : dot + 1);
  }
  return octets;
}

/// The groups on one side of `::`; the last of the text may be dotted decimal, which counts as two.
struct Groups {
  std::array<std::uint16_t, groups_count> value{};
  std::size_t count{};

  bool add(std::uint16_t group) {
    if (count == groups_count) return false;
    value[count++] = group;
    return true;
  }

  bool add_text(std::string_view text, bool last) {
    if (last && text.find('.') != text.npos) {
      const auto v4 = dotted(text);
      return v4 && add(static_cast<std::uint16_t>((*v4)[0] << 8 | (*v4)[1])) && add(static_cast<std::uint16_t>((*v4)[2] << 8 | (*v4)[3]));
    }
    std::uint16_t group = 0;
    if (text.empty() || text.size() > 4) return false;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), group, 16);
    return error == std::errc{} && end == text.data() + text.size() && add(group);
  }

  /// `a:b:c`; an empty text has no groups. `may_end_dotted`: nothing follows this side.
  bool add_all(std::string_view text, bool may_end_dotted) {
    while (!text.empty()) {
      const std::size_t colon = text.find(':');
      const bool last = colon == text.npos;
      if (!add_text(text.substr(0, colon), last && may_end_dotted)) return false;
      text.remove_prefix(last ? text.size() : colon + 1);
      if (!last && text.empty()) return false;  // a colon with nothing behind it
    }
    return true;
  }
};

/// RFC 4291 2.2: forms 1 (eight groups), 2 (`::` once, for one or more groups), 3 (dotted decimal at the end).
std::optional<std::array<std::uint8_t, 16>> colon_hex(std::string_view text) {
  const std::size_t gap = text.find("::");
  Groups left;
  Groups right;
  if (gap == text.npos) {
    if (!left.add_all(text, true) || left.count != groups_count) return std::nullopt;
  } else {
    if (!left.add_all(text.substr(0, gap), false) || !right.add_all(text.substr(gap + 2), true)) return std::nullopt;
    if (left.count + right.count >= groups_count) return std::nullopt;
    for (std::size_t i = 0; i < right.count; ++i) left.value[groups_count - right.count + i] = right.value[i];
  }
  std::array<std::uint8_t, 16> octets;
  for (std::size_t i = 0; i < groups_count; ++i) {
    octets[2 * i] = static_cast<std::uint8_t>(left.value[i] >> 8);
    octets[2 * i + 1] = static_cast<std::uint8_t>(left.value[i]);
  }
  return octets;
}

/// Where `::` stands: the longest run of two or more zero groups, the first of equals. Source: RFC 5952 4.2.
struct ZeroRun {
  std::size_t begin{groups_count};
  std::size_t count{1};
};

ZeroRun longest_zero_run(const std::array<std::uint16_t, groups_count>& groups) {
  ZeroRun best;
  std::size_t count = 0;
  for (std::size_t i = 0; i < groups_count; ++i) {
    count = groups[i] == 0 ? count + 1 : 0;
    if (count > best.count) best = {i + 1 - count, count};
  }
  return best;
}

std::size_t print_v6(const std::array<std::uint8_t, 16>& octets, std::span<char> out) {
  std::array<std::uint16_t, groups_count> groups;
  for (std::size_t i = 0; i < groups_count; ++i) groups[i] = static_cast<std::uint16_t>(octets[2 * i] << 8 | octets[2 * i + 1]);
  const ZeroRun zeros = longest_zero_run(groups);
  char* at = out.data();
  for (std::size_t i = 0; i < groups_count;) {
    if (i == zeros.begin) {
      *at++ = ':';
      *at++ = ':';
      i += zeros.count;
      continue;
    }
    if (i != 0 && i != zeros.begin + zeros.count) *at++ = ':';
    at = std::to_chars(at, out.data() + out.size(), groups[i++], 16).ptr;
  }
  return static_cast<std::size_t>(at - out.data());
}

Address without_host_bits(const Address& address, std::size_t bits) {
  std::array<std::uint8_t, 16> octets = address.octets();
  for (std::size_t i = 0; i < octets.size(); ++i) {
    const std::size_t kept = bits > 8 * i ? std::min<std::size_t>(bits - 8 * i, 8) : 0;
    octets[i] = static_cast<std::uint8_t>(octets[i] & (0xff00 >> kept));
  }
  return Address::v6(octets);
}

}  // namespace

std::optional<Address> Address::parse(std::string_view text) {
  if (text.find(':') == text.npos) {
    const auto octets = dotted(text);
    if (!octets) return std::nullopt;
    return v4(*octets);
  }
  const auto octets = colon_hex(text);
  if (!octets) return std::nullopt;
  return v6(*octets);
}

std::size_t Address::print(std::span<char> out) const {
  check(out.size() > address_text_bytes_max, "room for an address text");
  return is_v4() ? static_cast<std::size_t>(put_dotted(v4_wire(), out.data()) - out.data()) : print_v6(octets_, out);
}

std::string Address::text() const {
  std::array<char, address_text_bytes_max + 1> out;
  return {out.data(), print(out)};
}

std::optional<Endpoint> Endpoint::parse(std::string_view text, std::uint16_t port_default) {
  const bool bracketed = text.starts_with('[');
  const std::size_t host_end = bracketed ? text.find(']') : text.find(':');
  if (bracketed && host_end == text.npos) return std::nullopt;
  const auto address = Address::parse(bracketed ? text.substr(1, host_end - 1) : text.substr(0, host_end));
  // Brackets and colons go together: a dotted address in brackets is no IPv6 reference.
  if (!address || (bracketed && text.substr(0, host_end).find(':') == text.npos)) return std::nullopt;
  std::string_view rest = host_end == text.npos ? std::string_view{} : text.substr(host_end + (bracketed ? 1 : 0));
  if (rest.empty()) return Endpoint{*address, port_default};
  if (rest[0] != ':') return std::nullopt;
  const auto port = decimal(rest.substr(1), 65535);
  if (!port || *port == 0) return std::nullopt;
  return Endpoint{*address, static_cast<std::uint16_t>(*port)};
}

std::size_t Endpoint::print(std::span<char> out) const {
  check(out.size() > address_text_bytes_max + 8, "room for an endpoint text");
  const bool bracketed = !address.is_v4();
  std::size_t n = 0;
  if (bracketed) out[n++] = '[';
  n += address.print(out.subspan(n));
  if (bracketed) out[n++] = ']';
  out[n++] = ':';
  return static_cast<std::size_t>(std::to_chars(out.data() + n, out.data() + out.size(), port).ptr - out.data());
}

std::string Endpoint::text() const {
  std::array<char, address_text_bytes_max + 9> out;
  return {out.data(), print(out)};
}

std::optional<Prefix> Prefix::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == text.npos) return std::nullopt;
  const auto address = Address::parse(text.substr(0, slash));
  const bool dotted_form = text.substr(0, slash).find(':') == text.npos;
  const auto bits = decimal(text.substr(slash + 1), dotted_form ? 32 : 128);
  if (!address || !bits) return std::nullopt;
  const auto bits_all = static_cast<std::uint8_t>(*bits + (dotted_form ? v4_prefix_bits : 0));
  return Prefix{without_host_bits(*address, bits_all), bits_all};
}

std::string Prefix::text() const {
  const bool dotted_form = address.is_v4() && bits >= v4_prefix_bits;
  return address.text() + '/' + std::to_string(dotted_form ? bits - v4_prefix_bits : bits);
}

}  // namespace viaduct::base
