// SPDX-License-Identifier: Apache-2.0
// IP addresses, endpoints and prefixes of both families, as values; no sockets.
#pragma once
#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace viaduct::base {

static_assert(std::endian::native == std::endian::little, "is_v4 reads the octets as little-endian words");

/// An IP address. An IPv4 address is kept in its IPv4-mapped IPv6 form (::ffff:a.b.c.d), network order.
class Address {
 public:
  constexpr Address() = default;
  /// From four octets in network order.
  static constexpr Address v4(std::array<std::uint8_t, 4> octets) { return v4(std::bit_cast<std::uint32_t>(octets)); }
  /// From four octets as they stand on the wire, loaded in host byte order of memory.
  static constexpr Address v4(std::uint32_t wire) {
    Address a;
    a.octets_ = std::bit_cast<std::array<std::uint8_t, 16>>(std::array<std::uint64_t, 2>{0, std::uint64_t{wire} << 32 | 0xffff0000});
    return a;
  }
  /// Become that IPv4 address, by two stores: a copy of a fresh value would wait for what has just been stored by halves.
  void set_v4(std::uint32_t wire) {
    const std::uint64_t low = 0, high = std::uint64_t{wire} << 32 | 0xffff0000;
    std::memcpy(octets_.data(), &low, sizeof low);
    std::memcpy(octets_.data() + 8, &high, sizeof high);
  }
  /// From sixteen octets in network order.
  static constexpr Address v6(std::array<std::uint8_t, 16> octets) {
    Address a;
    a.octets_ = octets;
    return a;
  }
  /// Parse dotted decimal without leading zeros, or RFC 4291 2.2 text without brackets or zone. Errors: nullopt.
  static std::optional<Address> parse(std::string_view text);

  [[nodiscard]] constexpr bool is_v4() const { return words()[0] == 0 && static_cast<std::uint32_t>(words()[1]) == 0xffff0000; }
  [[nodiscard]] constexpr bool is_unset() const { return *this == Address{}; }
  /// Multicast (224/4, ff00::/8), broadcast (255.255.255.255), or unspecified: never a place to send to.
  [[nodiscard]] constexpr bool is_unusable_destination() const {
    if (!is_v4()) return octets_[0] == 0xff || is_unset();
    return (v4_wire() & 0xf0) == 0xe0 || v4_wire() == 0 || v4_wire() == 0xffffffff;
  }
  [[nodiscard]] constexpr const std::array<std::uint8_t, 16>& octets() const { return octets_; }
  /// The four octets of an IPv4 address as they stand on the wire, loaded in host byte order of memory.
  [[nodiscard]] constexpr std::uint32_t v4_wire() const { return static_cast<std::uint32_t>(words()[1] >> 32); }
  /// Write dotted decimal or RFC 5952 text (no brackets). Shape: out holds at least 46 octets. Returns octets written.
  std::size_t print(std::span<char> out) const;
  [[nodiscard]] std::string text() const;
  constexpr auto operator<=>(const Address&) const = default;
  /// By words: the default calls memcmp.
  constexpr bool operator==(const Address& other) const {
    const auto a = words(), b = other.words();
    return ((a[0] ^ b[0]) | (a[1] ^ b[1])) == 0;
  }
  /// The octets as two words, as they stand in memory.
  [[nodiscard]] constexpr std::array<std::uint64_t, 2> words() const { return std::bit_cast<std::array<std::uint64_t, 2>>(octets_); }

 private:
  std::array<std::uint8_t, 16> octets_{};
};

/// Longest text of an address, octets (RFC 4291, with an embedded IPv4 address).
inline constexpr std::size_t address_text_bytes_max = 45;

/// An address and a UDP port (host byte order).
struct Endpoint {
  Address address;
  std::uint16_t port{};
  constexpr auto operator<=>(const Endpoint&) const = default;
  /// Parse `1.2.3.4:5060` or `[2001:db8::1]:5060`; a missing port is `port_default`, port 0 is none. Errors: nullopt.
  static std::optional<Endpoint> parse(std::string_view text, std::uint16_t port_default);
  /// `1.2.3.4:5060` or `[2001:db8::1]:5060`. Shape: out holds at least 54 octets. Returns octets written.
  std::size_t print(std::span<char> out) const;
  [[nodiscard]] std::string text() const;
};

/// What stands before an IPv4 address in its 128-bit form, bits.
inline constexpr std::uint8_t v4_prefix_bits = 96;

/// An address prefix, `10.0.0.0/8` or `2001:db8::/32`. One of IPv6 holds no IPv4 address, `::/0` neither.
struct Prefix {
  Address address;
  std::uint8_t bits{};  ///< of the 128-bit form: an IPv4 /8 is 104
  /// Parse; bits of the address behind the prefix are dropped. Errors: nullopt.
  static std::optional<Prefix> parse(std::string_view text);
  [[nodiscard]] constexpr bool contains(const Address& a) const {
    const auto mine = address.words(), its = a.words();
    const std::uint64_t high = std::byteswap(mine[0] ^ its[0]), low = std::byteswap(mine[1] ^ its[1]);
    if (bits >= v4_prefix_bits) return high == 0 && low >> (128 - bits) == 0;
    if (a.is_v4()) return false;
    if (bits > 64) return high == 0 && low >> (128 - bits) == 0;
    return bits == 0 || high >> (64 - bits) == 0;
  }
  /// Whether it holds every address of its IP version.
  [[nodiscard]] constexpr bool is_whole() const { return bits == (address.is_v4() ? v4_prefix_bits : 0); }
  [[nodiscard]] std::string text() const;
  constexpr bool operator==(const Prefix&) const = default;
};
inline constexpr Prefix whole_v4{.address = Address::v4(0U), .bits = v4_prefix_bits}, whole_v6{};

/// Link-local addresses of IPv6: always on the link (RFC 4291 2.5.6).
inline constexpr Prefix link_local_v6{.address = Address::v6({0xfe, 0x80}), .bits = 10};

}  // namespace viaduct::base
