// SPDX-License-Identifier: Apache-2.0
// Limits: who is counted by what, who is a friend, what a refusal is, and the octets that a source gets.
#include "limiter.h"

#include <set>

#include "fleet.h"
#include "viaduct/edge/compose.h"

namespace viaduct::edge {
namespace {

using base::Drop;
using base::Verdict;

constexpr std::uint64_t second = 1'000'000'000;

class Limits : public Fleet {
 protected:
  Limits() {
    site.limits.is_any = true;
    site.limits.source_bits_v4 = 128;
  }

  /// A packet of that source; its message is not read yet.
  std::optional<Drop> from(std::string_view source) {
    limiter.begin(site, now_ns);
    job->subject.source = endpoint(source);
    limiter.look(*job);
    return limiter.hinder_source(*job);
  }
  /// A request that has come that far.
  std::optional<Drop> request(const std::string& text, std::string_view source) {
    static_cast<void>(from(source));
    index(text, job->subject);
    identify(job->subject, site);
    return limiter.hinder_client(*job);
  }
  template <typename Ask>
  std::size_t admitted(std::size_t times, Ask ask) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < times; ++i) count += ask() ? 0 : 1;
    return count;
  }
  std::size_t admitted_from(std::string_view source, std::size_t times) {
    return admitted(times, [&] { return from(source); });
  }

  std::uint64_t now_ns{second};
  site::Welcome welcome{1024, base::Key128{1, 2}};
  Limiter limiter{1024, welcome};
  std::unique_ptr<Job> job{std::make_unique<Job>()};
};

TEST_F(Limits, CountASourceByItselfWhateverItsPort) {
  site.limits.source = site::rate(10, 20);
  EXPECT_EQ(admitted_from("203.0.113.1:5060", 15) + admitted_from("203.0.113.1:6000", 15), 20U);
  EXPECT_EQ(from("203.0.113.1:5060"), Drop::source_over_limit);
  EXPECT_EQ(admitted_from("203.0.113.2:5060", 30), 20U);
}

TEST_F(Limits, CountAPrefixAsOneSource) {
  site.limits.source = site::rate(10, 20);
  EXPECT_EQ(admitted_from("[2001:db8:1:2::1]:5060", 15) + admitted_from("[2001:db8:1:2:ffff::9]:5060", 15), 20U) << "64 bits of IPv6";
  EXPECT_EQ(admitted_from("[2001:db8:1:3::1]:5060", 15), 15U);
  site.limits.source_bits_v4 = 96 + 24;
  EXPECT_EQ(admitted_from("203.0.113.1:5060", 15) + admitted_from("203.0.113.200:5060", 15), 20U);
}

TEST_F(Limits, LeaveFriendsHomesAndEdgesAlone) {
  site.limits.source = site.limits.strangers = site::rate(10, 1);
  site.limits.friends = {*base::Prefix::parse("198.51.100.0/24")};
  site.edges = {*base::Prefix::parse("192.0.2.7/32")};
  for (const char* source : {"198.51.100.9:5060", "198.18.0.11:5060", "192.0.2.7:5060"}) EXPECT_EQ(admitted_from(source, 50), 50U) << source;
  EXPECT_EQ(admitted_from("203.0.113.1:5060", 50), 1U);
}

TEST_F(Limits, BoundAllStrangersTogetherButNotWhoHasRegistered) {
  site.limits.strangers = site::rate(100, 10);
  limiter.begin(site, now_ns);
  limiter.welcome(endpoint("203.0.113.200:5060"));
  std::size_t strangers = 0;
  for (int i = 0; i < 200; ++i) strangers += from(std::string("203.0.113.") + std::to_string(i) + ":5060") ? 0 : 1;
  EXPECT_EQ(strangers, 10U);
  EXPECT_EQ(from("203.0.113.1:5060"), Drop::strangers_over_limit);
  EXPECT_EQ(admitted_from("203.0.113.200:5060", 50), 50U);
  now_ns += base::welcome_ns;
  EXPECT_EQ(admitted_from("203.0.113.200:5060", 50), 10U) << "two hours later it is a stranger again";
}

TEST_F(Limits, KnowWhomAnotherWorkerHasSeenRegister) {
  site.limits.strangers = site.limits.client = site::rate(1, 1);
  EXPECT_EQ(from("203.0.113.1:5060"), std::nullopt) << "the one stranger";
  EXPECT_EQ(from("203.0.113.200:5060"), Drop::strangers_over_limit);
  Limiter another{1024, welcome};
  another.begin(site, now_ns);
  another.welcome(endpoint("203.0.113.200:5060"));
  EXPECT_EQ(admitted_from("203.0.113.200:5060", 50), 50U);
  EXPECT_EQ(admitted(20, [&] { return request(Text(), "203.0.113.200:5060"); }), 20U);
}

TEST_F(Limits, HoldTheSourceToItsOwnRateThatHasRegistered) {
  site.limits.source = site::rate(10, 5);
  limiter.begin(site, now_ns);
  limiter.welcome(endpoint("203.0.113.1:5060"));
  EXPECT_EQ(admitted_from("203.0.113.1:5060", 50), 5U);
}

TEST_F(Limits, CountTheRequestsOfStrangersForOneClient) {
  site.limits.client = site::rate(1, 3);
  std::size_t count = 0;
  for (int i = 0; i < 20; ++i) count += request(Text(), std::string("203.0.113.") + std::to_string(i) + ":5060") ? 0 : 1;
  EXPECT_EQ(count, 3U);
  EXPECT_EQ(request(Text(), "203.0.113.99:5060"), Drop::client_over_limit);
  EXPECT_EQ(request(Text().user("carol"), "203.0.113.99:5060"), std::nullopt) << "another client";
  EXPECT_EQ(request(Text().method("ACK").uri("sip:alice@example.com"), "203.0.113.99:5060"), std::nullopt);
  limiter.welcome(endpoint("203.0.113.50:5060"));
  EXPECT_EQ(admitted(20, [&] { return request(Text(), "203.0.113.50:5060"); }), 20U) << "the client himself is not drowned by strangers";
}

TEST_F(Limits, BoundTheOctetsThatASourceGets) {
  site.limits.reply = site::rate(1000, 10'000);
  static_cast<void>(from("203.0.113.1:5060"));
  std::size_t bytes = 0;
  for (int i = 0; i < 100; ++i) bytes += limiter.may_answer(*job, 500) ? 500 : 0;
  EXPECT_EQ(bytes, 10'000U);
  now_ns += 2 * second;
  static_cast<void>(from("203.0.113.1:5061"));
  for (int i = 0; i < 100; ++i) bytes += limiter.may_answer(*job, 500) ? 500 : 0;
  EXPECT_EQ(bytes, 12'000U) << "another port of it";
  static_cast<void>(from("198.18.0.11:5060"));
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(limiter.may_answer(*job, 500)) << "a home";
}

TEST_F(Limits, TellEachWhoIsRefusedAnotherTimeToComeBack) {
  std::set<unsigned> told;
  for (int i = 0; i < 10'000; ++i) told.insert(limiter.retry_after_s());
  EXPECT_EQ(*told.begin(), base::retry_after_s_min);
  EXPECT_EQ(*told.rbegin(), base::retry_after_s_max);
  EXPECT_GT(told.size(), 100U);
}

TEST_F(Limits, DropOrAnswerWhatIsOver) {
  const auto judged = [&](const std::string& text) {
    const auto subject = std::make_unique<Subject>();
    subject->source = endpoint("203.0.113.1:5060");
    subject->listener = &site.listeners.front();
    index(text, *subject);
    identify(*subject, site);
    subject->excess = {.is_over = true, .limit = Drop::client_over_limit, .retry_after_s = 77};
    const Judgement j = judge(*subject, site, {}, now_min);
    if (j.verdict == Verdict::rejected) {
      std::string out(4096, '\0');
      out.resize(compose_answer(*subject, j, site, {}, 1, out));
      EXPECT_NE(out.find("\r\nRetry-After: 77\r\n"), out.npos) << out;
    }
    return j;
  };
  EXPECT_EQ(judged(Text()).drop, Drop::client_over_limit);
  site.limits.over = site::Over::answer_503;
  EXPECT_EQ(judged(Text()).status, 503);
  EXPECT_EQ(judged(Text().method("ACK").uri("sip:alice@example.com")).drop, Drop::client_over_limit) << "an ACK is never answered";
  EXPECT_EQ(judged(Text().method("CANCEL").uri("sip:alice@example.com")).verdict, Verdict::absorbed);
}

}  // namespace
}  // namespace viaduct::edge
