// SPDX-License-Identifier: Apache-2.0
// How the REGISTERs are put together.
#include "load/registers.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

namespace viaduct::bench {
namespace {

constexpr std::array user_agents = {
    "PolycomVVX-VVX_410-UA/5.9.5.0614",
    "Yealink SIP-T46S 66.85.0.5",
    "Cisco-CP8845/12.8.1",
    "Grandstream GXP2170 1.0.9.135",
    "snomD785/10.1.101.11",
    "Linphone/5.2.0 (belle-sip/5.2.0)",
    "Zoiper rv2.10.20.4",
    "AVM FRITZ!Box 7590 154.07.57",
    "MicroSIP/3.21.3",
    "Obihai/OBi302-3.2.2.5921",
};
constexpr std::string_view allow = "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, NOTIFY, REFER, UPDATE";

// What telephones of an operator add, longest last; as much of it is taken as fits a size.
constexpr std::array<std::string_view, 5> further_headers = {
    "Allow-Events: talk, hold, conference, presence",
    "Require: sec-agree",
    "P-Access-Network-Info: 3GPP-E-UTRAN-FDD; utran-cell-id-3gpp=2620105a10b7c301",
    "Security-Client: ipsec-3gpp; alg=hmac-sha-1-96; spi-c=2813; spi-s=2812; port-c=8002; port-s=8001",
    "Authorization: Digest username=\"u0000000@example.com\",realm=\"example.com\",nonce=\"c60f3b2aa3d1e5fa4c0b\",uri=\"sip:example.com\","
    "response=\"6629fae49393a05397450978507c4ef1\",algorithm=MD5,qop=auth,nc=00000001,cnonce=\"0a4f113b\"",
};

std::string number(std::uint32_t value) { return std::to_string(value); }

std::string with_name(bool compact, std::string_view long_name, std::string_view short_name, std::string_view value) {
  return std::string(compact ? short_name : long_name).append(": ").append(value);
}

}  // namespace

std::string user(std::uint32_t client) {
  const std::string digits = number(client);
  return std::string("u").append(7 - std::min<std::size_t>(digits.size(), 7), '0').append(digits);
}

std::string Registers::hex(unsigned digits) {
  constexpr std::string_view letters = "0123456789abcdef";
  std::string out;
  for (std::uint64_t bits = random_(); out.size() < digits; bits >>= 4) out += letters[bits & 15];
  return out;
}

std::string Registers::private_address() {
  std::string out = "10";
  for (int i = 0; i < 3; ++i) out.append(".").append(number(below(256)));
  return out;
}

std::string Registers::via(bool is_top) {
  std::string out = "SIP/2.0/UDP " + private_address() + ":" + number(5060 + below(2000)) + ";branch=z9hG4bK" + hex(8);
  if (is_top) return out + ";rport";
  return one_in(2) ? out + ";received=198.51.100.7" : out;
}

std::string Registers::via_lines(unsigned count, bool compact, bool joined) {
  std::string out;
  for (unsigned i = 0; i < count; ++i) {
    if (i > 0 && joined)
      out += ", " + via(false);
    else
      out.append(i > 0 ? "\r\n" : "").append(with_name(compact, "Via", "v", via(i == 0)));
  }
  return out;
}

unsigned Registers::mixed_via_count() {
  const std::uint32_t percent = below(100);
  if (percent < 55) return 1;
  if (percent < 77) return 2;
  return percent < 91 ? 3 : 4;
}

std::string Registers::to_value(const std::string& who) {
  switch (below(10)) {
    case 0:
      return "sip:" + who + "@example.com";
    case 1:
      return "\"Desk Phone\" <sip:" + who + "@Example.COM>";
    case 2:
      return "<sip:" + who + "@example.com:5060>";
    default:
      return "<sip:" + who + "@example.com>";
  }
}

std::string Registers::contact_value(const std::string& who) {
  return "<sip:" + who + "@" + private_address() + ":" + number(1024 + below(60000)) + ";transport=udp>;+sip.instance=\"<urn:uuid:" + hex(8) +
         "-0000-1000-8000-0004f2801a2b>\"";
}

std::vector<std::string> Registers::mixed_headers(const std::string& who, bool compact) {
  std::vector<std::string> out;
  if (one_in(5)) out.push_back("Route: <sip:edge" + number(below(9)) + ".example.com;lr>");
  out.push_back("Max-Forwards: " + number(60 + below(11)));
  out.push_back(with_name(compact, "From", "f", (one_in(3) ? "\"Desk Phone\" " : "") + ("<sip:" + who + "@example.com>;tag=" + hex(8))));
  out.push_back(with_name(compact, "To", "t", to_value(who)));
  out.push_back(with_name(compact, "Call-ID", "i", hex(16) + "@" + private_address()));
  out.push_back("CSeq: " + number(1 + below(9999)) + " REGISTER");
  out.push_back(with_name(compact, "Contact", "m", contact_value(who)));
  out.emplace_back("Expires: 3600");
  out.push_back(std::string("User-Agent: ") + user_agents[below(user_agents.size())]);
  out.emplace_back(allow);
  out.push_back(with_name(compact, "Supported", "k", "path, outbound, gruu"));
  if (one_in(4)) out.emplace_back(further_headers[0]);
  out.push_back(with_name(compact, "Content-Length", "l", "0"));
  return out;
}

std::string Registers::mixed(std::uint32_t client) {
  const bool compact = one_in(5);
  const unsigned vias = mixed_via_count();
  std::string out = "REGISTER sip:example.com SIP/2.0\r\n" + via_lines(vias, compact, vias > 1 && below(100) < 15) + "\r\n";
  auto headers = mixed_headers(user(client), compact);
  if (one_in(2)) std::shuffle(headers.begin(), headers.end(), random_);
  for (const auto& line : headers) out += line + "\r\n";
  return out + "\r\n";
}

std::string Registers::sized(std::uint32_t client, std::size_t bytes, unsigned vias) {
  const std::string who = user(client);
  std::string head = "REGISTER sip:example.com SIP/2.0\r\n" + via_lines(vias, false, false) + "\r\nMax-Forwards: 70\r\nFrom: <sip:" + who +
                     "@example.com>;tag=" + hex(8) + "\r\nTo: <sip:" + who + "@example.com>\r\nCSeq: " + number(1 + below(9999)) +
                     " REGISTER\r\nContact: " + contact_value(who) + "\r\nExpires: 3600\r\n";
  std::string tail = "Content-Length: 0\r\n\r\n";
  const std::string call_id = "Call-ID: " + hex(16) + "@" + private_address() + "\r\n";
  // What is left is filled by a header that nobody reads; an empty one takes this much.
  constexpr std::string_view filler = "User-Agent: \r\n";
  const auto room = [&] { return bytes - head.size() - call_id.size() - tail.size() - filler.size(); };
  if (bytes < head.size() + call_id.size() + tail.size() + filler.size()) std::abort();
  for (const auto header : further_headers)
    if (room() > header.size() + 2 + 40) head.append(header).append("\r\n");
  head += call_id;
  std::string agent = user_agents[0];
  while (agent.size() < bytes - head.size() - tail.size() - filler.size()) agent += "/5.9.5.0614";
  agent.resize(bytes - head.size() - tail.size() - filler.size());
  return head.append("User-Agent: ").append(agent).append("\r\n").append(tail);
}

}  // namespace viaduct::bench
