// SPDX-License-Identifier: Apache-2.0
// Dotted decimal by a table: an octet's digits and its dot in one copy.
#pragma once
#include <array>
#include <cstdint>
#include <cstring>

namespace viaduct::base {

/// Each octet's digits and the dot behind them in the low half of a word, as they stand in memory; how many octets of text that is in the high half.
struct OctetTexts {
  std::array<std::uint64_t, 256> text_and_bytes{};
  constexpr OctetTexts() {
    for (unsigned value = 0; value < 256; ++value) {
      std::uint64_t text = 0, bytes = 0;
      const auto add = [&](unsigned c) { text |= std::uint64_t{c} << 8 * bytes++; };
      if (value >= 100) add('0' + value / 100);
      if (value >= 10) add('0' + value / 10 % 10);
      add('0' + value % 10);
      add('.');
      text_and_bytes[value] = text | bytes << 32;
    }
  }
};
inline constexpr OctetTexts octet_texts;

/// Write an IPv4 address, given as it stands on the wire in host byte order of memory. Shape: 16 octets are written over. Returns the text's end.
inline char* put_dotted(std::uint32_t wire, char* out) {
  for (int i = 0; i < 4; ++i, wire >>= 8) {
    const std::uint64_t octet = octet_texts.text_and_bytes[wire & 0xff];
    const auto text = static_cast<std::uint32_t>(octet);
    std::memcpy(out, &text, sizeof text);
    out += octet >> 32;
  }
  return out - 1;  // the last dot
}

}  // namespace viaduct::base
