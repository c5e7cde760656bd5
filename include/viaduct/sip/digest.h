// SPDX-License-Identifier: Apache-2.0
// The credentials of an Authorization header, taken apart. No hash is computed here.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "viaduct/sip/message.h"

namespace viaduct::sip {

enum class DigestAlgorithm : std::uint8_t { md5, sha256, sha512_256 };
inline constexpr std::size_t digest_algorithms_count = 3;
/// As it stands in a header. Source: RFC 7616 6.1, RFC 8760 2.
[[nodiscard]] std::string_view name(DigestAlgorithm a);
/// Errors: nullopt for any other, `-sess` variants among them.
[[nodiscard]] std::optional<DigestAlgorithm> digest_algorithm(std::string_view name);

/// Quality of protection: what beside the nonce the response covers.
enum class DigestQop : std::uint8_t { none, auth, auth_int };

/// Texts borrow from the message; quotes are taken off, escapes in them are left as they are.
struct Credentials {
  std::string_view username, realm, nonce, uri, response, cnonce, nonce_count;
  DigestAlgorithm algorithm{DigestAlgorithm::md5};
  DigestQop qop{};
};

/// The credentials for that realm among the Authorization headers. Errors: nullopt when there are none that are well-formed and can be checked: scheme Digest,
/// a known algorithm and qop, a name, nonce, uri and response, and with a qop a cnonce and an nc of eight hex digits.
/// Source: RFC 3261 22.4, 25.1; RFC 7616 3.4.
[[nodiscard]] std::optional<Credentials> credentials(const Message& request, std::string_view realm);

}  // namespace viaduct::sip
