// SPDX-License-Identifier: Apache-2.0
// Via values that stand alone, and where a response goes by them.
#include "viaduct/sip/via.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>

namespace viaduct::sip {
namespace {

using base::Address;
using base::Endpoint;

std::string destination(std::string_view value) {
  const auto via = parse_via(value);
  if (!via) return "bad";
  const auto to = response_destination(*via);
  return to ? to->text() : "none";
}

TEST(ParseVia, TakesEveryPart) {
  const auto via = parse_via("SIP/2.0/UDP pc33.example.com:5066;branch=z9hG4bK776asdhds;rport=5067;received=192.0.2.9;maddr=192.0.2.3;ttl=1;x=\"a;b\"");
  ASSERT_TRUE(via);
  EXPECT_EQ(via->transport, "UDP");
  EXPECT_EQ(via->host, "pc33.example.com");
  EXPECT_EQ(via->port, 5066);
  EXPECT_EQ(via->sent_by, "pc33.example.com:5066");
  EXPECT_EQ(via->branch, "z9hG4bK776asdhds");
  EXPECT_EQ(via->rport, "5067");
  EXPECT_TRUE(via->has_rport);
  EXPECT_EQ(via->received, "192.0.2.9");
  EXPECT_TRUE(via->has_received);
  EXPECT_EQ(via->maddr, "192.0.2.3");
}

TEST(ParseVia, AnEmptyRportIsThereWithoutAValue) {
  const auto via = parse_via("SIP/2.0/UDP 192.0.2.1;RPORT;Branch=b");
  ASSERT_TRUE(via);
  EXPECT_TRUE(via->has_rport);
  EXPECT_EQ(via->rport, "");
  EXPECT_EQ(via->branch, "b");
  EXPECT_FALSE(via->has_received);
  EXPECT_EQ(via->port, 0);
}

TEST(ParseVia, ToleratesWhiteSpaceRoundSeparators) {
  const auto via = parse_via("SIP / 2.0 /\tUDP  first.example.com : 4000 ; ttl = 16\r\n ;maddr = 224.2.0.1 ; branch=\r\n\tz9hG4bKa7c6a8dlze.1");
  ASSERT_TRUE(via);
  EXPECT_EQ(via->transport, "UDP");
  EXPECT_EQ(via->host, "first.example.com");
  EXPECT_EQ(via->port, 4000);
  EXPECT_EQ(via->sent_by, "first.example.com : 4000");
  EXPECT_EQ(via->maddr, "224.2.0.1");
  EXPECT_EQ(via->branch, "z9hG4bKa7c6a8dlze.1");
}

TEST(ParseVia, ToleratesAddressesInBrackets) {
  const auto via = parse_via("SIP/2.0/UDP [2001:db8::9:1]:6050;received=[2001:db8::9:255];branch=z9hG4bKas3-111");
  ASSERT_TRUE(via);
  EXPECT_EQ(via->host, "[2001:db8::9:1]");
  EXPECT_EQ(via->port, 6050);
  EXPECT_EQ(via->received, "[2001:db8::9:255]");
  EXPECT_EQ(via->branch, "z9hG4bKas3-111");
  EXPECT_TRUE(parse_via("SIP/2.0/UDP [2001:db8:::192.0.2.1]"));
}

TEST(ParseVia, TheFirstOfARepeatedParameterCounts) {
  const auto via = parse_via("SIP/2.0/UDP a;branch=1;branch=2;rport;rport=3;received=192.0.2.1;received=192.0.2.2");
  ASSERT_TRUE(via);
  EXPECT_EQ(via->branch, "1");
  EXPECT_EQ(via->rport, "");
  EXPECT_EQ(via->received, "192.0.2.1");
}

TEST(ParseVia, LongParametersAreTakenToo) {
  const std::string branch(200, 'b');
  const std::string value = "SIP/2.0/UDP 192.0.2.1:5060;branch=" + branch + ";rport;received=192.0.2.2";
  const auto via = parse_via(value);
  ASSERT_TRUE(via);
  EXPECT_EQ(via->branch, branch);
  EXPECT_TRUE(via->has_rport);
  EXPECT_EQ(via->received, "192.0.2.2");
}

TEST(ParseVia, RefusesWhatIsNoVia) {
  for (const char* bad : {"",
                          "SIP",
                          "SIP/2.0",
                          "SIP/2.0/",
                          "SIP/2.0/UDP",
                          "SIP/2.0/UDP ",
                          "SIP/2.0UDP a",
                          "SIP/2.0/UDP a:",
                          "SIP/2.0/UDP a:b",
                          "SIP/2.0/UDP a:70000",
                          "SIP/2.0/UDP a:0",
                          "SIP/2.0/UDP a;",
                          "SIP/2.0/UDP a;;b",
                          "SIP/2.0/UDP a;=b",
                          "SIP/2.0/UDP a;b=",
                          "SIP/2.0/UDP a;b=\"c",
                          "SIP/2.0/UDP a b",
                          "SIP/2.0/UDP a,SIP/2.0/UDP b",
                          "SIP/2.0/UDP [::1",
                          "SIP/2.0/UDP [1.2.3.4]",
                          "SIP/2.0/UDP [::1]x",
                          "SIP/2.0/UDP a;b\rc",
                          "SIP/2.0/UDP a\n;b",
                          "SIP/2.0/UDP a;b\r\n",
                          "/2.0/UDP a"})
    EXPECT_FALSE(parse_via(bad)) << bad;
}

TEST(ParseVia, AValueOfAnyLengthReadsAlikeAndNothingOutsideItIsRead) {
  const std::string whole =
      "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK776asdhds776asdhds776asdhds;rport;received=192.0.2.2;x=y;zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz";
  for (std::size_t bytes = 0; bytes <= whole.size(); ++bytes) {
    const std::unique_ptr<char[]> exact(new char[bytes]);
    std::memcpy(exact.get(), whole.data(), bytes);
    const auto alone = parse_via({exact.get(), bytes});
    const std::string padded = whole.substr(0, bytes) + "                                                                               ";
    const auto with_room = parse_via(padded);
    ASSERT_EQ(alone.has_value(), with_room.has_value()) << bytes;
    if (alone) {
      EXPECT_EQ(alone->branch, with_room->branch);
    }
  }
}

TEST(ResponseDestination, ReceivedAndRportComeFirst) {
  EXPECT_EQ(destination("SIP/2.0/UDP 192.0.2.1:5070;received=192.0.2.9;rport=4000"), "192.0.2.9:4000");
  EXPECT_EQ(destination("SIP/2.0/UDP 192.0.2.1:5070;received=192.0.2.9"), "192.0.2.9:5070");
  EXPECT_EQ(destination("SIP/2.0/UDP 192.0.2.1;received=192.0.2.9;rport"), "192.0.2.9:5060");
  EXPECT_EQ(destination("SIP/2.0/UDP 192.0.2.1;received=192.0.2.9;rport=4000;maddr=192.0.2.77"), "192.0.2.9:4000");
}

TEST(ResponseDestination, ThenMaddrThenSentBy) {
  EXPECT_EQ(destination("SIP/2.0/UDP 192.0.2.1:5070;maddr=192.0.2.77"), "192.0.2.77:5070");
  EXPECT_EQ(destination("SIP/2.0/UDP 192.0.2.1"), "192.0.2.1:5060");
  EXPECT_EQ(destination("SIP/2.0/UDP [2001:db8::1]:5070"), "[2001:db8::1]:5070");
  EXPECT_EQ(destination("SIP/2.0/UDP name.example.com;received=[2001:db8::2]"), "[2001:db8::2]:5060");
  EXPECT_EQ(destination("SIP/2.0/UDP name.example.com;received=2001:db8::2"), "[2001:db8::2]:5060");
  // An rport without the address that was seen with it says nothing.
  EXPECT_EQ(destination("SIP/2.0/UDP 192.0.2.1:5070;rport=4000"), "192.0.2.1:5070");
}

TEST(ResponseDestination, ANameOrAnUnusableAddressIsNoPlaceToSendTo) {
  for (const char* nowhere : {"SIP/2.0/UDP name.example.com", "SIP/2.0/UDP 255.255.255.255", "SIP/2.0/UDP 0.0.0.0", "SIP/2.0/UDP 192.0.2.1;maddr=224.0.0.1",
                              "SIP/2.0/UDP 192.0.2.1;received=239.1.2.3", "SIP/2.0/UDP [ff02::1]", "SIP/2.0/UDP [::]", "SIP/2.0/UDP 192.0.2.1;received=name",
                              "SIP/2.0/UDP 192.0.2.1;received=192.0.2.2;rport=0", "SIP/2.0/UDP 192.0.2.1;received=192.0.2.2;rport=65536",
                              "SIP/2.0/UDP 192.0.2.1;received=192.0.2.2;rport=x"})
    EXPECT_EQ(destination(nowhere), "none") << nowhere;
}

}  // namespace
}  // namespace viaduct::sip
