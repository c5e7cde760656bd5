// SPDX-License-Identifier: Apache-2.0
// Digest authentication of those who register: RFC 3261 22, RFC 7616, RFC 8760. Between challenge and answer nothing is kept, of answers that they were given.
#pragma once
#include <memory>
#include <string>

#include "viaduct/base/address.h"
#include "viaduct/registrar/secrets.h"
#include "viaduct/sip/message.h"

namespace viaduct::registrar {

/// A request that is to prove whose it is.
struct Claim {
  const sip::Message& message;
  sip::ClientKey client;         ///< whose secret it must know
  base::Endpoint source;
  std::uint32_t now_s{};         ///< of a monotonic clock
};

/// What became of a claim.
struct Proof {
  std::uint16_t status{};        ///< 200 or 401
  std::string challenge;         ///< WWW-Authenticate lines of a 401, strongest algorithm first
  bool is_repeated{};            ///< a retransmission of a request that has done what it asked for: it is answered alike, and changes nothing
};

/// Whether OpenSSL has it on this machine: in FIPS mode there is no MD5.
[[nodiscard]] bool is_computed(sip::DigestAlgorithm algorithm);

/// Thread: one.
class Authenticator {
 public:
  /// Shape: `realm` needs no escapes; all algorithms of `secrets` are computed here.
  Authenticator(std::string realm, std::shared_ptr<const Secrets> secrets);
  ~Authenticator();
  /// Unknown clients and wrong passwords get the same answer after the same work. A right answer to a nonce that is too old, was another address's or another
  /// run's, or that another request has given before with the same count, gets a new one and `stale=true`.
  [[nodiscard]] Proof check(const Claim& claim);
  /// The request that was believed last has done what it asked for.
  void note_done();
  /// A nonce for who asks from there.
  [[nodiscard]] std::string nonce_for(const base::Address& source, std::uint32_t now_s);

 private:
  struct Hasher;
  struct Memory;
  [[nodiscard]] bool is_right(const Claim& claim, const sip::Credentials& c);
  [[nodiscard]] std::string challenge(const Claim& claim, bool is_stale);
  std::string realm_;
  std::shared_ptr<const Secrets> secrets_;
  std::unique_ptr<Hasher> hasher_;
  std::unique_ptr<Memory> memory_;
};

}  // namespace viaduct::registrar
