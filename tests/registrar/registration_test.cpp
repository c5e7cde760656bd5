// SPDX-License-Identifier: Apache-2.0
// What a REGISTER's way here tells: its Path, whether flows are kept for it, and what it requires.
#include "registration.h"

#include <gtest/gtest.h>

#include "../location/register.h"

namespace viaduct::registrar::test {
namespace {

using location::test::Register;

base::Endpoint endpoint(std::string_view text) { return *base::Endpoint::parse(text, 5060); }

class Reading : public testing::Test {
 protected:
  Reading() {
    site.listeners.push_back({.endpoint = endpoint("198.18.0.2:5060"), .host = "198.18.0.2"});
    site.trusted_proxies = {*base::Prefix::parse("192.0.2.0/24")};
    note.frame.source = endpoint("192.0.2.9:40000");
    note.frame.destination = endpoint("198.18.0.2:5060");
  }
  std::expected<location::Registration, location::Outcome> read() { return read_registration(request.indexed(), "alice@example.com", note, site, room); }
  base::Endpoint next(const std::string& path) {
    request = Register().header("Path: " + path);
    const auto r = read();
    return r ? r->next : base::Endpoint{};
  }

  site::Site site;
  site::Note note{};
  Register request;
  std::array<char, base::path_bytes_max> room;
};

TEST_F(Reading, SendsRequestsThroughTheFlowOrToTheFirstOfThePath) {
  EXPECT_EQ(read()->next, note.frame.source);
  EXPECT_EQ(next("<sip:token@198.18.0.9:5070;lr>"), endpoint("198.18.0.9:5070"));
  EXPECT_EQ(next("<sip:token@198.18.0.9;lr>, <sip:198.18.0.8;lr>"), endpoint("198.18.0.9:5060"));
  EXPECT_EQ(next("<sip:[2001:db8::9]:5070;lr>"), endpoint("[2001:db8::9]:5070"));
  for (const std::string elsewhere : {"<sip:edge.example.net;lr>", "<sip:224.0.0.1;lr>", "<sip:198.18.0.2;lr>", "<tel:+1>"})
    EXPECT_EQ(next(elsewhere), note.frame.source) << elsewhere;
}

TEST_F(Reading, KeepsThePathInOneLine) {
  request.header("Path: <sip:a@198.18.0.9;lr>,\r\n <sip:b@198.18.0.8;lr>").header("Path: <sip:c@198.18.0.7;lr;ob>");
  EXPECT_EQ(read()->path, "<sip:a@198.18.0.9;lr>, <sip:b@198.18.0.8;lr>, <sip:c@198.18.0.7;lr;ob>");
  request = Register().header("Path: <sip:" + std::string(base::path_bytes_max, 'a') + "@198.18.0.9;lr>");
  EXPECT_EQ(read().error().status, 513);
}

TEST_F(Reading, TakesAPathOnlyFromWhoIsBelieved) {
  site.trusted_proxies.clear();
  EXPECT_EQ(next("<sip:203.0.113.1;lr>"), note.frame.source);
  EXPECT_TRUE(read()->path.empty());
  site.edges = {*base::Prefix::parse("192.0.2.0/24")};
  EXPECT_EQ(next("<sip:203.0.113.1;lr>"), endpoint("203.0.113.1:5060"));
}

// RFC 3327 5.3 with the spec's "no open relay": who trusts everybody has not said that everybody may name a place.
TEST_F(Reading, KeepsThePathOfAnybodyAsRoutesOfTheFlowWhereEverybodyIsTrusted) {
  site.trusted_proxies = {base::whole_v4, base::whole_v6};
  site.trust_all_proxies = true;
  EXPECT_EQ(next("<sip:token@203.0.113.1;lr;ob>"), note.frame.source);
  EXPECT_EQ(read()->path, "<sip:token@203.0.113.1;lr;ob>");
  site.edges = {*base::Prefix::parse("192.0.2.9/32")};
  EXPECT_EQ(next("<sip:token@203.0.113.1;lr;ob>"), endpoint("203.0.113.1:5060")) << "an edge is named";
}

TEST_F(Reading, KnowsWhoseAFlowIs) {
  const auto is_own = [&](const std::string& vias) {
    request = Register();
    for (std::size_t at = 0; at < vias.size(); ++at) request.header(std::string("Via: SIP/2.0/UDP 198.18.0.") + vias[at] + ";branch=z9hG4bK" + vias[at]);
    return read()->is_own_flow;
  };
  EXPECT_TRUE(is_own(""));
  EXPECT_FALSE(is_own("1")) << "a proxy's, and of all who are behind it";
  site.edges = {*base::Prefix::parse("192.0.2.0/24")};
  EXPECT_TRUE(is_own("1")) << "an edge knows each by a token";
  EXPECT_FALSE(is_own("12")) << "a proxy behind the edge";
}

TEST_F(Reading, RefusesAPathThatCannotBeRead) {
  for (const std::string bad : {"<sip:198.18.0.10;lr>,garbage,<sip:x", "garbage", "<sip:198.18.0.10;lr>, <sip:>", "<>"}) {
    request = Register().header("Path: " + bad);
    EXPECT_EQ(read().error().status, 400) << bad;
  }
  site.trusted_proxies.clear();
  EXPECT_TRUE(read()) << "what is not kept may say what it likes";
}

TEST_F(Reading, RefusesSeveralFlowsInOneRequest) {
  const std::string device = ";+sip.instance=\"<urn:uuid:1>\";reg-id=";
  const auto flows = [&](const std::string& supported, const std::string& second) {
    request = Register().header("Supported: " + supported).contact("<sip:a@192.0.2.9>" + device + "1").contact("<sip:a@192.0.2.9:5070>" + second);
    const auto r = read();
    return r ? 200 : r.error().status;
  };
  EXPECT_EQ(flows("outbound", device + "2"), 400);
  EXPECT_EQ(flows("outbound", ""), 200);
  EXPECT_EQ(flows("outbound", device + "2;expires=0"), 200) << "one goes";
  EXPECT_EQ(flows("path", device + "2"), 200) << "who does not speak of flows has none";
}

TEST_F(Reading, RefusesByNameWhatItLacks) {
  request.header("Require: path, 100rel , gruu").header("Require: foo,\r\n bar");
  EXPECT_EQ(read().error().status, 420);
  EXPECT_EQ(read().error().headers, "Unsupported: 100rel, foo, bar\r\n");
  request = Register().header("Require: Path, outbound,GRUU");
  EXPECT_TRUE(read());
}

// RFC 5626 6.
TEST_F(Reading, RefusesOutboundBehindAFirstHopThatKeepsNoFlows) {
  const std::string contact = "<sip:a@h>;reg-id=1;+sip.instance=\"<urn:uuid:1>\"", via = "Via: SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKfirst";
  request = Register().header("Supported: outbound").contact(contact);
  EXPECT_TRUE(read()->supports_outbound) << "directly";
  request.header(via);
  EXPECT_EQ(read().error().status, 439);
  request.header("Path: <sip:198.18.0.9;lr;ob>");
  EXPECT_TRUE(read());
  request.header("Path: <sip:198.18.0.8;lr>");
  EXPECT_EQ(read().error().status, 439) << "the last one is the first hop's";
  request = Register().header("Supported: outbound").contact("<sip:a@h>").header(via);
  EXPECT_TRUE(read()) << "it registers no flow";
}

TEST_F(Reading, AnswersWithWhatTheClientUnderstands) {
  site.service_route = "Service-Route: <sip:198.18.0.2;lr>\r\n";
  const auto said = [&](bool is_outbound) {
    std::string out;
    put_extensions(out, *read(), {.status = 200, .is_outbound = is_outbound}, site);
    return out;
  };
  request.header("Path: <sip:a@198.18.0.9;lr>");
  EXPECT_EQ(said(false), site.service_route);
  request.header("Supported: path");
  EXPECT_EQ(said(true), "Path: <sip:a@198.18.0.9;lr>\r\nRequire: outbound\r\n" + site.service_route);
}

}  // namespace
}  // namespace viaduct::registrar::test
