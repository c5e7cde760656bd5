// SPDX-License-Identifier: Apache-2.0
// A reply whose length, and whether it fitted, nobody looks at.
// Refused: ignoring return value.*write_reply|nodiscard
#include "viaduct/sip/reply.h"

void use(const viaduct::sip::Message& request, const viaduct::sip::Reply& reply, std::span<char> out) {
#ifdef REFUSED
  viaduct::sip::write_reply(request, reply, out);
#else
  static_cast<void>(viaduct::sip::write_reply(request, reply, out));
#endif
}
