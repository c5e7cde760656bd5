// SPDX-License-Identifier: Apache-2.0
// The keys of AES-128; what they do to blocks stands in the headers.
#include "viaduct/base/aes.h"

#include <utility>

namespace viaduct::base {
namespace {

using detail::encrypted, detail::load_block;

void store_block(void* to, __m128i block) { _mm_storeu_si128(static_cast<__m128i*>(to), block); }

constexpr std::array round_constants{0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0x1b, 0x36};

/// The next round key of AES-128. Source: FIPS 197 5.2.
template <int round_constant>
__m128i next_round_key(__m128i key) {
  const __m128i word = _mm_shuffle_epi32(_mm_aeskeygenassist_si128(key, round_constant), 0xff);
  key = _mm_xor_si128(key, _mm_slli_si128(key, 4));
  key = _mm_xor_si128(key, _mm_slli_si128(key, 8));
  return _mm_xor_si128(key, word);
}

void expand(const Key128& key, AesRoundKeys& keys) {
  __m128i round_key = load_block(key.data());
  store_block(keys[0].data(), round_key);
  const auto rounds = [&]<std::size_t... i>(std::index_sequence<i...>) {
    ((round_key = next_round_key<round_constants[i]>(round_key), store_block(keys[i + 1].data(), round_key)), ...);
  };
  rounds(std::make_index_sequence<round_constants.size()>{});
}

/// Twice the block in GF(2^128), most significant octet first. Source: RFC 4493 2.3.
std::array<std::uint8_t, 16> doubled(const std::array<std::uint8_t, 16>& block) {
  std::array<std::uint8_t, 16> out;
  for (std::size_t i = 0; i < 16; ++i) out[i] = static_cast<std::uint8_t>(block[i] << 1 | (i + 1 < 16 ? block[i + 1] >> 7 : 0));
  if ((block[0] & 0x80) != 0) out[15] ^= 0x87;
  return out;
}

}  // namespace

AesMac::AesMac(const Key128& key) {
  expand(key, round_keys_);
  std::array<std::uint8_t, 16> zero;
  store_block(zero.data(), encrypted(round_keys_, _mm_setzero_si128()));
  subkey_ = doubled(zero);
}

AesHashKey::AesHashKey(const Key128& key) {
  expand(key, round_keys_);
  store_block(start_.data(), encrypted(round_keys_, _mm_setzero_si128()));
}

}  // namespace viaduct::base
