// SPDX-License-Identifier: Apache-2.0
// Dotted decimal by a table: an octet's digits and its dot in one copy.
#pragma once
#include <array>
#include <cstdint>
#include <cstring>

namespace viaduct::base {

/// Each octet's digits and the dot behind them, and how many octets of text that is: one copy of four an octet.
struct OctetTexts {
  std::array<std::array<char, 4>, 256> text{};
  std::array<std::uint8_t, 256> bytes{};
  constexpr OctetTexts() {
    for (unsigned value = 0; value < 256; ++value) {
      std::uint8_t n = 0;
      if (value >= 100) text[value][n++] = static_cast<char>('0' + value / 100);
      if (value >= 10) text[value][n++] = static_cast<char>('0' + value / 10 % 10);
      text[value][n++] = static_cast<char>('0' + value % 10);
      text[value][n++] = '.';
      bytes[value] = n;
    }
  }
};
inline constexpr OctetTexts octet_texts;

/// Write an IPv4 address, given as it stands on the wire in host byte order of memory. Shape: 16 octets are written over. Returns the text's end.
inline char* put_dotted(std::uint32_t wire, char* out) {
  for (int i = 0; i < 4; ++i, wire >>= 8) {
    const std::uint32_t octet = wire & 0xff;
    std::memcpy(out, octet_texts.text[octet].data(), 4);
    out += octet_texts.bytes[octet];
  }
  return out - 1;  // the last dot
}

}  // namespace viaduct::base
