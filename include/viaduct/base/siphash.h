// SPDX-License-Identifier: Apache-2.0
// SipHash's state and rounds for any number of rounds; which of them the product uses is decided in hash.h.
#pragma once
#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace viaduct::base {

using Key128 = std::array<std::uint8_t, 16>;

/// 128 bits of hash, as two words.
struct Hash128 {
  std::uint64_t low{};
  std::uint64_t high{};
  constexpr auto operator<=>(const Hash128&) const = default;
};

static_assert(std::endian::native == std::endian::little, "words are loaded as they stand");

[[gnu::always_inline]] inline std::uint64_t load_word(const void* from) {
  std::uint64_t word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

/// The `bytes` (0 to 7) octets at `from`, little endian. Reads nothing else.
[[gnu::always_inline]] inline std::uint64_t load_tail(const char* from, std::size_t bytes) {
  std::uint32_t low;
  std::uint32_t high;
  if (bytes >= 4) {  // two loads that overlap
    std::memcpy(&low, from, 4);
    std::memcpy(&high, from + bytes - 4, 4);
    return low | std::uint64_t{high} << (8 * (bytes - 4));
  }
  if (bytes == 0) return 0;
  const auto octet = [&](std::size_t i) { return static_cast<std::uint64_t>(static_cast<unsigned char>(from[i])) << (8 * i); };
  return octet(0) | octet(bytes / 2) | octet(bytes - 1);  // one to three octets; the same one twice does no harm
}

/// SipHash-c-d. Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2.1 to 2.4; 128-bit output as in their reference code.
template <int c_rounds, int d_rounds>
struct SipState {
  std::uint64_t v0, v1, v2, v3;

  [[gnu::always_inline]] SipState(const Key128& key, std::size_t out_bytes) {
    const std::uint64_t k0 = load_word(key.data());
    const std::uint64_t k1 = load_word(key.data() + 8);
    v0 = k0 ^ 0x736f6d6570736575;
    v1 = k1 ^ 0x646f72616e646f6d ^ (out_bytes == 16 ? 0xee : 0);
    v2 = k0 ^ 0x6c7967656e657261;
    v3 = k1 ^ 0x7465646279746573;
  }
  template <int rounds>
  [[gnu::always_inline]] void mix() {
    for (int i = 0; i < rounds; ++i) {
      v0 += v1;
      v2 += v3;
      v1 = std::rotl(v1, 13) ^ v0;
      v3 = std::rotl(v3, 16) ^ v2;
      v0 = std::rotl(v0, 32);
      v2 += v1;
      v0 += v3;
      v1 = std::rotl(v1, 17) ^ v2;
      v3 = std::rotl(v3, 21) ^ v0;
      v2 = std::rotl(v2, 32);
    }
  }
  [[gnu::always_inline]] void word(std::uint64_t w) {
    v3 ^= w;
    mix<c_rounds>();
    v0 ^= w;
  }
  [[gnu::always_inline]] std::uint64_t finish64() {
    v2 ^= 0xff;
    mix<d_rounds>();
    return v0 ^ v1 ^ v2 ^ v3;
  }
  [[gnu::always_inline]] Hash128 finish128() {
    Hash128 out;
    v2 ^= 0xee;
    mix<d_rounds>();
    out.low = v0 ^ v1 ^ v2 ^ v3;
    v1 ^= 0xdd;
    mix<d_rounds>();
    out.high = v0 ^ v1 ^ v2 ^ v3;
    return out;
  }
  /// All octets of a message, and the last word with its length.
  [[gnu::always_inline]] void absorb(std::string_view bytes) {
    const char* at = bytes.data();
    const char* const words_end = at + (bytes.size() & ~std::size_t{7});
    for (; at != words_end; at += 8) word(load_word(at));
    word(load_tail(at, bytes.size() & 7) | std::uint64_t{bytes.size()} << 56);
  }
};

template <int c_rounds, int d_rounds>
[[gnu::always_inline]] inline Hash128 siphash_128(const Key128& key, std::string_view bytes) {
  SipState<c_rounds, d_rounds> state(key, 16);
  state.absorb(bytes);
  return state.finish128();
}

template <int c_rounds, int d_rounds>
[[gnu::always_inline]] inline std::uint64_t siphash_64(const Key128& key, std::string_view bytes) {
  SipState<c_rounds, d_rounds> state(key, 8);
  state.absorb(bytes);
  return state.finish64();
}

}  // namespace viaduct::base
