// SPDX-License-Identifier: Apache-2.0
// Each torture message of RFC 4475 and RFC 5118 with the verdict that the RFC, or where it leaves a choice this project, gives it.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <ostream>

#include "viaduct/sip/contact.h"
#include "viaduct/sip/message.h"
#include "viaduct/sip/uri.h"

namespace viaduct::sip {
namespace {

struct Case {
  const char* file;
  Bad fault;
  bool answerable;
  int via_values;
  const char* method;  ///< empty for a response
  int status;          ///< 0 for a request
  int headers;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.file; }

std::string read(const std::string& file) {
  std::ifstream stream(std::string{VIADUCT_TORTURE_DIR "/"} + file, std::ios::binary);
  EXPECT_TRUE(stream) << file;
  return {std::istreambuf_iterator<char>(stream), {}};
}

// Where a fault is not the index's to find (Contact, Date, a Require that is not understood, a scheme that is not served), it says none.
constexpr Case cases[] = {
    // RFC 4475 3.1.1: valid.
    {"rfc4475/wsinv.dat", Bad::none, true, 3, "INVITE", 0, 14},
    {"rfc4475/intmeth.dat", Bad::none, true, 1, "!interesting-Method0123456789_*+`.%indeed'~", 0, 8},
    {"rfc4475/esc01.dat", Bad::none, true, 1, "INVITE", 0, 9},
    {"rfc4475/escnull.dat", Bad::none, true, 1, "REGISTER", 0, 9},
    {"rfc4475/esc02.dat", Bad::none, true, 1, "RE%47IST%45R", 0, 10},
    {"rfc4475/lwsdisp.dat", Bad::none, true, 1, "OPTIONS", 0, 7},
    {"rfc4475/longreq.dat", Bad::none, true, 34, "INVITE", 0, 43},
    {"rfc4475/dblreq.dat", Bad::none, true, 1, "REGISTER", 0, 8},
    {"rfc4475/semiuri.dat", Bad::none, true, 1, "OPTIONS", 0, 8},
    {"rfc4475/transports.dat", Bad::none, true, 5, "OPTIONS", 0, 12},
    {"rfc4475/mpart01.dat", Bad::none, true, 1, "MESSAGE", 0, 14},
    {"rfc4475/unreason.dat", Bad::none, false, 1, "", 200, 8},
    {"rfc4475/noreason.dat", Bad::none, false, 1, "", 100, 7},
    // 3.1.2: invalid.
    {"rfc4475/badinv01.dat", Bad::via_syntax, true, 1, "INVITE", 0, 9},
    {"rfc4475/clerr.dat", Bad::body_short, true, 1, "INVITE", 0, 9},
    {"rfc4475/ncl.dat", Bad::content_length_syntax, true, 1, "INVITE", 0, 9},
    {"rfc4475/scalar02.dat", Bad::cseq_syntax, true, 1, "REGISTER", 0, 9},
    {"rfc4475/scalarlg.dat", Bad::cseq_syntax, false, 1, "", 503, 8},
    {"rfc4475/quotbal.dat", Bad::to_syntax, true, 1, "INVITE", 0, 9},
    {"rfc4475/ltgtruri.dat", Bad::request_uri, true, 1, "INVITE", 0, 9},
    {"rfc4475/lwsruri.dat", Bad::start_line, true, 1, "INVITE", 0, 9},
    {"rfc4475/lwsstart.dat", Bad::start_line, true, 1, "INVITE", 0, 9},
    {"rfc4475/trws.dat", Bad::start_line, true, 1, "OPTIONS", 0, 8},
    {"rfc4475/escruri.dat", Bad::none, true, 1, "INVITE", 0, 9},
    {"rfc4475/baddate.dat", Bad::none, true, 1, "INVITE", 0, 10},
    {"rfc4475/regbadct.dat", Bad::none, true, 1, "REGISTER", 0, 8},
    {"rfc4475/badaspec.dat", Bad::to_syntax, true, 1, "OPTIONS", 0, 8},
    {"rfc4475/baddn.dat", Bad::head_unterminated, true, 1, "OPTIONS", 0, 8},
    {"rfc4475/badvers.dat", Bad::version, true, 1, "OPTIONS", 0, 7},
    {"rfc4475/mismatch01.dat", Bad::cseq_method, true, 1, "OPTIONS", 0, 7},
    {"rfc4475/mismatch02.dat", Bad::cseq_method, true, 1, "NEWMETHOD", 0, 9},
    {"rfc4475/bigcode.dat", Bad::status_code, false, 1, "", 0, 7},
    // 3.2 to 3.4: well-formed, to be refused or served by what they mean.
    {"rfc4475/badbranch.dat", Bad::none, true, 1, "OPTIONS", 0, 8},
    {"rfc4475/insuf.dat", Bad::from_missing, false, 1, "INVITE", 0, 4},
    {"rfc4475/unkscm.dat", Bad::none, true, 1, "OPTIONS", 0, 7},
    {"rfc4475/novelsc.dat", Bad::none, true, 1, "OPTIONS", 0, 7},
    {"rfc4475/unksm2.dat", Bad::none, true, 1, "REGISTER", 0, 8},
    {"rfc4475/bext01.dat", Bad::none, true, 1, "OPTIONS", 0, 9},
    {"rfc4475/invut.dat", Bad::none, true, 1, "INVITE", 0, 9},
    {"rfc4475/regaut01.dat", Bad::none, true, 1, "REGISTER", 0, 8},
    {"rfc4475/multi01.dat", Bad::header_repeated, true, 1, "INVITE", 0, 15},
    {"rfc4475/mcl01.dat", Bad::header_repeated, true, 1, "OPTIONS", 0, 9},
    {"rfc4475/bcast.dat", Bad::none, false, 2, "", 200, 9},
    {"rfc4475/zeromf.dat", Bad::none, true, 1, "OPTIONS", 0, 7},
    {"rfc4475/cparam01.dat", Bad::none, true, 1, "REGISTER", 0, 8},
    {"rfc4475/cparam02.dat", Bad::none, true, 1, "REGISTER", 0, 8},
    {"rfc4475/regescrt.dat", Bad::none, true, 1, "REGISTER", 0, 8},
    {"rfc4475/sdp01.dat", Bad::none, true, 1, "INVITE", 0, 10},
    {"rfc4475/inv2543.dat", Bad::none, true, 1, "INVITE", 0, 7},
    // In the archive, in no section: no version, so nothing can be answered.
    {"rfc4475/test.dat", Bad::start_line, false, 0, "INVITE", 0, 0},
    // RFC 5118 4.1 to 4.10.
    {"rfc5118/ipv6-good.dat", Bad::none, true, 1, "REGISTER", 0, 8},
    {"rfc5118/ipv6-bad.dat", Bad::request_uri, true, 1, "REGISTER", 0, 8},
    {"rfc5118/port-ambiguous.dat", Bad::none, true, 1, "REGISTER", 0, 8},
    {"rfc5118/port-unambiguous.dat", Bad::none, true, 1, "REGISTER", 0, 8},
    {"rfc5118/via-received-param-with-delim.dat", Bad::none, true, 1, "BYE", 0, 7},
    {"rfc5118/via-received-param-no-delim.dat", Bad::none, true, 1, "OPTIONS", 0, 8},
    {"rfc5118/ipv6-in-sdp.dat", Bad::body_short, true, 1, "INVITE", 0, 9},
    {"rfc5118/mult-ip-in-header.dat", Bad::none, true, 3, "BYE", 0, 9},
    {"rfc5118/mult-ip-in-sdp.dat", Bad::none, true, 1, "INVITE", 0, 9},
    {"rfc5118/ipv4-mapped-ipv6.dat", Bad::none, true, 2, "INVITE", 0, 10},
    {"rfc5118/ipv6-bug-abnf-3-colons.dat", Bad::none, true, 1, "OPTIONS", 0, 7},
    {"rfc5118/ipv6-correct-abnf-2-colons.dat", Bad::none, true, 1, "OPTIONS", 0, 7},
    // Repaired where the archive contradicts itself.
    {"variants/baddn.terminated.dat", Bad::from_syntax, true, 1, "OPTIONS", 0, 8},
    {"variants/ipv4-mapped-ipv6.cl-fixed.dat", Bad::none, true, 2, "INVITE", 0, 10},
    {"variants/ipv6-in-sdp.cl-fixed.dat", Bad::none, true, 1, "INVITE", 0, 9},
    {"variants/mult-ip-in-sdp.cl-fixed.dat", Bad::none, true, 1, "INVITE", 0, 9},
};

class Torture : public testing::TestWithParam<Case> {};

TEST_P(Torture, GetsItsVerdict) {
  const std::string text = read(GetParam().file);
  Message m;
  EXPECT_EQ(name(index(text, m)), name(GetParam().fault));
  EXPECT_EQ(m.answerable, GetParam().answerable);
  EXPECT_EQ(m.via_values, GetParam().via_values);
  EXPECT_EQ(m.is_request, GetParam().method[0] != '\0');
  EXPECT_EQ(m[m.method_text], GetParam().method);
  EXPECT_EQ(m.status, GetParam().status);
  EXPECT_EQ(m.headers, GetParam().headers);
}

std::string test_name(const testing::TestParamInfo<Case>& info) {
  std::string name = info.param.file;
  name = name.substr(name.find('/') + 1);
  name.resize(name.rfind('.'));
  for (char& c : name)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  return name + (std::string_view{info.param.file}.starts_with("variants") ? "_variant" : "");
}
INSTANTIATE_TEST_SUITE_P(Rfc, Torture, testing::ValuesIn(cases), test_name);

TEST(TortureDetail, FoldedWhiteSpaceEverywhereStillGivesEveryField) {
  const std::string text = read("rfc4475/wsinv.dat");
  Message m;
  ASSERT_EQ(index(text, m), Bad::none);
  EXPECT_EQ(m.max_forwards, 68);
  EXPECT_EQ(m.cseq_number, 9U);
  EXPECT_EQ(m.method, Method::invite);
  EXPECT_EQ(m[m.to_uri], "sip:vivekg@chair-dnrc.example.com");
  EXPECT_EQ(m[m.to_tag], "1918181833n");
  EXPECT_EQ(m[m.from_uri], "sip:jdrosen@example.com");
  EXPECT_EQ(m[m.from_tag], "98asjd8");
  EXPECT_EQ(m.top.host, "192.0.2.2");
  EXPECT_EQ(m.top.branch, "390skdjuw");
  EXPECT_EQ(m[m.second_via], "SIP  / 2.0  / TCP     spindle.example.com   ;\r\n  branch  =   z9hG4bK9ikj8");
  EXPECT_EQ(m.body.bytes, 150);
  EXPECT_TRUE(m.has(HeaderId::route));
  EXPECT_TRUE(m.has(HeaderId::contact));
}

TEST(TortureDetail, APercentInAMethodIsNoEscape) {
  Message m;
  const std::string text = read("rfc4475/esc02.dat");
  ASSERT_EQ(index(text, m), Bad::none);
  EXPECT_EQ(m.method, Method::other);
}

TEST(TortureDetail, TheSecondRequestOfADatagramIsNotRead) {
  Message m;
  const std::string text = read("rfc4475/dblreq.dat");
  ASSERT_EQ(index(text, m), Bad::none);
  EXPECT_EQ(m.method, Method::register_);
  EXPECT_EQ(m.body.bytes, 0);
  EXPECT_EQ(m.text.size() - m.head_bytes, 450U);
}

TEST(TortureDetail, ANulEscapeDoesNotEndAUser) {
  Message m;
  const std::string text = read("rfc4475/escnull.dat");
  ASSERT_EQ(index(text, m), Bad::none);
  std::array<char, base::aor_bytes_max> out;
  EXPECT_EQ(canonical_aor(m[m.to_uri], Domains{}, out), "null-%00-null@example.com");
  const auto bindings = contacts(m);
  ASSERT_TRUE(bindings);
  ASSERT_EQ(bindings->count, 2U);
  EXPECT_FALSE(uri_equal(bindings->values[0].uri, bindings->values[1].uri));
}

TEST(TortureDetail, AQuestionMarkOutsideAngleBracketsIsABadContact) {
  Message m;
  const std::string bad = read("rfc4475/regbadct.dat");
  ASSERT_EQ(index(bad, m), Bad::none);
  EXPECT_EQ(contacts(m).error(), Bad::contact_syntax);
  const std::string good = read("rfc4475/regescrt.dat");
  ASSERT_EQ(index(good, m), Bad::none);
  EXPECT_EQ(contacts(m)->values[0].uri, "sip:user@example.com?Route=%3Csip:sip.example.com%3E");
}

TEST(TortureDetail, AParameterBelongsToTheHeaderOrTheUriByItsPlace) {
  Message m;
  const std::string outside = read("rfc4475/cparam01.dat");
  ASSERT_EQ(index(outside, m), Bad::none);
  EXPECT_EQ(contacts(m)->values[0].uri, "sip:+19725552222@gw1.example.net");
  EXPECT_EQ(contacts(m)->values[0].params, "unknownparam");
  const std::string inside = read("rfc4475/cparam02.dat");
  ASSERT_EQ(index(inside, m), Bad::none);
  EXPECT_EQ(contacts(m)->values[0].uri, "sip:+19725552222@gw1.example.net;unknownparam");
}

TEST(TortureDetail, AnOverlargeExpiresIsReadAsAbsentOrClamped) {
  Message m;
  const std::string text = read("rfc4475/scalar02.dat");
  static_cast<void>(index(text, m));
  EXPECT_EQ(m.max_forwards, 255);
  EXPECT_EQ(expires_s(m), 0xffff'ffffU);
}

TEST(TortureDetail, ABroadcastAddressIsNoPlaceForAResponse) {
  Message m;
  const std::string text = read("rfc4475/bcast.dat");
  ASSERT_EQ(index(text, m), Bad::none);
  EXPECT_EQ(response_destination(*parse_via(m[m.second_via])), std::nullopt);
}

TEST(TortureDetail, ABrokenTopViaIsKeptAsFarAsItIsGood) {
  Message m;
  const std::string text = read("rfc4475/badinv01.dat");
  ASSERT_EQ(index(text, m), Bad::via_syntax);
  EXPECT_EQ(m[m.top_via], "SIP/2.0/UDP 192.0.2.15");
}

TEST(TortureDetail, ARepeatedHeaderIsAnsweredWithTheFirstOfEach) {
  Message m;
  const std::string text = read("rfc4475/multi01.dat");
  ASSERT_EQ(index(text, m), Bad::header_repeated);
  EXPECT_EQ(m[m.call_id], "multi01.98asdh@192.0.2.1");
  EXPECT_EQ(m.cseq_number, 5U);
  EXPECT_EQ(m[m.from_tag], "3413415");
}

}  // namespace
}  // namespace viaduct::sip
