// SPDX-License-Identifier: Apache-2.0
// Overload control in Vias: what is understood, what is nonsense, what is written back.
#include "viaduct/sip/overload.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "viaduct/base/limits.h"
#include "viaduct/sip/message.h"
#include "viaduct/sip/reply.h"

namespace viaduct::sip {
namespace {

using enum OverloadAlgorithm;
using enum OverloadHeard;

const std::string ours = "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa1;received=192.0.2.1";

OverloadHeard heard(const std::string& params) {
  OverloadReport out;
  return read_overload(ours + params, out);
}

OverloadReport reported(const std::string& params) {
  OverloadReport out;
  EXPECT_EQ(read_overload(ours + params, out), OverloadHeard::report) << params;
  return out;
}

TEST(Overload, ReadsWhatAHomeAsksFor) {
  EXPECT_EQ(reported(";oc=20;oc-algo=\"loss\";oc-validity=400;oc-seq=1282321615.782"),
            (OverloadReport{.algorithm = loss, .value = 20, .validity_ms = 400, .sequence = 128232161578200U}));
  EXPECT_EQ(reported(";oc=150;oc-algo=\"rate\";oc-validity=1000;oc-seq=1.00005"),
            (OverloadReport{.algorithm = rate, .value = 150, .validity_ms = 1000, .sequence = 100005U}));
  EXPECT_EQ(reported(";OC = 7 ;Oc-Algo = \" LOSS \"").value, 7U) << "names in any case, white space";
  EXPECT_EQ(reported(";oc=0;oc-algo=rate").value, 0U);
}

TEST(Overload, HoldsForHalfASecondUnlessItIsSaid) {
  EXPECT_EQ(reported(";oc=20;oc-algo=\"loss\"").validity_ms, 500U);
  EXPECT_EQ(reported(";oc=20;oc-algo=\"loss\";oc-validity").validity_ms, 500U);
  EXPECT_EQ(reported(";oc=20;oc-algo=\"loss\";oc-validity=0").validity_ms, 0U);
  EXPECT_FALSE(reported(";oc=20;oc-algo=\"loss\"").sequence);
}

TEST(Overload, OrdersReportsByTheirTime) {
  const auto sequence = [](const std::string& text) { return *reported(";oc=1;oc-algo=\"loss\";oc-seq=" + text).sequence; };
  EXPECT_LT(sequence("5.9"), sequence("10.1"));
  EXPECT_LT(sequence("5.15"), sequence("5.9"));
  EXPECT_EQ(sequence("5.9"), sequence("5.90000"));
  EXPECT_GT(sequence("999999999999.99999"), sequence("999999999999.99998"));
}

TEST(Overload, AnEchoOfTheOfferSaysNothing) {
  EXPECT_EQ(heard(std::string(overload_offer)), nothing);
  EXPECT_EQ(heard(""), nothing);
  EXPECT_EQ(heard(";oc-algo=\"loss\";oc-validity=10"), nothing);
  EXPECT_EQ(heard(";x=\"oc=3;oc-algo=loss\""), nothing) << "quotes hide what is in them";
}

TEST(Overload, TakesNoNonsense) {
  for (const char* params : {";oc=101;oc-algo=\"loss\"",
                             ";oc=200;oc-algo=\"loss\"",
                             ";oc=-5;oc-algo=\"loss\"",
                             ";oc=x;oc-algo=\"loss\"",
                             ";oc=4294967297;oc-algo=\"loss\"",
                             ";oc=10000001;oc-algo=\"rate\"",
                             ";oc=\"20\";oc-algo=\"loss\"",
                             ";oc=20",
                             ";oc=20;oc-algo=\"loss,rate\"",
                             ";oc=20;oc-algo=\"window\"",
                             ";oc=20;oc-algo=\"\"",
                             ";oc=20;oc=30;oc-algo=\"loss\"",
                             ";oc=20;oc-algo=\"loss\";oc-algo=\"rate\"",
                             ";oc=20;oc-algo=\"loss\";oc-validity=-1",
                             ";oc=20;oc-algo=\"loss\";oc-validity=3600001",
                             ";oc=20;oc-algo=\"loss\";oc-validity=99999999999",
                             ";oc=20;oc-algo=\"loss\";oc-seq=1",
                             ";oc=20;oc-algo=\"loss\";oc-seq=.5",
                             ";oc=20;oc-algo=\"loss\";oc-seq=1.",
                             ";oc=20;oc-algo=\"loss\";oc-seq=1..5",
                             ";oc=20;oc-algo=\"loss\";oc-seq=1.123456",
                             ";oc=20;oc-algo=\"loss\";oc-seq=1234567890123.1",
                             ";oc=20;oc-algo=\"loss\";oc-seq"})
    EXPECT_EQ(heard(params), nonsense) << params;
}

TEST(Overload, KnowsWhoKeepsToALoss) {
  EXPECT_TRUE(offers_loss(ours + std::string(overload_offer)));
  EXPECT_TRUE(offers_loss(ours + ";oc;oc-algo=\"A, loss\""));
  EXPECT_TRUE(offers_loss(ours + " ; OC ;Oc-Algo=\"LOSS\""));
  EXPECT_FALSE(offers_loss(ours + ";oc;oc-algo=\"rate\""));
  EXPECT_FALSE(offers_loss(ours + ";oc;oc-algo=\"lossy\""));
  EXPECT_FALSE(offers_loss(ours + ";oc=4;oc-algo=\"loss\"")) << "that is an answer";
  EXPECT_FALSE(offers_loss(ours));
}

TEST(Overload, IsWrittenInPlaceOfTheOfferAndReadBack) {
  std::array<char, overload_text_bytes_max> room;
  const std::string text(write_loss(35, 1'282'321'615'082, room));
  EXPECT_EQ(text, ";oc=35;oc-algo=\"loss\";oc-validity=500;oc-seq=1282321615.082");
  EXPECT_EQ(reported(text), (OverloadReport{.algorithm = loss, .value = 35, .validity_ms = 500, .sequence = 128232161508200U}));
  EXPECT_LE(write_loss(100, ~std::uint64_t{0} / 100'000, room).size(), room.size());

  const std::string request =
      "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;oc;rport;branch=z9hG4bKa1;oc-algo=\"loss,rate\";x=1\r\n"
      "Via: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bKb;oc;oc-algo=\"loss\"\r\nMax-Forwards: 70\r\nFrom: <sip:a@example.com>;tag=1\r\n"
      "To: <sip:a@example.com>\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n";
  Message message;
  ASSERT_EQ(index(request, message), Bad::none);
  std::string out(2048, '\0');
  out.resize(write_reply(message, {.status_line = status_line(200), .source = {base::Address::v4({192, 0, 2, 1}), 5060}}, out, text));
  EXPECT_NE(out.find("Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa1;x=1;received=192.0.2.1;rport=5060" + text +
                     "\r\n"
                     "Via: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bKb;oc;oc-algo=\"loss\"\r\n"),
            std::string::npos)
      << out;
}

}  // namespace
}  // namespace viaduct::sip
