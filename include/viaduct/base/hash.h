// SPDX-License-Identifier: Apache-2.0
// Keyed hashing: SipHash-1-3 (64 and 128 bits) for tables, tags and branches, AES-128 CMAC over whole blocks for what must not be forged.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "viaduct/base/siphash.h"

namespace viaduct::base {

/// SipHash-1-3 with 128-bit output. Thread: any; pure. Source: Aumasson and Bernstein's reference (rounds 1 and 3); the 128-bit variant is its `SIPHASH outlen 16`.
[[nodiscard]] inline Hash128 siphash128(const Key128& key, std::string_view bytes) { return siphash_128<1, 3>(key, bytes); }

/// SipHash-1-3 with 64-bit output.
[[nodiscard]] inline std::uint64_t siphash64(const Key128& key, std::string_view bytes) { return siphash_64<1, 3>(key, bytes); }

/// SipHash-1-3-128 of the octets that `piece` and `number` add, in their order. Each piece is preceded by its length, so that no two
/// lists of pieces hash alike by joining. A copy taken half-way goes on by itself: hashes with a common beginning share its work.
/// Here and not in hash.cpp so that the state stays in registers and independent hashes overlap.
class SipHasher {
 public:
  explicit SipHasher(const Key128& key) : state_(key, 16) {}

  /// Adds the length (4 octets, little endian) and the octets. Shape: fewer than 2^32 octets.
  void piece(std::string_view bytes) {
    put(static_cast<std::uint32_t>(bytes.size()), 4);
    const char* at = bytes.data();
    const char* const words_end = at + (bytes.size() & ~std::size_t{7});
    for (; at != words_end; at += 8) put(load_word(at), 8);
    put(load_tail(at, bytes.size() & 7), bytes.size() & 7);
  }
  /// Adds 8 octets, little endian.
  void number(std::uint64_t value) { put(value, 8); }
  /// Once.
  [[nodiscard]] Hash128 finish() {
    state_.word(tail_ | std::uint64_t{bytes_} << 56);
    return state_.finish128();
  }

 private:
  /// Add the low `bytes` (0 to 8) octets of `value`, whose other octets are zero.
  [[gnu::always_inline]] void put(std::uint64_t value, std::size_t bytes) {
    const unsigned at = bytes_ % 8;
    bytes_ += static_cast<std::uint32_t>(bytes);
    tail_ |= value << (8 * at);
    if (at + bytes < 8) return;
    state_.word(tail_);
    tail_ = at == 0 ? 0 : value >> (64 - 8 * at);
  }

  SipState<1, 3> state_;
  std::uint64_t tail_{};  // octets that do not fill a word yet
  std::uint32_t bytes_{};  // octets so far
};

/// AES-128 with expanded key for CMAC over 1 to 4 whole blocks. Source: RFC 4493 (no padding case). Uses AES-NI.
class AesMac {
 public:
  explicit AesMac(const Key128& key);
  /// Shape: blocks.size() is a multiple of 16, 16 to 64. Returns the first 8 octets of the CMAC, little endian.
  [[nodiscard]] std::uint64_t mac64(std::span<const std::uint8_t> blocks) const;

 private:
  alignas(16) std::array<std::array<std::uint8_t, 16>, 11> round_keys_;
  alignas(16) std::array<std::uint8_t, 16> subkey_;  // K1 of RFC 4493
};

/// Compare without leaking where the difference is.
[[nodiscard]] bool equal_constant_time(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b);

}  // namespace viaduct::base
