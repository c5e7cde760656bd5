// SPDX-License-Identifier: Apache-2.0
// The message core by itself: index a request, look at it. Compiled and run by the tests, which look at the exit code.
#include <iostream>

#include "viaduct/sip/message.h"

int main() {
  constexpr std::string_view text =
      "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1, SIP/2.0/UDP 192.0.2.8\r\n"
      "From: <sip:a@example.com>;tag=1\r\nTo: <sip:a@example.com>\r\nCall-ID: 1@a\r\nCSeq: 1 REGISTER\r\n\r\n";
  viaduct::sip::Message message;  // offsets into `text`: it must not outlive it
  if (viaduct::sip::index(text, message) != viaduct::sip::Bad::none || message.via_values != 2) return 1;
  std::cout << int{message.via_values} << " Via values, to " << message[message.to_uri] << '\n';
}
