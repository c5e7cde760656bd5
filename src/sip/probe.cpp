// SPDX-License-Identifier: Apache-2.0
// The probe, written line by line.
#include "viaduct/sip/probe.h"

#include "viaduct/base/append.h"

namespace viaduct::sip {

std::size_t write_probe(const Probe& probe, std::span<char> out) {
  base::Append text(out);
  text << "OPTIONS " << probe.request_uri << " SIP/2.0\r\nVia: " << probe.via << "\r\nMax-Forwards: 70\r\n";
  text << "From: <" << probe.from << ">;tag=" << probe.from_tag << "\r\nTo: <" << probe.request_uri << ">\r\n";
  text << "Call-ID: " << probe.call_id << "\r\nCSeq: " << std::uint64_t{probe.cseq} << " OPTIONS\r\n";
  text << "Accept: application/sdp\r\nContent-Length: 0\r\n\r\n";
  return text.overflow() ? 0 : text.bytes();
}

}  // namespace viaduct::sip
