// SPDX-License-Identifier: Apache-2.0
// Homes that are spared: what is counted for them, what goes first, what never goes, and the answers.
#include "shedder.h"

#include "fleet.h"
#include "viaduct/edge/compose.h"

namespace viaduct::edge {
namespace {

using base::Verdict;

constexpr std::uint64_t second = 1'000'000'000;

class Shedding : public Fleet {
 protected:
  Shedding() {
    std::vector<assign::Home> homes(site.homes.begin(), site.homes.end());
    homes[1].max_per_s = 1000;
    site.homes = assign::Homes(homes);
    EXPECT_TRUE(site.homes.are_any_limited());
  }

  /// How many of so many requests at once that home is sent.
  std::size_t let_through(std::size_t times, const std::string& text, assign::HomeIndex home = 1, Verdict verdict = Verdict::proxied) {
    index(text, job->subject);
    job->judgement = {.verdict = verdict, .home = home};
    std::size_t count = 0;
    for (std::size_t i = 0; i < times; ++i) count += shedder.is_too_much(*job, site, now_ns) ? 0 : 1;
    return count;
  }

  std::uint64_t now_ns{second};
  Shedder shedder{2};
  std::unique_ptr<Job> job{std::make_unique<Job>()};
};

TEST_F(Shedding, GivesEachWorkerItsShareOfAHomesRate) {
  EXPECT_EQ(let_through(1000, Text().method("INVITE")), 50U) << "a tenth of a second of 500, half of the rate";
  std::size_t later = 0;
  for (int i = 0; i < 100; ++i) {
    now_ns += second / 100;
    later += let_through(100, Text().method("INVITE"));
  }
  EXPECT_NEAR(static_cast<double>(later), 500, 1);
}

TEST_F(Shedding, CountsRedirectsAndNothingThatGoesElsewhere) {
  EXPECT_EQ(let_through(100, Text(), 3), 100U);
  EXPECT_EQ(let_through(100, Text(), assign::no_home), 100U);
  EXPECT_EQ(let_through(100, Text(), 1, Verdict::rejected), 100U);
  EXPECT_LT(let_through(100, Text(), 1, Verdict::redirected), 100U);
}

TEST_F(Shedding, LetsTheImportantUseWhatTheOthersMayNot) {
  const std::size_t first = let_through(100, Text().method("OPTIONS"));
  const std::size_t second_kind = let_through(100, Text());
  const std::size_t last = let_through(100, Text().method("INVITE"));
  EXPECT_GT(first, 0U);
  EXPECT_GT(second_kind, 0U);
  EXPECT_GT(last, 0U);
  EXPECT_EQ(let_through(100, Text().method("OPTIONS")) + let_through(100, Text()) + let_through(100, Text().method("INVITE")), 0U);
}

TEST_F(Shedding, NeverRefusesWhatHasBegunNorAnEmergency) {
  EXPECT_LT(let_through(100, Text().method("INVITE")), 100U);
  for (const char* method : {"ACK", "BYE", "CANCEL", "PRACK", "UPDATE", "NOTIFY"}) EXPECT_EQ(let_through(9, Text().method(method)), 9U) << method;
  EXPECT_EQ(let_through(9, Text().method("INVITE").to("<sip:alice@example.com>;tag=t")), 9U);
  EXPECT_EQ(let_through(9, Text().method("INVITE").header("Priority: Emergency")), 9U);
  EXPECT_EQ(let_through(9, Text().method("INVITE").header("Priority: urgent")), 0U);
}

TEST_F(Shedding, TellsAClientWhenToComeBackAndAProxyNothing) {
  const auto answered = [&](const std::string& text, std::uint16_t status) {
    index(text, job->subject);
    job->subject.excess = {.is_over = true, .retry_after_s = 17};
    std::string out(4096, '\0');
    const Judgement j{.verdict = Verdict::rejected, .reason = Reason::home_full, .status = status};
    out.resize(compose_answer(job->subject, j, site, {}, 1, out));
    return out;
  };
  EXPECT_NE(answered(Text(), 500).find("Retry-After: 17\r\n"), std::string::npos);
  EXPECT_EQ(answered(Text().vias(two_vias), 503).find("Retry-After"), std::string::npos);
}

}  // namespace
}  // namespace viaduct::edge
