// SPDX-License-Identifier: Apache-2.0
// A message moved, and its new start not kept.
// Refused: ignoring return value.*apply_at_front|nodiscard
#include "viaduct/sip/edit.h"

void use(const viaduct::sip::Edits& edits, std::span<char> message) {
#ifdef REFUSED
  viaduct::sip::apply_at_front(edits, message);
#else
  static_cast<void>(viaduct::sip::apply_at_front(edits, message));
#endif
}
