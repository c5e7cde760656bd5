// SPDX-License-Identifier: Apache-2.0
// Homes that are spared, by the operator's limit or since they ask for it: what is counted for them, what goes first, what never goes, and the answers.
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
    overloads.cover(site.homes.size());
  }

  /// How many of so many requests at once that home is sent.
  std::size_t let_through(std::size_t times, const std::string& text, assign::HomeIndex home = 1, Verdict verdict = Verdict::proxied) {
    index(text, job->subject);
    job->judgement = {.verdict = verdict, .home = home};
    std::size_t count = 0;
    for (std::size_t i = 0; i < times; ++i) count += shedder.look(*job, site, overloads, {.ns = now_ns, .ms = now_ns / 1'000'000}) == Shed::no ? 1 : 0;
    return count;
  }
  void ask(sip::OverloadAlgorithm algorithm, std::uint32_t value, assign::HomeIndex home = 3) {
    EXPECT_TRUE(overloads.take(home, {.algorithm = algorithm, .value = value, .validity_ms = base::overload_validity_ms_max}, now_ns / 1'000'000));
  }

  std::uint64_t now_ns{second};
  site::Overloads overloads;
  Shedder shedder{2};
  std::unique_ptr<Job> job{std::make_unique<Job>()};
};

const std::string options = Text().method("OPTIONS"), first_register = Text(), refresh = Text().header("Authorization: Digest username=\"alice\""),
                  invite = Text().method("INVITE"), bye = Text().method("BYE");

TEST_F(Shedding, GivesEachWorkerItsShareOfAHomesRate) {
  EXPECT_EQ(let_through(1000, invite), 50U) << "a tenth of a second of 500, half of the rate";
  std::size_t later = 0;
  for (int i = 0; i < 100; ++i) {
    now_ns += second / 100;
    later += let_through(100, invite);
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
  for (const std::string& text : {options, first_register, refresh, invite}) EXPECT_GT(let_through(100, text), 0U) << text;
  for (const std::string& text : {options, first_register, refresh, invite}) EXPECT_EQ(let_through(100, text), 0U) << text;
}

TEST_F(Shedding, NeverRefusesWhatHasBegunNorAnEmergency) {
  ask(sip::OverloadAlgorithm::loss, 100, 1);
  for (const assign::HomeIndex home : {assign::HomeIndex{1}, assign::HomeIndex{2}}) {
    if (home == 2) ask(sip::OverloadAlgorithm::rate, 0, 2);
    EXPECT_LT(let_through(100, invite, home), 100U);
    for (const char* method : {"ACK", "BYE", "CANCEL", "PRACK", "UPDATE", "NOTIFY"}) EXPECT_EQ(let_through(9, Text().method(method), home), 9U) << method;
    EXPECT_EQ(let_through(9, Text().method("INVITE").to("<sip:alice@example.com>;tag=t"), home), 9U);
    EXPECT_EQ(let_through(9, Text().method("INVITE").header("Priority: Emergency"), home), 9U);
    EXPECT_EQ(let_through(9, Text().method("INVITE").header("Priority: urgent"), home), 0U);
  }
}

// --- what homes ask for

/// One home's traffic in turn, so many of each of ten; what passes of each, in percent.
struct Passed {
  double options, first, refresh, invite, bye;
};

class Asked : public Shedding {
 protected:
  Passed pass(std::size_t rounds, int options_count, int firsts, int refreshes, int invites, int byes) {
    std::array<double, 5> passed{};
    const std::array<std::pair<const std::string*, int>, 5> kinds = {
        {{&options, options_count}, {&first_register, firsts}, {&refresh, refreshes}, {&invite, invites}, {&bye, byes}}};
    for (std::size_t i = 0; i < rounds; ++i)
      for (std::size_t k = 0; k < kinds.size(); ++k)
        passed[k] += static_cast<double>(let_through(static_cast<std::size_t>(kinds[k].second), *kinds[k].first, 3));
    for (std::size_t k = 0; k < kinds.size(); ++k) passed[k] *= kinds[k].second > 0 ? 100.0 / (kinds[k].second * static_cast<double>(rounds)) : 0;
    return {passed[0], passed[1], passed[2], passed[3], passed[4]};
  }
};

TEST_F(Asked, ALossIsThatPartOfWhatComes) {
  for (const std::uint32_t percent : {0U, 10U, 50U, 90U, 100U}) {
    ask(sip::OverloadAlgorithm::loss, percent);
    EXPECT_NEAR(pass(400, 0, 10, 0, 0, 0).first, 100 - percent, 3) << percent;
  }
}

TEST_F(Asked, ALossTakesTheUnimportantFirstAndOnlyThenTheNext) {
  ask(sip::OverloadAlgorithm::loss, 30);
  const Passed p = pass(1000, 1, 4, 2, 2, 1);
  EXPECT_LT(p.options, 3) << "a tenth of all: gone";
  EXPECT_NEAR(p.first, 50, 5) << "four tenths of all, of which two more tenths go";
  EXPECT_GT(p.refresh, 97);
  EXPECT_GT(p.invite, 97);
  EXPECT_EQ(p.bye, 100);
}

TEST_F(Asked, ALossReachesCallsLast) {
  ask(sip::OverloadAlgorithm::loss, 80);
  const Passed p = pass(1000, 1, 4, 2, 2, 1);
  EXPECT_LT(p.options + p.first + p.refresh, 9);
  EXPECT_NEAR(p.invite, 50, 7);
  EXPECT_EQ(p.bye, 100) << "what cannot go is borne by the others";
}

TEST_F(Asked, ARateIsKeptByEachWorkerForItsShare) {
  ask(sip::OverloadAlgorithm::rate, 100);
  std::size_t passed = 0;
  for (int i = 0; i < 1000; ++i) {
    now_ns += second / 100;
    passed += let_through(7, first_register, 3);
  }
  EXPECT_NEAR(static_cast<double>(passed), 500, 6) << "ten seconds of 50, half of the rate";
}

TEST_F(Asked, ARateBelowWhatComesCutsNothingThatIsNotAboveIt) {
  ask(sip::OverloadAlgorithm::rate, 20'000);
  std::size_t passed = 0;
  for (int i = 0; i < 1000; ++i) {
    now_ns += second / 1000;
    passed += let_through(9, first_register, 3);   // a worker that sleeps for a millisecond finds them together
  }
  EXPECT_EQ(passed, 9000U);
}

TEST_F(Asked, ARateLeavesTheLastOfItToTheImportant) {
  ask(sip::OverloadAlgorithm::rate, 2);
  EXPECT_EQ(let_through(10, options, 3), 2U) << "T is a second, TAU four: one at once, and one more in a quarter of it";
  EXPECT_EQ(let_through(10, first_register, 3), 1U);
  EXPECT_EQ(let_through(10, refresh, 3), 1U);
  EXPECT_EQ(let_through(10, invite, 3), 1U);
  EXPECT_EQ(let_through(10, invite, 3), 0U);
}

TEST_F(Asked, ARateThatRisesIsNotHeldBackByTheDebtOfASlowOne) {
  ask(sip::OverloadAlgorithm::rate, 2);
  EXPECT_EQ(let_through(10, invite, 3), 5U);
  ask(sip::OverloadAlgorithm::rate, 2000);
  now_ns += second / 100;
  EXPECT_GT(let_through(100, invite, 3), 5U);
}

TEST_F(Asked, ARateOfNothingLetsNothingPass) {
  ask(sip::OverloadAlgorithm::rate, 0);
  EXPECT_EQ(let_through(10, invite, 3), 0U);
}

TEST_F(Asked, EndsWithItsTime) {
  EXPECT_TRUE(overloads.take(3, {.algorithm = sip::OverloadAlgorithm::loss, .value = 100, .validity_ms = 500}, now_ns / 1'000'000));
  EXPECT_EQ(let_through(10, invite, 3), 0U);
  now_ns += second / 2;
  EXPECT_EQ(let_through(10, invite, 3), 10U);
}

TEST_F(Asked, OneHomeIsNoOthersBusiness) {
  ask(sip::OverloadAlgorithm::loss, 100, 2);
  EXPECT_EQ(let_through(10, invite, 3), 10U);
  EXPECT_EQ(let_through(10, invite, 2), 0U);
}

TEST_F(Asked, TheOperatorsLimitStandsBesides) {
  ask(sip::OverloadAlgorithm::loss, 0, 1);
  EXPECT_EQ(let_through(1000, invite, 1), 50U);
}

TEST_F(Shedding, TellsAClientWhenToComeBackAndAProxyNothing) {
  Reason why{};
  const auto answered = [&](const std::string& text, std::uint16_t status) {
    index(text, job->subject);
    job->subject.excess = {.is_over = true, .retry_after_s = 17};
    std::string out(4096, '\0');
    const Judgement j{.verdict = Verdict::rejected, .reason = why, .status = status};
    out.resize(compose_answer(job->subject, j, site, {}, 1, out));
    return out;
  };
  for (const Reason reason : {Reason::home_full, Reason::home_overloaded}) {
    why = reason;
    EXPECT_NE(answered(Text(), 500).find("Retry-After: 17\r\n"), std::string::npos);
    EXPECT_EQ(answered(Text().vias(two_vias), 503).find("Retry-After"), std::string::npos);
  }
}

}  // namespace
}  // namespace viaduct::edge
