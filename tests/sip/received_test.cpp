// SPDX-License-Identifier: Apache-2.0
// Finding received and rport in a Via value, against a walk octet by octet, with the value flush against an unreadable page.
#include "sip/received.h"

#include <gtest/gtest.h>

#include "edits.h"
#include "generated.h"

namespace viaduct::sip {
namespace {

using testing::Guarded;

/// The value as a reply has it: what is found cut out, ours behind.
std::string replaced(std::string_view via, const base::Endpoint& source) {
  std::string out;
  std::size_t from = 0;
  ReceivedParams params(via, via.data() + via.size());
  for (ReceivedParam param; params.next(param); from = param.end) out += via.substr(from, param.begin - from);
  ReceivedText text;
  return out + std::string(via.substr(from)) + std::string(write_received(source, text));
}

const base::Endpoint place{base::Address::v4({198, 51, 100, 9}), 40000};
constexpr std::string_view ours = ";received=198.51.100.9;rport=40000";

TEST(Received, ReplacesWhatCame) {
  const std::pair<std::string_view, std::string_view> table[] = {
      {"SIP/2.0/UDP a;branch=z9hG4bK1", "SIP/2.0/UDP a;branch=z9hG4bK1"},
      {"SIP/2.0/UDP a;rport;branch=z9hG4bK1", "SIP/2.0/UDP a;branch=z9hG4bK1"},
      {"SIP/2.0/UDP a;branch=z9hG4bK1;rport", "SIP/2.0/UDP a;branch=z9hG4bK1"},
      {"SIP/2.0/UDP a;RPORT=5;Received=1.2.3.4;branch=z9hG4bK1;rport=6", "SIP/2.0/UDP a;branch=z9hG4bK1"},
      {"SIP/2.0/UDP a ; rport = 5 ;\r\n branch=z9hG4bK1", "SIP/2.0/UDP a ;\r\n branch=z9hG4bK1"},
      {"SIP/2.0/UDP a;\r\n\treceived\r\n =1.2.3.4", "SIP/2.0/UDP a"},
      {"SIP/2.0/UDP a;rports=1;receive=2;r;xrport", "SIP/2.0/UDP a;rports=1;receive=2;r;xrport"},
      {R"(SIP/2.0/UDP a;x=";rport";rport;y="\";received=1")", R"(SIP/2.0/UDP a;x=";rport";y="\";received=1")"},
      {R"(SIP/2.0/UDP a;x="\\";rport)", R"(SIP/2.0/UDP a;x="\\")"},
      {R"(SIP/2.0/UDP a;x=")", R"(SIP/2.0/UDP a;x=")"},
      {"SIP/2.0/UDP rport;", "SIP/2.0/UDP rport;"},
      {";rport", ""},
  };
  for (const auto& [in, out] : table) EXPECT_EQ(replaced(in, place), std::string(out) + std::string(ours));
}

TEST(Received, FitsTheLongestAddressAndPort) {
  const base::Endpoint longest{*base::Address::parse("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), 65535};
  ReceivedText text;
  EXPECT_EQ(write_received(longest, text), ";received=ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff;rport=65535");
  EXPECT_LE(write_received(longest, text).size(), received_text_bytes_max);
}

TEST(Received, WritesEveryPort) {
  for (unsigned port = 0; port <= 65535; ++port) {
    ReceivedText text;
    ASSERT_EQ(write_received({place.address, static_cast<std::uint16_t>(port)}, text), ";received=198.51.100.9;rport=" + std::to_string(port));
  }
}

TEST(Received, AgreesWithAWalkOctetByOctetAndReadsNothingOutside) {
  testing::Generator generator(3);
  for (int round = 0; round < 20'000; ++round) {
    const std::string via = generator.via();
    const base::Endpoint source = generator.endpoint();
    const Guarded value(via, round % 2 == 0 ? Guarded::Side::behind : Guarded::Side::before);
    ASSERT_EQ(replaced(value.text(), source), ref::reference_via(via, source)) << via;
  }
}

TEST(Received, AgreesOnTextThatIsNoVia) {
  testing::Generator generator(4);
  constexpr std::string_view parts[] = {";", ";rport", "=", "\"", "\\", " ", "\r\n ", "received", ";RECEIVED=1", "x", "r", "\t"};
  for (int round = 0; round < 50'000; ++round) {
    std::string text = "h";
    for (unsigned n = generator.below(20); n > 0; --n) text += parts[generator.below(std::size(parts))];
    ASSERT_EQ(replaced(text, place), ref::reference_via(text, place)) << text;
  }
}

}  // namespace
}  // namespace viaduct::sip
