// SPDX-License-Identifier: Apache-2.0
// What a worker counts by home is exact; what it samples of clients is, on average, what they sent.
#include "tally.h"

#include <cmath>
#include <map>
#include <random>

#include "fleet.h"
#include "viaduct/nic/nic.h"

namespace viaduct::edge {
namespace {

using site::Kind;

class Tallies : public Fleet {
 protected:
  /// As a worker counts a message, judged as `send` judges it.
  void count(const std::string& text, const std::string& from = "198.18.0.1:5062") {
    job_.subject = {};
    job_.subject.source = endpoint(from);
    job_.subject.listener = &site.listeners.front();
    index(text, job_.subject);
    identify(job_.subject, site);
    job_.placement = job_.subject.has_client ? assignment.find(job_.subject.client) : assign::Placement{};
    job_.judgement = judge(job_.subject, site, job_.placement, now_min);
    tally_.count(job_, site);
  }
  [[nodiscard]] std::uint64_t requests(assign::HomeIndex home, Kind kind) const { return load_.sums(home).requests[std::to_underlying(kind)]; }
  /// Take a sample; false when there is none.
  bool take(site::Sample& out) {
    const site::Sample* const s = load_.worker(0).samples.oldest();
    if (s == nullptr) return false;
    out = *s;
    load_.worker(0).samples.release();
    return true;
  }

  site::Load load_{1, 4};
  share::Counters counters_;
  Tally tally_{load_, counters_, 0};
  Job job_{};
};

TEST_F(Tallies, CountRequestsByHomeAndKindARedirectAmongThem) {
  for (int i = 0; i < 3; ++i) count(Text());                                                   // redirected to far
  count(Text().vias(two_vias));                                                                // proxied to far
  count(Text().method("INVITE").uri("sip:carol@example.com"));                                 // proxied to hidden
  count(Text().method("OPTIONS").uri("sip:alice@example.com"));
  count(Text().user("bob"));                                                                   // registered here
  EXPECT_EQ(requests(1, Kind::register_), 4U);
  EXPECT_EQ(requests(1, Kind::other), 1U);
  EXPECT_EQ(requests(2, Kind::invite), 1U);
  EXPECT_EQ(requests(0, Kind::register_), 1U);
}

TEST_F(Tallies, CountNothingForWhatGoesToNoHome) {
  count(Text().method("INVITE").uri("sip:alice@elsewhere.example"));
  count("\r\n\r\n");
  for (assign::HomeIndex home = 0; home < 4; ++home)
    for (const std::uint64_t n : load_.sums(home).requests) EXPECT_EQ(n, 0U);
  site::Sample s;
  EXPECT_FALSE(take(s));
}

TEST_F(Tallies, CountResponsesByWhoSentThem) {
  job_.subject.msg.status = 486;
  job_.subject.source = endpoint("198.18.0.11:5060");
  job_.judgement = {.verdict = base::Verdict::returned, .reason = Reason::response_ours};
  tally_.count(job_, site);
  job_.subject.source = endpoint("198.18.0.99:5060");   // a telephone
  tally_.count(job_, site);
  EXPECT_EQ(load_.sums(1).responses, (std::array<std::uint64_t, 6>{0, 0, 0, 1, 0, 0}));
}

/// What is heard of its load in a response of a home, or of whoever sends it, with that in our Via.
class Answers : public Tallies {
 protected:
  void answer(const std::string& params, const std::string& from = "198.18.0.11:5060", base::Verdict verdict = base::Verdict::returned) {
    const std::string text = "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 198.18.0.2:5060;branch=z9hG4bKours" + params +
                             "\r\nVia: SIP/2.0/UDP 198.18.0.1:5062;branch=z9hG4bKone;oc=99;oc-algo=\"loss\"\r\nFrom: <sip:alice@example.com>;tag=f1\r\n"
                             "To: <sip:alice@example.com>;tag=t\r\nCall-ID: c1\r\nCSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n";
    job_.subject = {};
    job_.subject.source = endpoint(from);
    index(text, job_.subject);
    job_.judgement = {.verdict = verdict, .reason = Reason::response_ours};
    tally_.count(job_, site);
  }
  /// What that home asks for now; 1000: nothing.
  std::uint32_t asked(assign::HomeIndex home = 1) { return load_.overloads.of(home, nic::now_ms()).value_or(site::Overloads::Wish{.value = 1000}).value; }
};

TEST_F(Answers, TellWhatTheirHomeAsksFor) {
  answer(";oc=20;oc-algo=\"loss\";oc-validity=100000;oc-seq=5.1");
  EXPECT_EQ(asked(), 20U);
  EXPECT_EQ(asked(2), 1000U);
  answer(";oc=30;oc-algo=\"loss\";oc-validity=100000;oc-seq=4.1");
  EXPECT_EQ(asked(), 20U);
  EXPECT_EQ(counters_.overload_reports.get(), 2U);
  EXPECT_EQ(counters_.overload_outdated.get(), 1U);
  answer(";oc=0;oc-algo=\"loss\";oc-validity=0;oc-seq=6.1");
  EXPECT_EQ(asked(), 1000U);
}

TEST_F(Answers, OfWhoeverIsNoHomeOrDidNotVerifyAreNotHeard) {
  answer(";oc=20;oc-algo=\"loss\"", "198.18.0.99:5060");
  answer(";oc=20;oc-algo=\"loss\"", "198.18.0.11:5060", base::Verdict::dropped);
  EXPECT_EQ(asked(), 1000U);
  EXPECT_EQ(counters_.overload_reports.get(), 0U);
}

TEST_F(Answers, ThatBringTheOfferBackSayNothing) {
  answer(std::string(sip::overload_offer));
  EXPECT_EQ(counters_.overload_reports.get() + counters_.overload_nonsense.get(), 0U) << "nor does what stands in other Vias";
}

TEST_F(Answers, OfNonsenseAreCounted) {
  answer(";oc=200;oc-algo=\"loss\"");
  answer(std::string(sip::overload_offer) + ";oc=20;oc-algo=\"loss\"");
  EXPECT_EQ(asked(), 1000U);
  EXPECT_EQ(counters_.overload_nonsense.get(), 2U);
}

TEST_F(Tallies, SampleEveryRequestWhileItIsQuiet) {
  count(Text());
  count(Text().method("INVITE").uri("sip:carol@example.com;user=phone"));
  site::Sample s;
  ASSERT_TRUE(take(s));
  EXPECT_EQ(s.client, sip::client_key("alice@example.com", site.fleet_seed));
  EXPECT_EQ(s.uri_text(), "sip:alice@example.com");
  EXPECT_EQ(s.kind, Kind::register_);
  EXPECT_EQ(s.home, 1);
  EXPECT_EQ(s.stands_for, 1U);
  ASSERT_TRUE(take(s));
  EXPECT_EQ(s.uri_text(), "sip:carol@example.com;user=phone");
  EXPECT_EQ(s.home, 2);
  EXPECT_FALSE(take(s));
}

TEST_F(Tallies, CountSamplesThatNobodyTakes) {
  for (std::size_t i = 0; i < base::samples_kept + 5; ++i) count(Text());
  EXPECT_EQ(load_.worker(0).samples_lost.get(), 5U);
  EXPECT_EQ(requests(1, Kind::register_), base::samples_kept + 5);
}

TEST_F(Tallies, KeepNoUriThatIsTooLong) {
  count(Text().method("MESSAGE").uri("sip:alice@example.com;x=" + std::string(base::sample_uri_bytes_max, 'x')));
  site::Sample s;
  ASSERT_TRUE(take(s));
  EXPECT_EQ(s.uri_bytes, 0U);
}

/// Of a skewed stream, of which one in fifty is sampled, each client is told within six standard deviations of what he sent; all together much closer.
TEST_F(Tallies, SampleWithoutBias) {
  constexpr std::uint32_t one_in = 50;
  constexpr int requests_count = 400'000;
  load_.one_in = one_in;
  tally_.begin(1);
  const std::array users = {"alice", "bob", "carol", "dave"};
  std::array<std::string, users.size()> texts;
  for (std::size_t i = 0; i < users.size(); ++i) texts[i] = Text().user(users[i]);
  std::map<std::uint64_t, double> exact, told;
  std::mt19937 random(7);
  std::discrete_distribution<std::size_t> skewed{60, 30, 8, 2};
  site::Sample s;
  std::size_t samples = 0;
  for (int i = 0; i < requests_count; ++i) {
    count(texts[skewed(random)]);
    ++exact[job_.subject.client.low];
    for (; take(s); ++samples) told[s.client.low] += s.stands_for;
  }
  for (const auto& [client, n] : exact) EXPECT_NEAR(told[client], n, 6 * std::sqrt(n * (one_in - 1))) << n;
  EXPECT_NEAR(static_cast<double>(samples), requests_count / one_in, 0.06 * requests_count / one_in);
}

/// Who always comes with many others, and so is sampled seldom, is told as he who comes alone.
TEST_F(Tallies, SampleLongBurstsWithoutBias) {
  const std::string crowd = Text().user("alice"), alone = Text().user("bob");
  std::map<std::uint64_t, double> told;
  site::Sample s;
  int samples = 0;
  for (int i = 0; i < 3'200; ++i) {
    tally_.begin(32);
    for (int k = 0; k < 32; ++k) count(crowd);
    tally_.begin(1);
    count(alone);
    for (; take(s); ++samples) told[s.client.low] += s.stands_for;
  }
  EXPECT_NEAR(samples, 3'200 * (base::samples_a_burst + 1), 500);
  EXPECT_EQ(told[sip::client_key("bob@example.com", site.fleet_seed).low], 3'200);
  EXPECT_NEAR(told[sip::client_key("alice@example.com", site.fleet_seed).low], 102'400, 6 * std::sqrt(102'400 * 15));
}

/// Where clients come in turns, the sampled one is not always the same.
TEST_F(Tallies, SampleEachOfThoseWhoComeInTurns) {
  load_.one_in = 4;
  tally_.begin(1);
  const std::array<std::string, 4> texts = {Text().user("alice"), Text().user("bob"), Text().user("carol"), Text().user("dave")};
  std::map<std::uint64_t, int> told;
  site::Sample s;
  for (int i = 0; i < 40'000; ++i) {
    count(texts[static_cast<std::size_t>(i) % texts.size()]);
    while (take(s)) ++told[s.client.low];
  }
  ASSERT_EQ(told.size(), 4U);
  for (const auto& [client, n] : told) EXPECT_NEAR(n, 2500, 400);
}

}  // namespace
}  // namespace viaduct::edge
