// SPDX-License-Identifier: Apache-2.0
// Via values counted wherever they stand, and lists taken apart.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "request.h"
#include "viaduct/base/limits.h"
#include "viaduct/sip/via.h"

namespace viaduct::sip {
namespace {

TEST(Via, CountsLinesAndCommaJoinedValuesWhereverTheyStand) {
  const Indexed r{Request{}.with("v: SIP/2.0/UDP b, SIP/2.0/UDP c").with("Subject: x").with("VIA : SIP/2.0/UDP d\r\n , SIP/2.0/UDP e")};
  EXPECT_EQ(r.m.fault, Bad::none);
  EXPECT_EQ(r.m.via_values, 5);
  EXPECT_EQ(r.m[r.m.second_via], "SIP/2.0/UDP b");
}

TEST(Via, CommasInQuotesAndAngleBracketsSeparateNothing) {
  EXPECT_EQ(Indexed(Request{}.set("Via", R"(Via: SIP/2.0/UDP a;x="1,2\",3";y=z)")).m.via_values, 1);
  EXPECT_EQ(Indexed(Request{}.with("Via: SIP/2.0/UDP b;x=<1,2>")).m.via_values, 2);
}

TEST(Via, EmptyElementsDoNotCount) {
  const Indexed r{Request{}.set("Via", "Via: , ,SIP/2.0/UDP a,,SIP/2.0/UDP b , ").with("Via:").with("Via: ,")};
  EXPECT_EQ(r.m.fault, Bad::none);
  EXPECT_EQ(r.m.via_values, 2);
  EXPECT_EQ(r.m[r.m.top_via], "SIP/2.0/UDP a");
  EXPECT_EQ(r.m[r.m.second_via], "SIP/2.0/UDP b");
}

TEST(Via, NothingInTheBodyCounts) {
  Request request;
  request.set("Content-Length", "").body = "Via: SIP/2.0/UDP b\r\nVia: SIP/2.0/UDP c\r\n\r\n";
  const Indexed r{request};
  EXPECT_EQ(r.m.via_values, 1);
  EXPECT_EQ(r.m[r.m.body], request.body);
}

TEST(Via, AValueThatBeginsWithASemicolonIsAFault) {
  const Indexed r{Request{}.with("Via: SIP/2.0/UDP b, ;x")};
  EXPECT_EQ(r.m.fault, Bad::via_syntax);
  EXPECT_EQ(r.m.via_values, 2);
}

TEST(Via, MoreValuesThanTheLimitAreAFault) {
  Request request;
  std::string line = "Via: SIP/2.0/UDP b";
  for (std::size_t i = 2; i < base::via_values_max; ++i) line += ",SIP/2.0/UDP b";
  EXPECT_EQ(fault(request.with(line)), Bad::none);
  EXPECT_EQ(fault(request.with("Via: SIP/2.0/UDP b")), Bad::via_too_many);
  for (int i = 0; i < 4; ++i) request.with(line);
  EXPECT_EQ(Indexed(request).m.via_values, base::via_values_max + 1);
  EXPECT_EQ(fault(request.with("Via: ;")), Bad::via_too_many);
}

TEST(Index, MoreParametersThanTheLimitAreAFault) {
  const auto params = [](std::size_t count) {
    std::string out;
    for (std::size_t i = 0; i < count; ++i) out += ";a";
    return out;
  };
  const std::pair<std::string, Bad> headers[] = {
      {"Via: SIP/2.0/UDP a", Bad::via_syntax}, {"From: <sip:a@b>", Bad::from_syntax}, {"To: <sip:a@b>", Bad::to_syntax}, {"v:SIP/2.0/UDP a", Bad::via_syntax}};
  for (const auto& [header, bad] : headers) {
    const std::string name = header[0] == 'v' ? "Via" : header.substr(0, header.find(':'));
    EXPECT_EQ(fault(Request{}.set(name, header + params(base::header_params_max))), Bad::none) << header;
    EXPECT_EQ(fault(Request{}.set(name, header + params(base::header_params_max + 1))), bad) << header;
  }
}

TEST(Via, NothingCountsBehindABrokenValue) {
  const Indexed lower{Request{}.with("Via: SIP/2.0/UDP b, ;x, SIP/2.0/UDP c").with("Via: SIP/2.0/UDP d")};
  EXPECT_EQ(lower.m.fault, Bad::via_syntax);
  EXPECT_EQ(lower.m.via_values, 2);
  const Indexed top{Request{}.set("Via", "Via: SIP/2.0/UDP a;;, SIP/2.0/UDP b").with("Via: SIP/2.0/UDP c")};
  EXPECT_EQ(top.m.fault, Bad::via_syntax);
  EXPECT_EQ(top.m.via_values, 1);
  EXPECT_EQ(top.m.second_via.bytes, 0);
}

std::vector<std::string> values(std::string_view list) {
  std::vector<std::string> all;
  for (std::string_view value = next_value(list); !value.empty(); value = next_value(list)) all.emplace_back(value);
  return all;
}

TEST(NextValue, SplitsAtCommasOutsideQuotesAndAngleBrackets) {
  using List = std::vector<std::string>;
  EXPECT_EQ(values("a, b ,c"), (List{"a", "b", "c"}));
  EXPECT_EQ(values(", ,,a,\r\n b,"), (List{"a", "b"}));
  EXPECT_EQ(values(R"("a,\",b" <sip:x,y>;p="," , c)"), (List{R"("a,\",b" <sip:x,y>;p=",")", "c"}));
  EXPECT_EQ(values(R"("never closed, a, b)"), (List{R"("never closed, a, b)"}));
  EXPECT_EQ(values("<never, closed"), (List{"<never, closed"}));
  EXPECT_EQ(values(R"(<a">,b)"), (List{R"(<a">)", "b"}));
  EXPECT_EQ(values(" \t "), List{});
  EXPECT_EQ(values(""), List{});
}

}  // namespace
}  // namespace viaduct::sip
