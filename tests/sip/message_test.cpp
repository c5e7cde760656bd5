// SPDX-License-Identifier: Apache-2.0
// The index: what it finds, and that it reads nothing outside its text.
#include "viaduct/sip/message.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <vector>

#include "request.h"
#include "torture.h"

namespace viaduct::sip {
namespace {

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

TEST(Index, OctetsBehindTheBodyAreIgnored) {
  Request request;
  request.set("Content-Length", "Content-Length: 4").body = "bodyREST";
  const Indexed r{request};
  EXPECT_EQ(r.m.fault, Bad::none);
  EXPECT_EQ(r.m[r.m.body], "body");
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
