// SPDX-License-Identifier: Apache-2.0
// libFuzzer target with a planted fault: it says that a good request with several Via values and an Expires is at fault; no seed is one. Were it not found
// within seconds, what the other targets do not find would mean nothing.
#include "fuzz.h"
#include "viaduct/sip/message.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const viaduct::fuzz::Input input(data, size);
  viaduct::sip::Message message;
  if (viaduct::sip::index(input.text(), message) != viaduct::sip::Bad::none) return 0;
  const bool is_planted = message.is_request && message.via_values >= 2 && message.has(viaduct::sip::HeaderId::expires);
  viaduct::fuzz::expect_none(is_planted ? "the planted fault\n" : "");
  return 0;
}
