// SPDX-License-Identifier: Apache-2.0
// A keyed hash of pieces of a message by AES rounds, for tags and branches; what must not be forged is encrypted or MACed on top of it.
#pragma once
#include <immintrin.h>

#include <concepts>
#include <cstring>

#include "viaduct/base/aes.h"

namespace viaduct::base {

namespace detail {
/// From row 16 - n on: the shuffle that brings the last n octets of a block to its front, zeros behind them.
alignas(32) inline constexpr std::array<std::uint8_t, 32> last_to_front = {
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80};
}  // namespace detail

/// Pelican: the state begins as the encrypted block of zeros with the first block added; for each further block four rounds of AES without a key
/// go over it before the block is added; at the end it is encrypted. Two lists of blocks meet with a probability of about 2^-113, whoever chose them,
/// and the state is never shown, so what `finish` gives cannot be told from chance without the key.
/// A copy taken half-way goes on by itself: hashes with a common beginning share its work.
/// In the header so that the state stays in a register and independent hashes overlap. Thread: any; pure. Uses AES-NI.
/// Source: Daemen and Rijmen, "The Pelican MAC function" (IACR ePrint 2005/088).
class AesHasher {
 public:
  /// Begins with what the pieces are for, a number, and the pieces with their lengths first, so that no two lists hash alike by joining.
  /// Shape: up to four pieces, each shorter than 2^16 octets. They, and all that follow, borrow from the text that begins at `begin`, or are empty.
  /// Octets of it before and in a piece are read, none behind.
  template <std::same_as<std::string_view>... Pieces>
  [[gnu::always_inline]] AesHasher(const AesHashKey& key, const char* begin, std::uint32_t label, std::uint32_t number, Pieces... pieces)
      : key_(&key), begin_(begin), state_(_mm_xor_si128(detail::load_block(key.start_.data()), header(label, number, pieces...))) {
    (piece(pieces), ...);
  }
  /// Adds pieces as the constructor does.
  template <std::same_as<std::string_view>... Pieces>
  [[gnu::always_inline]] void pieces(std::uint32_t label, std::uint32_t number, Pieces... pieces) {
    block(header(label, number, pieces...));
    (piece(pieces), ...);
  }
  /// Adds a block of two numbers, little endian.
  [[gnu::always_inline]] void numbers(std::uint64_t low, std::uint64_t high) { block(detail::block_of({low, high})); }
  /// Adds another hash, under the same key, so that both are made at the same time.
  [[gnu::always_inline]] void hash(const AesHasher& other) { block(mixed(other.state_)); }

  /// A hash that may be compared but not shown.
  [[nodiscard]] Hash128 hidden() const { return words(mixed(state_)); }
  /// The state, for a cipher that encrypts it in the place of `finish`, and for nothing else.
  [[nodiscard]] Hash128 unencrypted() const { return words(state_); }
  /// The hash, fit to be shown.
  [[nodiscard]] [[gnu::always_inline]] Hash128 finish() const { return words(detail::encrypted(key_->round_keys_, state_)); }

 private:
  static constexpr std::size_t block_bytes = 16;
  static Hash128 words(__m128i block) {
    return {static_cast<std::uint64_t>(_mm_cvtsi128_si64(block)), static_cast<std::uint64_t>(_mm_extract_epi64(block, 1))};
  }

  template <typename... Pieces>
  [[gnu::always_inline]] static __m128i header(std::uint32_t label, std::uint32_t number, Pieces... pieces) {
    static_assert(sizeof...(Pieces) <= 4, "a block has room for four lengths");
    std::uint64_t lengths = 0;
    unsigned at = 0;
    ((lengths |= std::uint64_t{static_cast<std::uint16_t>(pieces.size())} << at, at += 16), ...);
    return detail::block_of({label | std::uint64_t{number} << 32, lengths});
  }
  [[gnu::always_inline]] static __m128i mixed(__m128i state) {
    for (int round = 0; round < 4; ++round) state = _mm_aesenc_si128(state, _mm_setzero_si128());
    return state;
  }
  [[gnu::always_inline]] void block(__m128i octets) { state_ = _mm_xor_si128(mixed(state_), octets); }
  /// Blocks of 16 octets, the last of 1 to 16 with zeros behind; an empty piece is a block of zeros.
  [[gnu::always_inline]] void piece(std::string_view octets) {
    const char* at = octets.data();
    std::size_t bytes = octets.size();
    for (; bytes > block_bytes; bytes -= block_bytes, at += block_bytes) block(detail::load_block(at));
    block(at + bytes - begin_ < static_cast<std::ptrdiff_t>(block_bytes) ? copied(at, bytes) : shuffled(at, bytes));
  }
  /// The load ends where the piece does, so that nothing behind it is read.
  static __m128i shuffled(const char* at, std::size_t bytes) {
    return _mm_shuffle_epi8(detail::load_block(at + bytes - block_bytes), detail::load_block(detail::last_to_front.data() + block_bytes - bytes));
  }
  /// The last block of a piece at the very beginning of the text.
  [[gnu::noinline, gnu::cold]] static __m128i copied(const char* at, std::size_t bytes) {
    std::array<char, block_bytes> room{};
    if (bytes > 0) std::memcpy(room.data(), at, bytes);
    return detail::load_block(room.data());
  }

  const AesHashKey* key_;
  const char* begin_;
  __m128i state_;
};

}  // namespace viaduct::base
