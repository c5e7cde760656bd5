// SPDX-License-Identifier: Apache-2.0
// Keyed hashing for tables, SipHash-1-3 (64 and 128 bits), and the compare of what is secret.
#pragma once
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

/// Compare without leaking where the difference is.
[[nodiscard]] bool equal_constant_time(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b);

}  // namespace viaduct::base
