// SPDX-License-Identifier: Apache-2.0
// The index: what it finds, what it refuses, and that it reads nothing outside its text.
#include "viaduct/sip/message.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "torture.h"

namespace viaduct::sip {
namespace {

/// A REGISTER whose parts can be changed one by one.
struct Request {
  std::string line = "REGISTER sip:example.com SIP/2.0";
  std::vector<std::string> headers = {"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa;rport",
                                      "Max-Forwards: 70",
                                      "From: \"A\" <sip:alice@example.com>;tag=f1",
                                      "To: <sip:alice@example.com>",
                                      "Call-ID: c1@192.0.2.1",
                                      "CSeq: 314159 REGISTER",
                                      "Contact: <sip:alice@192.0.2.1:5060>",
                                      "Content-Length: 0"};
  std::string end = "\r\n";
  std::string body;

  Request& with(const std::string& header) {
    headers.push_back(header);
    return *this;
  }
  /// Replace the header that begins with `name`; an empty text takes it away.
  Request& set(std::string_view name, const std::string& header) {
    std::erase_if(headers, [&](const std::string& h) { return h.starts_with(name); });
    if (!header.empty()) headers.push_back(header);
    return *this;
  }
  Request& start(const std::string& text) {
    line = text;
    return *this;
  }
  [[nodiscard]] std::string text() const {
    std::string all = line + end;
    for (const auto& header : headers) all += header + end;
    return all + end + body;
  }
};

struct Indexed {
  std::string text;
  Message m;
  explicit Indexed(std::string t) : text(std::move(t)) { static_cast<void>(index(text, m)); }
  explicit Indexed(const Request& request) : Indexed(request.text()) {}
};

Bad fault(const Request& request) { return Indexed(request).m.fault; }
bool answerable(const Request& request) { return Indexed(request).m.answerable; }

TEST(Index, FindsEveryFieldOfARequest) {
  const Indexed r{Request{}};
  EXPECT_EQ(r.m.fault, Bad::none);
  EXPECT_TRUE(r.m.is_request && r.m.answerable);
  EXPECT_EQ(r.m.method, Method::register_);
  EXPECT_EQ(r.m[r.m.method_text], "REGISTER");
  EXPECT_EQ(r.m[r.m.request_uri], "sip:example.com");
  EXPECT_EQ(r.m.headers, 8);
  EXPECT_EQ(r.m.via_values, 1);
  EXPECT_EQ(r.m[r.m.top_via], "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa;rport");
  EXPECT_EQ(r.m.top.branch, "z9hG4bKa");
  EXPECT_EQ(r.m.second_via.bytes, 0);
  EXPECT_EQ(r.m.max_forwards, 70);
  EXPECT_EQ(r.m[r.m.from_uri], "sip:alice@example.com");
  EXPECT_EQ(r.m[r.m.from_tag], "f1");
  EXPECT_EQ(r.m[r.m.to_uri], "sip:alice@example.com");
  EXPECT_EQ(r.m.to_tag.bytes, 0);
  EXPECT_EQ(r.m[r.m.call_id], "c1@192.0.2.1");
  EXPECT_EQ(r.m.cseq_number, 314159U);
  EXPECT_EQ(r.m.head_bytes, r.text.size());
  EXPECT_EQ(r.m.body.bytes, 0);
  EXPECT_EQ(r.m.value(HeaderId::contact), "<sip:alice@192.0.2.1:5060>");
  EXPECT_EQ(r.m.header_line(1), "Max-Forwards: 70\r\n");
  EXPECT_FALSE(r.m.has(HeaderId::route));
}

TEST(Index, FindsEveryFieldOfAResponse) {
  const Indexed r{
      "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nVia: SIP/2.0/UDP b;branch=z9hG4bK2\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\n"
      "Call-ID: x\r\nCSeq: 1 SUBSCRIBE\r\n\r\n"};
  EXPECT_EQ(r.m.fault, Bad::none);
  EXPECT_FALSE(r.m.is_request || r.m.answerable);
  EXPECT_EQ(r.m.status, 200);
  EXPECT_EQ(r.m.method, Method::subscribe);
  EXPECT_EQ(r.m.via_values, 2);
  EXPECT_EQ(r.m[r.m.second_via], "SIP/2.0/UDP b;branch=z9hG4bK2");
  EXPECT_EQ(r.m[r.m.to_tag], "2");
}

TEST(Index, CompactAndLongNamesInAnyCaseAreTheSame) {
  const Indexed r{
      "REGISTER sip:example.com SIP/2.0\r\nV: SIP/2.0/UDP a\r\nf : <sip:a@b>;tag=1\r\nT\t: <sip:a@b>\r\nI:x\r\ncSeQ: 1 REGISTER\r\nM: <sip:c@d>\r\n"
      "k: path\r\no: reg\r\nMAX-FORWARDS   : 5\r\nl: 0\r\n\r\n"};
  EXPECT_EQ(r.m.fault, Bad::none);
  for (const HeaderId id : {HeaderId::via, HeaderId::from, HeaderId::to, HeaderId::call_id, HeaderId::cseq, HeaderId::contact, HeaderId::supported,
                            HeaderId::event, HeaderId::max_forwards, HeaderId::content_length})
    EXPECT_TRUE(r.m.has(id)) << static_cast<int>(id);
  EXPECT_EQ(r.m.max_forwards, 5);
}

TEST(Index, NamesThatOnlyLookLikeKnownOnesAreOthers) {
  Request request;
  for (const char* name : {"Vi", "Viaa", "Via-", "Froms", "x", "Content-Lengths", "Content-Length-Of-Something", "Call-IDs", "Max-Forward", "Expire",
                           "Supportee", "P-Access-Network-Info", "a", "Callzid"})
    request.with(std::string{name} + ": 1");
  const Indexed r{request};
  EXPECT_EQ(r.m.fault, Bad::none);
  EXPECT_EQ(r.m.via_values, 1);
  for (std::size_t i = 8; i < r.m.headers; ++i) EXPECT_EQ(r.m.id[i], HeaderId::other) << r.m.header_line(i);
}

TEST(Index, EveryKnownNameHasItsId) {
  const std::pair<const char*, HeaderId> names[] = {{"Via", HeaderId::via},
                                                    {"From", HeaderId::from},
                                                    {"To", HeaderId::to},
                                                    {"Call-ID", HeaderId::call_id},
                                                    {"CSeq", HeaderId::cseq},
                                                    {"Max-Forwards", HeaderId::max_forwards},
                                                    {"Route", HeaderId::route},
                                                    {"Contact", HeaderId::contact},
                                                    {"User-Agent", HeaderId::user_agent},
                                                    {"Content-Length", HeaderId::content_length},
                                                    {"Expires", HeaderId::expires},
                                                    {"Record-Route", HeaderId::record_route},
                                                    {"Path", HeaderId::path},
                                                    {"Proxy-Require", HeaderId::proxy_require},
                                                    {"Require", HeaderId::require},
                                                    {"Timestamp", HeaderId::timestamp},
                                                    {"Event", HeaderId::event},
                                                    {"Authorization", HeaderId::authorization},
                                                    {"X-Viaduct-Home", HeaderId::x_viaduct_home},
                                                    {"Min-Expires", HeaderId::min_expires},
                                                    {"Supported", HeaderId::supported}};
  static_assert(std::size(names) + 1 == header_ids_count);
  for (const auto& [name, id] : names) {
    const Indexed r{std::string{"OPTIONS sip:example.com SIP/2.0\r\n"} + name + ": 1\r\n\r\n"};
    ASSERT_EQ(r.m.headers, 1);
    EXPECT_EQ(r.m.id[0], id) << name;
    EXPECT_EQ(r.m.name_bytes[0], std::string_view{name}.size());
    EXPECT_EQ(r.m.value(id), "1");
  }
}

TEST(Index, EveryMethodIsKnownByItsTokenAndCase) {
  for (const char* method :
       {"ACK", "BYE", "CANCEL", "INFO", "INVITE", "MESSAGE", "NOTIFY", "OPTIONS", "PRACK", "PUBLISH", "REFER", "REGISTER", "SUBSCRIBE", "UPDATE"}) {
    const std::string m = method;
    const Indexed r{Request{}.start(m + " sip:example.com SIP/2.0").set("CSeq", std::string{"CSeq: 1 "} + m)};
    EXPECT_EQ(r.m.fault, Bad::none) << m;
    EXPECT_EQ(token(r.m.method), m);
    std::string lower = m;
    lower[0] = static_cast<char>(lower[0] + 32);
    EXPECT_EQ(Indexed(Request{}.start(lower + " sip:example.com SIP/2.0").set("CSeq", std::string{"CSeq: 1 "} + lower)).m.method, Method::other) << lower;
  }
}

TEST(Index, BareLineFeedsEndLines) {
  Request request;
  request.end.erase(0, 1);
  EXPECT_EQ(fault(request), Bad::none);
}

TEST(Index, AFoldedHeaderIsOneLine) {
  const Indexed r{Request{}.set("To", "To:\r\n <sip:alice@example.com>\r\n\t;tag=t1\r\n ")};
  EXPECT_EQ(r.m.fault, Bad::none);
  EXPECT_EQ(r.m.headers, 8);
  EXPECT_EQ(r.m[r.m.to_tag], "t1");
  EXPECT_EQ(r.m.value(HeaderId::to), "<sip:alice@example.com>\r\n\t;tag=t1");
}

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

TEST(Index, ADisplayNameOfTokensMayBeFoldedAnywhere) {
  for (std::size_t tokens = 1; tokens < 80; ++tokens) {
    const auto from = [&](const char* between) { return Request{}.set("From", "From: " + std::string(tokens, 'a') + between + "b c d <sip:x@y>;tag=1"); };
    EXPECT_EQ(fault(from("\r\n ")), Bad::none) << tokens;
    EXPECT_EQ(fault(from("\n\t")), Bad::none) << tokens;
    for (const char* const bad : {"\r", "\r ", ";", "@"}) EXPECT_EQ(fault(from(bad)), Bad::from_syntax) << tokens << bad;
  }
}

TEST(Index, AMissingMaxForwardsReadsAsSeventy) {
  EXPECT_EQ(Indexed(Request{}.set("Max-Forwards", "")).m.max_forwards, 70);
  EXPECT_EQ(Indexed(Request{}.set("Max-Forwards", "Max-Forwards: 0")).m.max_forwards, 0);
  EXPECT_EQ(Indexed(Request{}.set("Max-Forwards", "Max-Forwards: 256")).m.max_forwards, 255);
  EXPECT_EQ(Indexed(Request{}.set("Max-Forwards", "Max-Forwards: 99999999999999999999")).m.max_forwards, 255);
  EXPECT_EQ(Indexed(Request{}.set("Max-Forwards", "Max-Forwards: 0000000000000000012")).m.max_forwards, 12);
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

TEST(Index, OctetsBehindTheBodyAreIgnored) {
  Request request;
  request.set("Content-Length", "Content-Length: 4").body = "bodyREST";
  const Indexed r{request};
  EXPECT_EQ(r.m.fault, Bad::none);
  EXPECT_EQ(r.m[r.m.body], "body");
}

TEST(Index, TheFirstFaultIsTheOneThatIsKept) {
  EXPECT_EQ(fault(Request{}.start("REGISTER sip: SIP/2.0").set("To", "To: <").set("CSeq", "CSeq: x")), Bad::request_uri);
  EXPECT_EQ(fault(Request{}.set("CSeq", "CSeq: x").set("To", "To: <")), Bad::to_syntax);
}

TEST(Index, NothingOfTheLastMessageStays) {
  Message m;
  const std::string full = Request{}.with("v: SIP/2.0/UDP b").with("Route: <sip:r>").text();
  static_cast<void>(index(full, m));
  const std::string_view nothing = "nothing of SIP, but long enough to be looked at";
  EXPECT_EQ(index(nothing, m), Bad::start_line);
  EXPECT_FALSE(m.is_request && m.answerable);
  EXPECT_EQ(m.headers, 0);
  EXPECT_EQ(m.via_values, 0);
  EXPECT_FALSE(m.has(HeaderId::route));
  EXPECT_EQ(m[m.to_uri], "");
  EXPECT_EQ(m[m.second_via], "");
  EXPECT_EQ(m.top.sent_by, "");
}

/// Two pages that cannot be read, with room for a message between them.
class Guarded {
 public:
  Guarded() {
    pages_ = static_cast<char*>(mmap(nullptr, bytes_ + 2 * page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    EXPECT_EQ(mprotect(pages_ + page_, bytes_, PROT_READ | PROT_WRITE), 0);
  }
  ~Guarded() { munmap(pages_, bytes_ + 2 * page_); }
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
  std::string_view at_start(std::string_view text) { return put(text, pages_ + page_); }
  std::string_view at_end(std::string_view text) { return put(text, pages_ + page_ + bytes_ - text.size()); }

 private:
  static std::string_view put(std::string_view text, char* at) {
    std::memcpy(at, text.data(), text.size());
    return {at, text.size()};
  }
  const std::size_t page_ = static_cast<std::size_t>(getpagesize());
  const std::size_t bytes_ = 4 * page_;
  char* pages_;
};

TEST(Index, ReadsNothingBeforeOrBehindTheText) {
  using namespace std::string_literals;
  Guarded guarded;
  std::vector<std::string> texts = {Request{}.text(), Request{}.set("Content-Length", "l: 0").text(), Request{}.set("Via", "v:SIP/2.0/UDP a").text(),
                                    Request{}.set("To", "t:sip:a@b").text(), std::string{"SIP/2.0 200 OK\r\n"} + Request{}.text()};
  // A Via's parameters of every length, up to the end of the text.
  for (std::size_t bytes = 0; bytes < 150; ++bytes)
    texts.push_back("OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP a;rport;" + std::string(bytes, 'i') + ";rport;branch");
  // A short header that is the last: digits, and something behind them.
  for (const std::string_view name : {"CSeq", "Call-ID", "Max-Forwards", "Content-Length", "From", "To", "Via"})
    for (std::size_t digits = 0; digits < 10; ++digits)
      for (std::size_t more = 0; more < 10; ++more)
        texts.push_back(
            "OPTIONS sip:user@example.com SIP/2.0\r\nAccept: application/sdp, application/cpim-pidf+xml, message/sipfrag\r\nSubject: the last header is "
            "short\r\n" +
            std::string{name} + ": " + std::string(digits, '3') + " OPTIONS: "s.substr(0, more) + "\r\n\r\n");
  // Line ends where the usual head has none: before all, one right behind the other, at the very end.
  for (const std::string_view begin : {"\n", "\r\n", "a\n", "\n\r\n", "OPTIONS\n"})
    for (const std::string_view end : {"\n", "\r\n\r\n", "a\n\n", "\r\n\n\n"}) texts.push_back(std::string{begin} + std::string(150, 'x') + std::string{end});
  for (const auto& message : testing::torture_messages()) texts.push_back(message.text);
  for (const std::string& text : texts)
    for (std::size_t bytes = 0; bytes <= text.size(); ++bytes) {
      Message a, b;
      const std::string_view prefix = std::string_view{text}.substr(0, bytes);
      ASSERT_EQ(index(guarded.at_start(prefix), a), index(guarded.at_end(prefix), b)) << prefix;
    }
}

TEST(Keepalive, IsEmptyOrLineEndsOrFourZeros) {
  EXPECT_TRUE(is_keepalive(""));
  EXPECT_TRUE(is_keepalive("\r\n"));
  EXPECT_TRUE(is_keepalive("\r\n\r\n"));
  EXPECT_TRUE(is_keepalive(std::string_view{"\0\0\0\0", 4}));
  EXPECT_FALSE(is_keepalive("\n"));
  EXPECT_FALSE(is_keepalive(std::string_view{"\0\0\0", 3}));
  EXPECT_FALSE(is_keepalive("\r\n\r\n\r\n"));
  EXPECT_FALSE(is_keepalive("jaK"));
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

TEST(Index, AnEmptyCallIdIsAFault) { EXPECT_EQ(fault(Request{}.set("Call-ID", "Call-ID: ")), Bad::call_id_syntax); }

TEST(Index, ZerosBehindAMethodAreNoMethod) {
  using namespace std::string_literals;
  const std::string text = "REGISTER\0\0 sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\r\n"s;
  Message m;
  EXPECT_EQ(index(text, m), Bad::not_sip);
}

TEST(Index, ALongerNameThatBeginsLikeAKnownOneIsAnother) {
  std::string text =
      "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@example.com>;tag=1\r\nTo: <sip:a@example.com>\r\n"
      "Call-ID: 1\r\nCSeq: 1 REGISTER\r\nContent-LengthX: 7\r\n\r\n";
  Message m;
  EXPECT_EQ(index(text, m), Bad::none);
  EXPECT_FALSE(m.has(HeaderId::content_length));
}

}  // namespace
}  // namespace viaduct::sip
