// SPDX-License-Identifier: Apache-2.0
// The redirect guard by transaction, and learning who follows by the numbers of a device's REGISTERs; bounded.
#include "followers.h"

#include <gtest/gtest.h>

#include "viaduct/base/limits.h"

namespace viaduct::edge {
namespace {

using Standing = Followers::Standing;
using Register = Followers::Register;

constexpr base::Hash128 alice{.low = 0x1111, .high = 0x2222}, bob{.low = 0x3333, .high = 0x4444};
constexpr std::uint32_t minute_ms = 60'000, hour_ms = 60 * minute_ms;
constexpr std::uint32_t start_ms = 1'000'000;

AgentClass agent(std::string_view text) { return agent_class(text, text.data() + text.size()); }
const AgentClass phone = agent("phone/1.0");

/// A REGISTER of alice's first device; each number is a transaction of its own.
Register numbered(std::uint32_t cseq, AgentClass of = phone) { return {.client = alice, .call = 1, .transaction = 100 + cseq, .cseq = cseq, .agent = of}; }

/// What is said of it; it is redirected if it may be.
enum class Said : std::uint8_t { unknown, follows, never_follows, came_back };
Said send(Followers& followers, const Register& r, std::uint32_t ms) {
  const auto heard = followers.hear(r, ms);
  if (heard.is_repeated) return Said::unknown;
  if (heard.came_back) return Said::came_back;
  if (heard.standing != Standing::never_follows) followers.redirected(r, heard, ms);
  return static_cast<Said>(heard.standing);
}

// --- the guard

TEST(Followers, AnswerARetransmissionAlikeAsOftenAsItComes) {
  Followers followers(64);
  for (std::uint32_t ms = start_ms; ms < start_ms + 40'000; ms += 500) EXPECT_EQ(send(followers, numbered(1), ms), Said::unknown);
}

TEST(Followers, GuardTheSameCallIdWithAnotherTransactionForThirtyTwoSeconds) {
  for (std::uint32_t offset = 0; offset < 4'096; offset += 64) {
    Followers followers(64);
    Register again = numbered(1);
    again.transaction = 7;
    EXPECT_EQ(send(followers, numbered(1), start_ms + offset), Said::unknown);
    EXPECT_EQ(send(followers, again, start_ms + offset), Said::came_back);
    EXPECT_EQ(send(followers, again, start_ms + offset + base::redirect_guard_ms), Said::came_back);
    EXPECT_EQ(send(followers, again, start_ms + offset + base::redirect_guard_ms + 5'000), Said::unknown);
  }
}

TEST(Followers, SayNothingOfAnotherCallIdOrAnotherClient) {
  Followers followers(64);
  send(followers, numbered(1), start_ms);
  Register other = numbered(2);
  other.call = 2;
  EXPECT_EQ(send(followers, other, start_ms), Said::unknown);
  other.client = bob;
  EXPECT_EQ(send(followers, other, start_ms), Said::unknown);
}

TEST(Followers, CountOnWhenTheClockWrapsRound) {
  Followers followers(64);
  Register again = numbered(1);
  again.transaction = 7;
  EXPECT_EQ(send(followers, numbered(1), 0xffff'f000U), Said::unknown);
  EXPECT_EQ(send(followers, again, 0x0000'0800U), Said::came_back);
}

// Nobody else comes in between whose look could free the place.
TEST(Followers, TakeWhatWasLearnedInAnEarlierRoundOfTheClockForOld) {
  for (std::uint32_t later_ms = 3 * hour_ms; later_ms < 45 * hour_ms; later_ms += 7 * minute_ms) {
    Followers followers(64);
    EXPECT_EQ(send(followers, numbered(1), start_ms), Said::unknown);
    const auto heard = followers.hear(numbered(2), start_ms + later_ms);
    EXPECT_FALSE(heard.came_back) << later_ms;
    EXPECT_EQ(heard.learned, 0) << later_ms;
    EXPECT_EQ(heard.standing, Standing::unknown) << later_ms;
  }
}

TEST(Followers, KeepWhatTheyHaveLearnedAcrossTheRoundsOfTheClock) {
  for (std::uint32_t begin_ms = 60 * hour_ms; begin_ms < 100 * hour_ms; begin_ms += 11 * minute_ms) {
    Followers followers(64);
    EXPECT_EQ(send(followers, numbered(1), begin_ms), Said::unknown);
    for (std::uint32_t n = 2; n < 6; ++n) EXPECT_EQ(send(followers, numbered(n), begin_ms + (n - 1) * 110 * minute_ms), Said::never_follows) << begin_ms;
  }
}

TEST(Followers, ForgetTheOldestWhenFull) {
  Followers followers(4);  // one set
  const auto of = [](std::uint64_t i, std::uint32_t transaction) {
    return Register{.client = {.low = i, .high = i}, .call = 1, .transaction = transaction, .cseq = 1};
  };
  for (std::uint64_t i = 1; i < 6; ++i) send(followers, of(i, 1), start_ms + 3'000 * static_cast<std::uint32_t>(i));
  EXPECT_EQ(send(followers, of(5, 2), start_ms + 18'000), Said::came_back) << "the newest is remembered";
  EXPECT_EQ(send(followers, of(1, 2), start_ms + 18'000), Said::unknown) << "the oldest is forgotten";
}

// --- learning

TEST(Followers, LearnFromTheVeryNextNumberThatAClientDoesNotFollow) {
  for (const std::uint32_t after_ms : {1'000U, 10 * minute_ms, hour_ms}) {
    Followers followers(64);
    send(followers, numbered(5), start_ms);
    const auto heard = followers.hear(numbered(6), start_ms + after_ms);
    EXPECT_EQ(heard.standing, Standing::never_follows);
    EXPECT_EQ(heard.learned, -1);
    EXPECT_EQ(followers.hear(numbered(6), start_ms + after_ms).learned, 0) << "once";
    EXPECT_EQ(followers.hear(numbered(7), start_ms + after_ms + hour_ms).standing, Standing::never_follows);
    Register other_device = numbered(1);
    other_device.call = 9;
    EXPECT_EQ(followers.hear(other_device, start_ms + after_ms + hour_ms).standing, Standing::never_follows) << "it is the client who is known";
  }
}

TEST(Followers, LearnFromALaterNumberThatAClientFollows) {
  for (const std::uint32_t step : {2U, 3U, 40U}) {
    Followers followers(64);
    send(followers, numbered(5), start_ms);
    const auto heard = followers.hear(numbered(5 + step), start_ms + hour_ms);
    EXPECT_EQ(heard.standing, Standing::follows);
    EXPECT_EQ(heard.learned, 1);
    followers.redirected(numbered(5 + step), heard, start_ms + hour_ms);
    EXPECT_EQ(followers.hear(numbered(5 + 2 * step), start_ms + hour_ms + hour_ms / 2).learned, 0) << "known already";
  }
}

TEST(Followers, CreditADeviceWithNothingThatAnotherDid) {
  Followers followers(64);
  send(followers, numbered(5), start_ms);
  EXPECT_EQ(send(followers, numbered(7), start_ms + minute_ms), Said::follows);
  Register other_device = numbered(1, agent("other/1.0"));
  other_device.call = 9;
  EXPECT_EQ(send(followers, other_device, start_ms + minute_ms), Said::unknown);
}

TEST(Followers, LearnNothingFromANumberThatIsNotLarger) {
  Followers followers(64);
  send(followers, numbered(5), start_ms);
  Register restarted = numbered(1);
  EXPECT_EQ(followers.hear(restarted, start_ms + hour_ms).learned, 0);
  Register same = numbered(5);
  same.transaction = 1;
  EXPECT_EQ(followers.hear(same, start_ms + hour_ms).learned, 0);
}

TEST(Followers, CountNumbersRoundTheirHighBits) {
  Followers followers(64);
  send(followers, numbered(0x7fff), start_ms);
  EXPECT_EQ(followers.hear(numbered(0x8000), start_ms + minute_ms).learned, -1);
}

TEST(Followers, ForgetAfterTwoHoursOfSilence) {
  Followers followers(64);
  send(followers, numbered(5, 0), start_ms);
  EXPECT_EQ(followers.hear(numbered(6, 0), start_ms + hour_ms).standing, Standing::never_follows);
  EXPECT_EQ(followers.hear(numbered(7, 0), start_ms + hour_ms + base::redirect_kept_ms - minute_ms).standing, Standing::never_follows);
  EXPECT_EQ(followers.hear(numbered(8, 0), start_ms + hour_ms + 2 * base::redirect_kept_ms).standing, Standing::unknown);
}

TEST(Followers, BelieveAClassAfterThreeFailuresAndNoSuccess) {
  Followers followers(1024);
  const auto device = [&](std::uint64_t i, std::uint32_t cseq) {
    return Register{.client = {.low = i, .high = i}, .call = 1, .transaction = cseq, .cseq = cseq, .agent = phone};
  };
  for (std::uint64_t i = 1; i <= 3; ++i) {
    EXPECT_EQ(send(followers, device(i, 1), start_ms), Said::unknown) << i;
    EXPECT_EQ(send(followers, device(i, 2), start_ms + minute_ms), Said::never_follows);
  }
  EXPECT_EQ(send(followers, device(4, 1), start_ms + minute_ms), Said::never_follows);
  Register other = device(5, 1);
  other.agent = agent("other/1.0");
  EXPECT_EQ(send(followers, other, start_ms + minute_ms), Said::unknown);
  other.client.low = other.client.high = 6;
  other.agent = 0;
  EXPECT_EQ(send(followers, other, start_ms + minute_ms), Said::unknown) << "no User-Agent, no class";
}

TEST(Followers, TakeAClassOfWhichSomeFollowClientByClient) {
  Followers followers(1024);
  const auto device = [&](std::uint64_t i, std::uint32_t cseq) {
    return Register{.client = {.low = i, .high = i}, .call = 1, .transaction = cseq, .cseq = cseq, .agent = phone};
  };
  send(followers, device(1, 1), start_ms);
  EXPECT_EQ(send(followers, device(1, 3), start_ms + minute_ms), Said::follows);
  EXPECT_EQ(send(followers, device(2, 1), start_ms + minute_ms), Said::follows) << "of a class that follows";
  for (std::uint64_t i = 3; i <= 8; ++i) {
    send(followers, device(i, 1), start_ms);
    EXPECT_EQ(send(followers, device(i, 2), start_ms + minute_ms), Said::never_follows);
  }
  EXPECT_EQ(send(followers, device(9, 1), start_ms + minute_ms), Said::unknown);
}

TEST(AgentClass, IsWhatStandsBeforeTheVersion) {
  EXPECT_EQ(agent("baresip v2.0.0 (x86_64/Linux)"), agent("baresip v1.0.0"));
  EXPECT_EQ(agent("Linphone/5.0.1 (Pixel)"), agent("Linphone/4.2"));
  EXPECT_EQ(agent("snom"), agent("snom"));
  EXPECT_NE(agent("snom"), agent("snoms"));
  EXPECT_EQ(agent("PolycomSoundPointIP-x"), agent("PolycomSoundPoin/1")) << "16 octets are looked at";
  EXPECT_EQ(agent(""), 0U);
  EXPECT_NE(agent("x"), 0U);
  // The same, with more behind it that may be read or not.
  const std::string text = "snom/8.7.5.35\r\nContent-Length: 0\r\n\r\n";
  EXPECT_EQ(agent_class(std::string_view(text).substr(0, 13), text.data() + text.size()), agent("snom/1"));
  EXPECT_EQ(agent_class(std::string_view(text).substr(0, 4), text.data() + text.size()), agent("snom"));
}

}  // namespace
}  // namespace viaduct::edge
