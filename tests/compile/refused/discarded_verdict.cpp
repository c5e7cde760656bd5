// SPDX-License-Identifier: Apache-2.0
// A branch verified, and the answer not heard.
// Refused: ignoring return value.*verify_branch|nodiscard
#include "viaduct/sip/token.h"

void use(std::string_view branch, const viaduct::sip::Message& response, const viaduct::base::Endpoint& to, const viaduct::sip::SigningKeys& keys) {
#ifdef REFUSED
  viaduct::sip::verify_branch(branch, response, to, keys);
#else
  static_cast<void>(viaduct::sip::verify_branch(branch, response, to, keys));
#endif
}
