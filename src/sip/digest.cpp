// SPDX-License-Identifier: Apache-2.0
// Reading credentials as RFC 3261 25.1 writes them.
#include "viaduct/sip/digest.h"

#include <algorithm>
#include <array>

#include "field.h"

namespace viaduct::sip {
namespace {

constexpr std::array<std::string_view, digest_algorithms_count> algorithm_names = {"MD5", "SHA-256", "SHA-512-256"};
constexpr std::string_view scheme = "Digest";
constexpr std::size_t nonce_count_bytes = 8;

bool is_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return digit_octet.has(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'f'); });
}

std::string_view unquoted(std::string_view value) {
  const bool is_quoted = value.size() >= 2 && value.front() == '"' && value.back() == '"';
  return is_quoted ? value.substr(1, value.size() - 2) : value;
}

/// Keep one parameter. False: it says that the credentials cannot be checked.
bool keep(std::string_view name, std::string_view value, Credentials& out) {
  struct Row {
    std::string_view name;
    std::string_view Credentials::* member;
  };
  static constexpr std::array rows = {Row{"username", &Credentials::username}, Row{"realm", &Credentials::realm},       Row{"nonce", &Credentials::nonce},
                                      Row{"uri", &Credentials::uri},           Row{"response", &Credentials::response}, Row{"cnonce", &Credentials::cnonce},
                                      Row{"nc", &Credentials::nonce_count}};
  for (const Row& row : rows)
    if (equal_ignoring_case(name, row.name)) {
      const bool is_first = (out.*row.member).empty();
      out.*row.member = value;
      return is_first;
    }
  if (equal_ignoring_case(name, "algorithm")) {
    const auto algorithm = digest_algorithm(value);
    out.algorithm = algorithm.value_or(out.algorithm);
    return algorithm.has_value();
  }
  if (equal_ignoring_case(name, "qop")) {
    out.qop = equal_ignoring_case(value, "auth") ? DigestQop::auth : equal_ignoring_case(value, "auth-int") ? DigestQop::auth_int : DigestQop::none;
    return out.qop != DigestQop::none;
  }
  return true;
}

std::optional<Credentials> read(std::string_view value) {
  if (value.size() <= scheme.size() || !equal_ignoring_case(value.substr(0, scheme.size()), scheme)) return std::nullopt;
  std::string_view rest = value.substr(scheme.size());
  if (rest.front() != ' ' && rest.front() != '\t' && rest.front() != '\r' && rest.front() != '\n') return std::nullopt;
  Credentials out;
  for (std::string_view param = next_value(rest); !param.empty(); param = next_value(rest)) {
    const std::size_t equals = param.find('=');
    if (equals == param.npos || !keep(trimmed(param.substr(0, equals)), unquoted(trimmed(param.substr(equals + 1))), out)) return std::nullopt;
  }
  const bool is_whole = !out.username.empty() && !out.nonce.empty() && !out.uri.empty() && !out.response.empty();
  const bool has_counts = out.qop == DigestQop::none || (!out.cnonce.empty() && out.nonce_count.size() == nonce_count_bytes && is_hex(out.nonce_count));
  return is_whole && has_counts ? std::optional{out} : std::nullopt;
}

}  // namespace

std::string_view name(DigestAlgorithm a) { return algorithm_names[static_cast<std::size_t>(a)]; }

std::optional<DigestAlgorithm> digest_algorithm(std::string_view name) {
  for (std::size_t i = 0; i < algorithm_names.size(); ++i)
    if (equal_ignoring_case(name, algorithm_names[i])) return static_cast<DigestAlgorithm>(i);
  return std::nullopt;
}

std::optional<Credentials> credentials(const Message& request, std::string_view realm) {
  for (std::size_t i = 0; i < request.headers; ++i) {
    if (request.id[i] != HeaderId::authorization) continue;
    const auto found = read(request.header_value(i));
    if (found && found->realm == realm) return found;
  }
  return std::nullopt;
}

}  // namespace viaduct::sip
