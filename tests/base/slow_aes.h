// SPDX-License-Identifier: Apache-2.0
// AES-128 octet by octet, as FIPS 197 writes it down: the judge of what uses the processor's instructions.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

namespace viaduct::base::slow {

using Block = std::array<std::uint8_t, 16>;

/// Product in GF(2^8). Source: FIPS 197 4.2.
inline std::uint8_t product(unsigned a, unsigned b) {
  unsigned out = 0;
  for (; b != 0; b >>= 1) {
    if (b & 1) out ^= a;
    a = a << 1 ^ (a & 0x80 ? 0x11b : 0);
  }
  return static_cast<std::uint8_t>(out);
}

/// The inverse and the affine map. Source: FIPS 197 5.1.1.
inline std::uint8_t substitute(std::uint8_t octet) {
  unsigned inverse = 0;
  for (unsigned i = 1; i < 256; ++i)
    if (product(octet, i) == 1) inverse = i;
  unsigned out = 0x63;
  for (unsigned shift = 0; shift < 5; ++shift) out ^= inverse << shift | inverse >> (8 - shift);
  return static_cast<std::uint8_t>(out);
}
inline std::uint8_t substituted(std::uint8_t octet) {
  static const auto table = [] {
    std::array<std::uint8_t, 256> all;
    for (std::size_t i = 0; i < 256; ++i) all[i] = substitute(static_cast<std::uint8_t>(i));
    return all;
  }();
  return table[octet];
}

inline Block added(const Block& a, const Block& b) {
  Block out;
  for (std::size_t i = 0; i < 16; ++i) out[i] = a[i] ^ b[i];
  return out;
}

/// SubBytes and ShiftRows. Source: FIPS 197 5.1.
inline Block shifted(const Block& state) {
  Block out;
  for (std::size_t column = 0; column < 4; ++column)
    for (std::size_t row = 0; row < 4; ++row) out[4 * column + row] = substituted(state[4 * ((column + row) % 4) + row]);
  return out;
}

/// SubBytes, ShiftRows, MixColumns, AddRoundKey.
inline Block round(const Block& state, const Block& key) {
  const Block from = shifted(state);
  Block out;
  for (std::size_t i = 0; i < 16; ++i) {
    const auto column = [&](std::size_t row) { return from[i / 4 * 4 + (i + row) % 4]; };
    out[i] = static_cast<std::uint8_t>(product(column(0), 2) ^ product(column(1), 3) ^ column(2) ^ column(3));
  }
  return added(out, key);
}

/// Source: FIPS 197 5.1, 5.2.
inline Block encrypted(Block key, const Block& plain) {
  Block state = added(plain, key);
  std::uint8_t constant = 1;
  for (int i = 1; i <= 10; ++i, constant = product(constant, 2)) {
    Block next;
    for (std::size_t j = 0; j < 16; ++j) next[j] = key[j] ^ (j >= 4 ? next[j - 4] : substituted(key[12 + (j + 1) % 4]));
    // The constant stands in the first column's first octet and so goes through its row.
    for (std::size_t j = 0; j < 16; j += 4) next[j] ^= constant;
    key = next;
    state = i < 10 ? round(state, key) : added(shifted(state), key);
  }
  return state;
}

}  // namespace viaduct::base::slow
