// SPDX-License-Identifier: Apache-2.0
// The message core by itself: index a request, look at it. Compiled and run by the tests.
#include <cstdio>

#include "viaduct/sip/message.h"

int main() {
  constexpr std::string_view text =
      "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1, SIP/2.0/UDP 192.0.2.8\r\n"
      "From: <sip:alice@example.com>;tag=1\r\nTo: <sip:alice@example.com>\r\nCall-ID: 1@a\r\nCSeq: 1 REGISTER\r\n\r\n";
  viaduct::sip::Message message;  // offsets into `text`: it must not outlive it
  if (const auto fault = viaduct::sip::index(text, message); fault != viaduct::sip::Bad::none) return 1;
  const std::string_view who = message[message.to_uri];
  std::printf("%d Via values, %.*s\n", message.via_values, static_cast<int>(who.size()), who.data());
  return message.via_values == 2 && who == "sip:alice@example.com" ? 0 : 1;
}
