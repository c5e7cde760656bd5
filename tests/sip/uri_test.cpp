// SPDX-License-Identifier: Apache-2.0
// URIs taken apart, their parameters, and their equality by RFC 3261 19.1.4.
#include "viaduct/sip/uri.h"

#include <gtest/gtest.h>

#include "viaduct/sip/contact.h"

namespace viaduct::sip {
namespace {

TEST(ParseUri, TakesEveryPart) {
  const auto uri = parse_uri("sips:al%69ce;day=1:pass@[2001:db8::1]:5070;transport=udp;lr?to=x%40y&subject=z");
  ASSERT_TRUE(uri);
  EXPECT_EQ(uri->scheme, Scheme::sips);
  EXPECT_TRUE(uri->has_user);
  EXPECT_EQ(uri->user, "al%69ce;day=1");
  EXPECT_EQ(uri->password, "pass");
  EXPECT_EQ(uri->host, "[2001:db8::1]");
  EXPECT_EQ(uri->port, 5070);
  EXPECT_EQ(uri->params, "transport=udp;lr");
  EXPECT_EQ(uri->headers, "to=x%40y&subject=z");
}

TEST(ParseUri, PartsThatAreNotThereAreEmpty) {
  const auto uri = parse_uri("SIP:example.com");
  ASSERT_TRUE(uri);
  EXPECT_EQ(uri->scheme, Scheme::sip);
  EXPECT_FALSE(uri->has_user);
  EXPECT_EQ(uri->host, "example.com");
  EXPECT_EQ(uri->port, 0);
  EXPECT_EQ(uri->params, "");
  EXPECT_EQ(uri->headers, "");
}

TEST(ParseUri, ATelUriIsANumberAndItsParameters) {
  const auto uri = parse_uri("tel:+1-201-555-0123;phone-context=example.com");
  ASSERT_TRUE(uri);
  EXPECT_EQ(uri->scheme, Scheme::tel);
  EXPECT_EQ(uri->user, "+1-201-555-0123;phone-context=example.com");
  EXPECT_EQ(uri->host, "");
}

TEST(ParseUri, AnotherSchemeIsNoError) {
  EXPECT_EQ(parse_uri("http://example.com/")->scheme, Scheme::other);
  EXPECT_EQ(parse_uri("isbn:2983792873")->scheme, Scheme::other);
  EXPECT_EQ(parse_uri("sipp:x")->scheme, Scheme::other);
}

TEST(ParseUri, RefusesWhatTheGrammarRefuses) {
  for (const char* bad : {"",
                          "sip",
                          "sip:",
                          "sip:@example.com",
                          "sip:a@",
                          "sip:a@b@c",
                          "sip:a b@c",
                          "sip:a%4g@c",
                          "sip:a%@c",
                          "sip:c:",
                          "sip:c:x",
                          "sip:c:0",
                          "sip:c:65536",
                          "sip:c;",
                          "sip:c;;a",
                          "sip:c;a=",
                          "sip:c;=b",
                          "sip:c;a=\"b\"",
                          "sip:c?",
                          "sip:c?a",
                          "sip:c?=b",
                          "sip:c?a=b&",
                          "sip:[::1",
                          "sip:[1.2.3.4]",
                          "sip:[::g]",
                          "sip:2001:db8::1",
                          "sip:<a@b>",
                          "sip:a@b c",
                          "sip:caf\xc3\xa9@b",
                          "tel:",
                          "tel:+",
                          "tel:---",
                          "tel:+1 2",
                          "tel:+1;",
                          "1:x",
                          "x:",
                          ":x",
                          "noscheme"})
    EXPECT_FALSE(parse_uri(bad)) << bad;
}

TEST(UriParam, IsFoundByItsNameInAnyCaseAndEscapes) {
  constexpr std::string_view params = "transport=UDP;LR;%76h=1.2.3;ob=";
  EXPECT_EQ(uri_param(params, "transport").value, "UDP");
  EXPECT_TRUE(uri_param(params, "lr").found);
  EXPECT_EQ(uri_param(params, "lr").value, "");
  EXPECT_EQ(uri_param(params, "vh").value, "1.2.3");
  EXPECT_TRUE(uri_param(params, "ob").found);
  EXPECT_FALSE(uri_param(params, "l").found);
  EXPECT_FALSE(uri_param(params, "lrx").found);
  EXPECT_FALSE(uri_param("", "lr").found);
}

struct Pair {
  const char* a;
  const char* b;
  bool equal;
};
TEST(UriEqual, FollowsTheExamplesOfTheRfc) {
  const Pair pairs[] = {
      {"sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtlanTa.CoM;Transport=tcp", true},
      {"sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", true},
      {"sip:carol@chicago.com", "sip:carol@chicago.com;security=on", true},
      {"sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on", true},
      {"sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com", "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com", true},
      {"sip:alice@atlanta.com?subject=project%20x&priority=urgent", "sip:alice@atlanta.com?priority=urgent&subject=project%20x", true},
      {"SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP", false},
      {"sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", false},
      {"sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", false},
      {"sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp", false},
      {"sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting", false},
      {"sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4", false},
      {"sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off", false},
      {"sip:a@b", "sips:a@b", false},
      {"sip:a@b", "sip:b", false},
      {"sip:a:p@b", "sip:a:q@b", false},
      {"sip:a@[2001:db8::1]", "sip:a@[2001:0db8:0::1]", true},
      {"sip:a@b;maddr=192.0.2.1", "sip:a@b", false},
      {"sip:a@b;%6dethod=X", "sip:a@b", false},
      {"sip:a@b?x=1", "sip:a@b?x=1&y=2", false},
      {"http://a", "http://a", true},
      {"http://a", "http://b", false},
      {"tel:+1201", "TEL:+1201", true},
      {"not a uri", "sip:a@b", false},
  };
  for (const Pair& pair : pairs) {
    EXPECT_EQ(uri_equal(pair.a, pair.b), pair.equal) << pair.a << " and " << pair.b;
    EXPECT_EQ(uri_equal(pair.b, pair.a), pair.equal) << pair.b << " and " << pair.a;
  }
}

TEST(UriEqual, AUriAboveTheLimitEqualsOnlyItself) {
  const std::string a = "sip:a@b;x=" + std::string(base::uri_compare_bytes_max, 'y');
  EXPECT_TRUE(uri_equal(a, a));
  EXPECT_FALSE(uri_equal(a, a + ";z"));
}

}  // namespace
}  // namespace viaduct::sip
