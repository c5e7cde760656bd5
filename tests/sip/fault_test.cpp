// SPDX-License-Identifier: Apache-2.0
// What the index refuses, which fault it names, and whether that can be answered.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "request.h"
#include "viaduct/base/limits.h"

namespace viaduct::sip {
namespace {

TEST(Index, AMissingHeaderIsNamedAndCannotBeAnswered) {
  const std::pair<const char*, Bad> headers[] = {
      {"Via", Bad::via_missing}, {"From", Bad::from_missing}, {"To", Bad::to_missing}, {"Call-ID", Bad::call_id_missing}, {"CSeq", Bad::cseq_missing}};
  for (const auto& [name, bad] : headers) {
    EXPECT_EQ(fault(Request{}.set(name, "")), bad);
    EXPECT_FALSE(answerable(Request{}.set(name, ""))) << name;
    // There but empty is no better.
    EXPECT_FALSE(answerable(Request{}.set(name, std::string{name} + ":"))) << name;
  }
}

TEST(Index, OfSeveralFaultsTheOneThatStandsFirstInBadIsTold) {
  struct Step {
    const char* replaced;  ///< header that the line takes the place of; null when it is one more
    const char* line;
    Bad bad;
  };
  const Step steps[] = {{"Content-Length", "Content-Length: 9", Bad::body_short},
                        {"Max-Forwards", "Max-Forwards: x", Bad::max_forwards_syntax},
                        {nullptr, "To: <sip:x@y>", Bad::header_repeated},
                        {"CSeq", "CSeq: 1 INVITE", Bad::cseq_method},
                        {"Call-ID", "Call-ID: a b", Bad::call_id_syntax},
                        {"To", "To: <", Bad::to_syntax},
                        {"From", "From: <", Bad::from_syntax},
                        {nullptr, "Via: ;", Bad::via_syntax},
                        {nullptr, "no colon", Bad::header_syntax}};
  Request request;
  for (const Step& step : steps) {
    if (step.replaced != nullptr)
      request.set(step.replaced, step.line);
    else
      request.with(step.line);
    EXPECT_EQ(name(fault(request)), name(step.bad)) << step.line;
  }
}

TEST(Index, ARepeatedHeaderIsAFaultThatCanBeAnswered) {
  for (const char* header :
       {"From: <sip:x@y>;tag=2", "t: <sip:x@y>", "Call-ID: c1@192.0.2.1", "CSeq: 314159 REGISTER", "Max-Forwards: 70", "Content-Length: 1"}) {
    EXPECT_EQ(fault(Request{}.with(header)), Bad::header_repeated) << header;
    EXPECT_TRUE(answerable(Request{}.with(header))) << header;
  }
  EXPECT_EQ(fault(Request{}.with("Content-Length: 0")), Bad::none);
  EXPECT_EQ(fault(Request{}.with("Contact: <sip:x@y>").with("Expires: 1").with("Expires: 2")), Bad::none);
}

struct Broken {
  const char* header;
  Bad fault;
  bool answerable;
};
TEST(Index, ABrokenHeaderIsNamed) {
  const Broken rows[] = {
      {"From: <sip:a@b", Bad::from_syntax, true},
      {"From: \"A <sip:a@b>", Bad::from_syntax, true},
      {"From: A, B <sip:a@b>", Bad::from_syntax, true},
      {"From: \"A\\ <sip:a@b>", Bad::from_syntax, true},
      {"From: \"A\r\n <sip:a@b>", Bad::from_syntax, true},
      {"From: <a>", Bad::from_syntax, true},
      {"From: sip:", Bad::from_syntax, true},
      {"From: <sip:a@b>;", Bad::from_syntax, true},
      {"From: <sip:a@b>;;tag=1", Bad::from_syntax, true},
      {"From: <sip:a@b>;tag", Bad::from_syntax, true},
      {"From: <sip:a@b>;tag=\"1\"", Bad::from_syntax, true},
      {"From: <sip:a@b>;tag=1;tag=2", Bad::from_syntax, true},
      {"From: <sip:a@b> x", Bad::from_syntax, true},
      {"To: < sip:a@b>", Bad::to_syntax, true},
      {"To: sip:a@b?x=y", Bad::to_syntax, true},
      {"To: sip:a;b@c", Bad::to_syntax, true},
      {"To: <sip:a@b>;tag=a\rb", Bad::to_syntax, true},
      {"To: <sip:a\x01@b>", Bad::to_syntax, false},
      {"Call-ID: a b", Bad::call_id_syntax, true},
      {"Call-ID: a@", Bad::call_id_syntax, true},
      {"Call-ID: a@b@c", Bad::call_id_syntax, true},
      {"Call-ID: \xc3\xa9", Bad::call_id_syntax, true},
      {"CSeq: 1REGISTER", Bad::cseq_syntax, true},
      {"CSeq: REGISTER", Bad::cseq_syntax, true},
      {"CSeq: -1 REGISTER", Bad::cseq_syntax, true},
      {"CSeq: 1", Bad::cseq_syntax, true},
      {"CSeq: 1 REGISTER x", Bad::cseq_syntax, true},
      {"CSeq: 2147483648 REGISTER", Bad::cseq_syntax, true},
      {"CSeq: 18446744073709551617 REGISTER", Bad::cseq_syntax, true},
      {"CSeq: 1 register", Bad::cseq_method, true},
      {"CSeq: 1 INVITE", Bad::cseq_method, true},
      {"Max-Forwards: -1", Bad::max_forwards_syntax, true},
      {"Max-Forwards: 7 0", Bad::max_forwards_syntax, true},
      {"Max-Forwards:", Bad::max_forwards_syntax, true},
      {"Content-Length: 0x0", Bad::content_length_syntax, true},
      {"Content-Length: 1", Bad::body_short, true},
      {"Content-Length: 99999999999999999999", Bad::body_short, true},
      {"Via: SIP/2.0/UDP", Bad::via_syntax, false},
      {"Via: SIP/2.0 UDP a", Bad::via_syntax, false},
      {"Via: SIP/2.0/UDP a:0", Bad::via_syntax, false},
      {"Via: SIP/2.0/UDP a:65536", Bad::via_syntax, false},
      {"Via: SIP/2.0/UDP a;branch=", Bad::via_syntax, true},
      {"Via: SIP/2.0/UDP a;;rport", Bad::via_syntax, true},
      {"Via: SIP/2.0/UDP a;x=\"1", Bad::via_syntax, true},
      {"Via: SIP/2.0/UDP [::1;rport", Bad::via_syntax, false},
  };
  for (const Broken& row : rows) {
    const std::string header = row.header;
    const Request request = Request{}.set(header.substr(0, header.find(':')), header);
    EXPECT_EQ(name(fault(request)), name(row.fault)) << header;
    EXPECT_EQ(answerable(request), row.answerable) << header;
  }
}

TEST(Index, TheGreatestCSeqNumberIsBelowTwoToTheThirtyFirst) {
  EXPECT_EQ(Indexed(Request{}.set("CSeq", "CSeq: 2147483647 REGISTER")).m.cseq_number, 2147483647U);
  EXPECT_EQ(Indexed(Request{}.set("CSeq", "CSeq: 00000000000000000001 REGISTER")).m.cseq_number, 1U);
}

TEST(Index, TheRequestLineIsStrict) {
  const Broken rows[] = {
      {"REGISTER  sip:example.com SIP/2.0", Bad::start_line, true},
      {"REGISTER sip:example.com  SIP/2.0", Bad::start_line, true},
      {"REGISTER sip:example.com SIP/2.0 ", Bad::start_line, true},
      {"REGISTER sip:example.com\tSIP/2.0", Bad::start_line, true},
      {"REGISTER SIP/2.0", Bad::start_line, true},
      {"REGISTER sip:example.com", Bad::start_line, false},
      {"REGISTER\tsip:example.com SIP/2.0", Bad::not_sip, false},
      {" REGISTER sip:example.com SIP/2.0", Bad::not_sip, false},
      {"", Bad::not_sip, false},
      {"\x16\x03\x01", Bad::not_sip, false},
      {"REGISTER sip:example.com SIP/2.0x", Bad::start_line, false},
      {"REGISTER sip:example.com SIP/7.0", Bad::version, true},
      {"REGISTER sip:example.com SIP/2.00", Bad::version, true},
      {"REGISTER sip:example.com HTTP/1.1", Bad::start_line, false},
      {"REGISTER sip:example.com sip/2.0", Bad::none, true},
      {"REGISTER <sip:example.com> SIP/2.0", Bad::request_uri, true},
      {"REGISTER sip: SIP/2.0", Bad::request_uri, true},
      {"REGISTER sip:@example.com SIP/2.0", Bad::request_uri, true},
      {"REGISTER sip:a@b@c SIP/2.0", Bad::request_uri, true},
      {"REGISTER sip:example.com:0 SIP/2.0", Bad::request_uri, true},
      {"REGISTER sip:example.com:99999 SIP/2.0", Bad::request_uri, true},
      {"REGISTER sip:example.com: SIP/2.0", Bad::request_uri, true},
      {"REGISTER sip:exa%mple.com SIP/2.0", Bad::request_uri, true},
      {"REGISTER sip:a%4@example.com SIP/2.0", Bad::request_uri, true},
      {"REGISTER sip:example.com;=x SIP/2.0", Bad::request_uri, true},
      {"REGISTER sip:[2001:db8::1 SIP/2.0", Bad::request_uri, true},
      {"REGISTER sip:[2001:db8::zz] SIP/2.0", Bad::request_uri, true},
      {"REGISTER example.com SIP/2.0", Bad::request_uri, true},
      {"REGISTER sip:caf\xc3\xa9@example.com SIP/2.0", Bad::request_uri, true},
      {"REGISTER http://example.com SIP/2.0", Bad::none, true},
      {"REGISTER tel:+1-201-555-0123 SIP/2.0", Bad::none, true},
      {"REGISTER sip:198.51.100.9:5060;vh=a.b.c SIP/2.0", Bad::none, true},
      {"REGISTER sips:[2001:db8::1]:5061 SIP/2.0", Bad::none, true},
  };
  for (const Broken& row : rows) {
    const Request request = Request{}.start(row.header);
    EXPECT_EQ(name(fault(request)), name(row.fault)) << row.header;
    EXPECT_EQ(answerable(request), row.answerable) << row.header;
  }
}

TEST(Index, AStatusCodeHasThreeDigitsFrom100To699) {
  const auto status_fault = [](const std::string& line) { return Indexed(Request{}.start(line)).m.fault; };
  for (const char* good : {"SIP/2.0 100 Trying", "SIP/2.0 699 ", "SIP/2.0 200", "sip/2.0 302 \xff"}) EXPECT_EQ(status_fault(good), Bad::none) << good;
  for (const char* bad : {"SIP/2.0 099 x", "SIP/2.0 700 x", "SIP/2.0 20 x", "SIP/2.0 2000 x", "SIP/2.0 2a0 x", "SIP/2.0  200 x", "SIP/2.0 200x", "SIP/2.0"})
    EXPECT_EQ(status_fault(bad), Bad::status_code) << bad;
  EXPECT_EQ(status_fault("SIP/3.0 200 OK"), Bad::version);
  EXPECT_EQ(status_fault("SIP/2 200 OK"), Bad::start_line);
}

TEST(Index, AnAckIsNeverAnswered) {
  const Request ack = Request{}.start("ACK sip:a@example.com SIP/2.0").set("CSeq", "CSeq: 1 ACK");
  EXPECT_EQ(fault(ack), Bad::none);
  EXPECT_FALSE(answerable(ack));
}

TEST(Index, ALineWithoutNameOrColonIsAFault) {
  for (const char* line : {"nonsense", ": x", "Sub ject: x", "S\xc3\xbc: x", "\x01: x"}) {
    EXPECT_EQ(fault(Request{}.with(line)), Bad::header_syntax) << line;
    EXPECT_TRUE(answerable(Request{}.with(line))) << line;
  }
  EXPECT_EQ(fault(Request{}.with(std::string(255, 'n') + ": x")), Bad::none);
  EXPECT_EQ(fault(Request{}.with(std::string(256, 'n') + ": x")), Bad::header_syntax);
}

TEST(Index, AFirstHeaderThatIsAFoldIsAFault) {
  Request request;
  request.headers.insert(request.headers.begin(), " folded to nothing");
  EXPECT_EQ(fault(request), Bad::header_syntax);
}

TEST(Index, AHeadWithoutItsEmptyLineIsAFaultThatCanBeAnswered) {
  std::string text = Request{}.text();
  text.resize(text.size() - 2);
  const Indexed whole_lines{text};
  EXPECT_EQ(whole_lines.m.fault, Bad::head_unterminated);
  EXPECT_TRUE(whole_lines.m.answerable);
  EXPECT_EQ(whole_lines.m.headers, 8);
  // A last line that was cut short is not counted.
  const Indexed cut{text.substr(0, text.size() - 4)};
  EXPECT_EQ(cut.m.fault, Bad::head_unterminated);
  EXPECT_EQ(cut.m.headers, 7);
}

TEST(Index, LinesAndOctetsHaveTheirLimits) {
  Request many;
  while (many.headers.size() < base::header_lines_max) many.with("a: b");
  EXPECT_EQ(Indexed(many).m.headers, base::header_lines_max);
  EXPECT_EQ(fault(many), Bad::none);
  EXPECT_EQ(fault(many.with("a: b")), Bad::header_lines);
  EXPECT_FALSE(answerable(many));

  EXPECT_EQ(fault(Request{}.with(std::string{"a: "} + std::string(base::header_bytes_max - 5, 'x'))), Bad::none);
  EXPECT_EQ(fault(Request{}.with(std::string{"a: "} + std::string(base::header_bytes_max - 4, 'x'))), Bad::header_bytes);
}

TEST(Index, AMessageAboveTheLimitIsAnsweredWhenItsHeadFits) {
  Request request;
  request.set("Content-Length", "");
  const std::size_t head = request.text().size();
  request.body = std::string(base::message_bytes_max - head, 'b');
  EXPECT_EQ(fault(request), Bad::none);
  request.body += 'b';
  EXPECT_EQ(fault(request), Bad::too_large);
  EXPECT_TRUE(answerable(request));
  EXPECT_EQ(Indexed(std::string(9000, 'x')).m.fault, Bad::too_large);
  EXPECT_FALSE(Indexed(std::string(9000, 'x')).m.answerable);
}

TEST(Index, TheFirstFaultIsTheOneThatIsKept) {
  EXPECT_EQ(fault(Request{}.start("REGISTER sip: SIP/2.0").set("To", "To: <").set("CSeq", "CSeq: x")), Bad::request_uri);
  EXPECT_EQ(fault(Request{}.set("CSeq", "CSeq: x").set("To", "To: <")), Bad::to_syntax);
}

TEST(Index, AnEmptyCallIdIsAFault) { EXPECT_EQ(fault(Request{}.set("Call-ID", "Call-ID: ")), Bad::call_id_syntax); }

TEST(Index, ZerosBehindAMethodAreNoMethod) {
  using namespace std::string_literals;
  const std::string text = "REGISTER\0\0 sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\r\n"s;
  Message m;
  EXPECT_EQ(index(text, m), Bad::not_sip);
}

}  // namespace
}  // namespace viaduct::sip
