// SPDX-License-Identifier: Apache-2.0
// A home proof written, and its length not heard: the proof would have no end.
// Refused: ignoring return value.*write_home_proof|nodiscard
#include "viaduct/sip/token.h"

void use(const viaduct::sip::HomeProof& proof, const viaduct::sip::ClientKey& client, const viaduct::sip::SigningKey& key,
         std::span<char, viaduct::sip::home_proof_bytes_max> out) {
#ifdef REFUSED
  viaduct::sip::write_home_proof(proof, client, "a", key, out);
#else
  static_cast<void>(viaduct::sip::write_home_proof(proof, client, "a", key, out));
#endif
}
