// SPDX-License-Identifier: Apache-2.0
// A forward in place whose new start nobody keeps: the message would be sent from its old one.
// Refused: ignoring return value.*forward_in_place|nodiscard
#include "viaduct/sip/forward.h"

void use(const viaduct::sip::Message& request, const viaduct::sip::ForwardRequest& how, char* text) {
#ifdef REFUSED
  viaduct::sip::forward_in_place(request, how, {text, 128, 0});
#else
  static_cast<void>(viaduct::sip::forward_in_place(request, how, {text, 128, 0}));
#endif
}
