// SPDX-License-Identifier: Apache-2.0
// Which requests are timed, what their answers say, and that none counts twice.
#include "timing.h"

#include <set>
#include <thread>

#include "fleet.h"
#include "viaduct/nic/nic.h"
#include "viaduct/sip/mark.h"

namespace viaduct::edge {
namespace {

class Times : public ::testing::Test {
 protected:
  sip::Message& indexed(const std::string& text) {
    text_ = text;
    EXPECT_EQ(sip::index(text_, message_), sip::Bad::none) << text;
    return message_;
  }
  std::uint64_t mark(const std::string& request) { return marking.mark(indexed(request)); }
  /// The mark of the next request of that kind that gets one.
  std::uint64_t next_mark(const std::string& request) {
    for (;;)
      if (const std::uint64_t m = mark(request); m != 0) return m;
  }
  static std::string params(std::uint64_t mark) {
    std::string out(sip::mark_bytes, ' ');
    sip::write_mark(mark, std::span<char, sip::mark_bytes>{out.data(), sip::mark_bytes});
    return out;
  }
  std::optional<std::uint64_t> elapsed(const std::string& via_params, int status = 200, const std::string& method = "REGISTER") {
    return timing.elapsed_us(indexed("SIP/2.0 " + std::to_string(status) + " Any\r\nVia: SIP/2.0/UDP 198.18.0.2:5060;branch=z9hG4bKours" + via_params +
                                     ";received=198.18.0.2\r\nVia: SIP/2.0/UDP 198.18.0.1;branch=z9hG4bKone\r\nFrom: <sip:a@example.com>;tag=f\r\n"
                                     "To: <sip:a@example.com>;tag=t\r\nCall-ID: c\r\nCSeq: 1 " +
                                     method + "\r\nContent-Length: 0\r\n\r\n"));
  }

  site::Load load{1, 1};
  Marking marking{load};
  Timing timing{load};

 private:
  std::string text_;
  sip::Message message_;
};

TEST_F(Times, OneInSoManyRequestsIsMarkedAtUnevenDistances) {
  std::set<int> distances;
  int marked = 0, last = 0;
  constexpr int count = 100'000;
  for (int i = 1; i <= count; ++i) {
    if (mark(Text()) == 0) continue;
    ++marked;
    distances.insert(i - std::exchange(last, i));
  }
  EXPECT_NEAR(marked, count / base::requests_a_mark, 0.05 * count / base::requests_a_mark);
  EXPECT_GT(distances.size(), base::requests_a_mark);
}

TEST_F(Times, OnlyWhatAHomeAnswersByItselfIsMarked) {
  for (const char* method : {"ACK", "BYE", "CANCEL", "MESSAGE", "OPTIONS", "SUBSCRIBE"})
    for (unsigned i = 0; i < 4 * base::requests_a_mark; ++i) EXPECT_EQ(mark(Text().method(method)), 0U) << method;
  EXPECT_NE(mark(Text().method("PUBLISH")), 0U) << "it is the next one then";
  for (unsigned i = 0; i < 4 * base::requests_a_mark; ++i) EXPECT_EQ(mark(Text().method("INVITE").to("<sip:a@example.com>;tag=t")), 0U);
  EXPECT_NE(mark(Text().method("INVITE")), 0U);
}

TEST_F(Times, AnAnswerTellsHowLongAgoItsRequestLeft) {
  const std::uint64_t m = next_mark(Text());
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const auto us = elapsed(";oc;oc-algo=\"loss,rate\"" + params(m));
  ASSERT_TRUE(us);
  EXPECT_GE(*us, 20'000U);
  EXPECT_LT(*us, 2'000'000U);
}

TEST_F(Times, TheFirstAnswerCountsAndNoOther) {
  const std::uint64_t m = next_mark(Text());
  EXPECT_FALSE(elapsed(params(m), 100)) << "a REGISTER's is the final one";
  EXPECT_TRUE(elapsed(params(m)));
  EXPECT_FALSE(elapsed(params(m))) << "it was repeated";
  EXPECT_TRUE(elapsed(params(next_mark(Text())), 401)) << "a refusal is an answer, too";
  const std::uint64_t call = next_mark(Text().method("INVITE"));
  EXPECT_FALSE(elapsed(params(call), 180, "INVITE")) << "that depends on who is called";
  EXPECT_FALSE(elapsed(params(call), 200, "INVITE"));
  EXPECT_TRUE(elapsed(params(call), 100, "INVITE"));
}

TEST_F(Times, WhatWasNotMarkedHereSaysNothing) {
  EXPECT_FALSE(elapsed(""));
  EXPECT_FALSE(elapsed(";at=short"));
  EXPECT_FALSE(elapsed(";at=!!!!!!!!!!!!!"));
  EXPECT_FALSE(elapsed(params(0x0123456789abcdef))) << "another process's";
  EXPECT_FALSE(elapsed(params((nic::ticks() - 65 * nic::ticks_per_second()) ^ load.mark_secret))) << "too old";
  EXPECT_FALSE(elapsed(params((nic::ticks() + nic::ticks_per_second()) ^ load.mark_secret))) << "not yet sent";
}

TEST_F(Times, AreCountedInClassesThatDouble) {
  EXPECT_EQ(site::answer_time_class(0), 0U);
  EXPECT_EQ(site::answer_time_class(63), 0U);
  EXPECT_EQ(site::answer_time_class(64), 1U);
  EXPECT_EQ(site::answer_time_class(~std::uint64_t{0}), site::answer_times_count - 1);
  for (std::size_t c = 1; c < site::answer_times_count; ++c) {
    EXPECT_EQ(site::answer_time_class(site::answer_time_us(c)), c);
    EXPECT_EQ(site::answer_time_class(site::answer_time_us(c) - 1), c - 1);
  }
}

}  // namespace
}  // namespace viaduct::edge
