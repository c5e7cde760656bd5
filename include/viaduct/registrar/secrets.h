// SPDX-License-Identifier: Apache-2.0
// Who may register: for each client the HA1 of each algorithm, never a password.
#pragma once
#include <array>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "viaduct/base/hash.h"
#include "viaduct/location/bindings.h"
#include "viaduct/sip/digest.h"
#include "viaduct/sip/uri.h"

namespace viaduct::registrar {

/// The octets of an HA1, H(username:realm:password); MD5's are the first 16. Source: RFC 7616 3.4.2.
using Ha1 = std::array<std::uint8_t, 32>;
[[nodiscard]] constexpr std::size_t digest_bytes(sip::DigestAlgorithm a) { return a == sip::DigestAlgorithm::md5 ? 16 : 32; }

/// Thread: immutable once read.
class Secrets {
 public:
  /// Nobody's. Shape: `algorithms` in the order in which they are offered.
  explicit Secrets(std::vector<sip::DigestAlgorithm> algorithms) : algorithms_(std::move(algorithms)) {}
  /// Read a file of `aor,algorithm,ha1` lines, empty ones and those that begin with # left out. Each client has each of `algorithms`, or the file is refused:
  /// what is offered must not tell who exists. Errors: file, line, and what is wrong. Cost: some 150 octets a client.
  [[nodiscard]] static std::expected<Secrets, std::string> read(const std::filesystem::path& file, std::vector<sip::DigestAlgorithm> algorithms,
                                                                const sip::Domains& domains, const base::Key128& fleet_seed);

  [[nodiscard]] const std::vector<sip::DigestAlgorithm>& algorithms() const { return algorithms_; }
  /// nullptr: an unknown client, or an algorithm that is not offered.
  [[nodiscard]] const Ha1* find(const sip::ClientKey& client, sip::DigestAlgorithm algorithm) const;
  [[nodiscard]] std::size_t clients() const { return first_.size(); }

 private:
  [[nodiscard]] std::optional<std::size_t> place_of(sip::DigestAlgorithm algorithm) const;
  [[nodiscard]] std::string add_line(std::string_view line, const sip::Domains& domains, const base::Key128& fleet_seed, std::vector<bool>& given);

  std::vector<sip::DigestAlgorithm> algorithms_;
  std::unordered_map<location::ClientKey, std::uint32_t, location::ClientKeyHash>
      first_;  // a client's first place in ha1s_, of as many as there are algorithms
  std::vector<Ha1> ha1s_;
};

}  // namespace viaduct::registrar
