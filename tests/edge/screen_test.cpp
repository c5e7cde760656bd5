// SPDX-License-Identifier: Apache-2.0
// From the rules to the judgement: what is asked about, and what becomes of what they decide.
#include "screen.h"

#include "fleet.h"

namespace viaduct::edge {
namespace {

using base::Drop;
using base::Verdict;

class Screening : public Fleet {
 protected:
  Screening() { site.redirect = site::RedirectPolicy::single_via; }

  /// Every message whose User-Agent holds `word` meets `action`.
  void rule(const std::string& word, screen::Action action, std::uint16_t status = 0) {
    screen::Rule r{.name = word, .patterns = {}, .sources = {}, .action = action, .status = status, .file = {}};
    r.patterns[0].regex = word;
    list_.push_back(r);
    auto compiled = screen::Rules::compile(list_, 1);
    ASSERT_TRUE(compiled) << compiled.error();
    rules = std::move(*compiled);
  }

  Judgement judged(const std::string& text) {
    job_->subject.source = endpoint("198.18.0.1:5062");
    job_->subject.listener = &site.listeners.front();
    index(text, job_->subject);
    identify(job_->subject, site);
    screen_.ask(*rules, {&one_, 1});
    return judge(job_->subject, site, job_->subject.has_client ? assignment.find(job_->subject.client) : assign::Placement{}, now_min);
  }

  static Text from_agent(const std::string& agent) { return Text().header("User-Agent: " + agent); }

  std::unique_ptr<screen::Rules> rules;

 private:
  std::vector<screen::Rule> list_;
  Screen screen_{0, 64};
  std::unique_ptr<Job> job_{std::make_unique<Job>()};
  Job* one_{job_.get()};
};

TEST_F(Screening, DropsByNameWhatARuleDrops) {
  rule("scanner", screen::Action::drop);
  const Judgement j = judged(from_agent("friendly-scanner"));
  EXPECT_EQ(j.verdict, Verdict::dropped);
  EXPECT_EQ(j.drop, Drop::screened);
  EXPECT_EQ(j.reason, Reason::screened);
}

TEST_F(Screening, RejectsWithTheRulesCode) {
  rule("scanner", screen::Action::reject, 603);
  const Judgement j = judged(from_agent("friendly-scanner"));
  EXPECT_EQ(j.verdict, Verdict::rejected);
  EXPECT_EQ(j.status, 603);
}

TEST_F(Screening, NeverAnswersAnAckAndAbsorbsTheCancelOfWhatItRejects) {
  rule("scanner", screen::Action::reject, 403);
  EXPECT_EQ(judged(from_agent("scanner").method("ACK").uri("sip:alice@example.com")).drop, Drop::screened);
  EXPECT_EQ(judged(from_agent("scanner").method("CANCEL").uri("sip:alice@example.com")).verdict, Verdict::absorbed);
}

TEST_F(Screening, AnswersNobodyWhoMustNotBeAnswered) {
  rule("scanner", screen::Action::reject, 403);
  EXPECT_EQ(judged(from_agent("scanner")).verdict, Verdict::rejected);
  site.listeners.push_back({.endpoint = endpoint("198.18.0.1:5062"), .host = "198.18.0.1", .via_prefix = {}});
  EXPECT_EQ(judged(from_agent("scanner")).drop, Drop::reply_unsafe);
}

TEST_F(Screening, AsksAboutAFaultyRequestThatCanBeAnswered) {
  rule("scanner", screen::Action::drop);
  const std::string faulty = from_agent("scanner").header("Max-Forwards: many");
  EXPECT_EQ(judged(faulty).drop, Drop::screened);
}

TEST_F(Screening, AsksNothingAboutResponses) {
  rule(".", screen::Action::drop);
  const Judgement j = judged(
      "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 198.18.0.2:5060;branch=z9hG4bKx\r\nFrom: <sip:a@example.com>;tag=1\r\nTo: <sip:a@example.com>\r\n"
      "Call-ID: c\r\nCSeq: 1 REGISTER\r\nUser-Agent: x\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(j.drop, Drop::response_destination) << "by its Vias";
}

TEST_F(Screening, ProxiesInsteadOfRedirectingWhoIsMarkedProxyOnly) {
  rule("baresip", screen::Action::proxy_only);
  const Judgement j = judged(from_agent("baresip v1.0.0"));
  EXPECT_EQ(j.verdict, Verdict::proxied);
  EXPECT_EQ(j.reason, Reason::marked_proxy_only);
  EXPECT_EQ(judged(from_agent("Linphone/5.1")).verdict, Verdict::redirected) << "the mark of the message before is gone";
}

TEST_F(Screening, RegistersTheClientsOfThisNodeWhateverTheirMark) {
  rule("baresip", screen::Action::proxy_only);
  EXPECT_EQ(judged(from_agent("baresip v1.0.0").user("bob")).verdict, Verdict::registered);
}

TEST_F(Screening, ForgetsAMarkWhenTheRulesAreGone) {
  rule("baresip", screen::Action::proxy_only);
  EXPECT_EQ(judged(from_agent("baresip")).verdict, Verdict::proxied);
  rules = std::make_unique<screen::Rules>();
  EXPECT_EQ(judged(from_agent("baresip")).verdict, Verdict::redirected);
}

}  // namespace
}  // namespace viaduct::edge
