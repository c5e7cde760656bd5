// SPDX-License-Identifier: Apache-2.0
// Where the parts of a branch stand in its text, and the text written where it goes.
#pragma once
#include <cstring>
#include <string_view>

#include "base32.h"
#include "viaduct/sip/token.h"

namespace viaduct::sip {

inline constexpr std::string_view magic_cookie = "z9hG4bK";  // RFC 3261 8.1.1.7
inline constexpr std::size_t letter_at = magic_cookie.size();
inline constexpr std::size_t t_at = letter_at + 1;
inline constexpr std::size_t l_at = t_at + base32_64_bytes;
inline constexpr std::size_t m_at = l_at + base32_32_bytes;
static_assert(m_at + base32_64_bytes == branch_bytes);

/// Write the text, branch_bytes octets and none more. Returns its end.
inline char* put_branch(const Branch& branch, char* out) {
  std::memcpy(out, magic_cookie.data(), magic_cookie.size());
  out[letter_at] = branch.letter;
  put_64(branch.t, out + t_at);
  put_32(branch.l, out + l_at);
  put_64(branch.m, out + m_at);
  return out + branch_bytes;
}

}  // namespace viaduct::sip
