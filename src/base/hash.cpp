// SPDX-License-Identifier: Apache-2.0
// AES-128 keys, and CMAC over whole blocks; SipHash and AesHasher stand in their headers.
#include "viaduct/base/hash.h"

#include <immintrin.h>

#include <utility>

#include "viaduct/base/check.h"

namespace viaduct::base {
namespace {

__m128i load_block(const void* from) { return _mm_loadu_si128(static_cast<const __m128i*>(from)); }
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

__m128i encrypt(const AesRoundKeys& keys, __m128i block) {
  block = _mm_xor_si128(block, load_block(keys[0].data()));
  for (std::size_t round = 1; round < 10; ++round) block = _mm_aesenc_si128(block, load_block(keys[round].data()));
  return _mm_aesenclast_si128(block, load_block(keys[10].data()));
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
  store_block(zero.data(), encrypt(round_keys_, _mm_setzero_si128()));
  subkey_ = doubled(zero);
}

AesHashKey::AesHashKey(const Key128& key) {
  expand(key, round_keys_);
  store_block(start_.data(), encrypt(round_keys_, _mm_setzero_si128()));
}

std::uint64_t AesMac::mac64(std::span<const std::uint8_t> blocks) const {
  check(!blocks.empty() && blocks.size() % 16 == 0 && blocks.size() <= 64, "a MAC is over 1 to 4 whole blocks");
  __m128i state = _mm_setzero_si128();
  std::size_t at = 0;
  for (; at + 16 < blocks.size(); at += 16) state = encrypt(round_keys_, _mm_xor_si128(state, load_block(blocks.data() + at)));
  state = _mm_xor_si128(_mm_xor_si128(state, load_block(blocks.data() + at)), load_block(subkey_.data()));
  return static_cast<std::uint64_t>(_mm_cvtsi128_si64(encrypt(round_keys_, state)));
}

bool equal_constant_time(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) difference |= static_cast<unsigned>(a[i] ^ b[i]);
  return difference == 0;
}

}  // namespace viaduct::base
