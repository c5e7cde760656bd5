// SPDX-License-Identifier: Apache-2.0
// Watchers of clients that move to another home: what each hears, once, and again after a restart.
#include <algorithm>
#include <set>

#include "viaduct/notifier/reginfo.h"
#include "watch.h"

namespace viaduct::notifier::test {
namespace {

class Moved : public WatchersAtRestart {
 protected:
  /// The one message that has left since, which nobody answers.
  std::string only_sent() {
    EXPECT_EQ(sent.messages.size(), 1u);
    const std::string out = sent.messages.empty() ? std::string{} : sent.messages.front();
    sent.messages.clear();
    return out;
  }
  std::size_t moves(Notice notice, std::uint32_t within_s = 60, bool is_elsewhere = false) {
    return watchers->moved(alice, {.notice = notice, .within_s = within_s, .is_elsewhere = is_elsewhere}, site, now_ms);
  }
  /// A subscription to alice at a third party's home.
  void ask_elsewhere(const Asking& asking) {
    const Indexed m(asking.text());
    const Subscribe subscribe{.message = m.message, .aor = "alice@example.com", .client = alice, .flow = flow, .next = flow, .is_elsewhere = true};
    EXPECT_EQ(watchers->process(subscribe, site, now_ms).status, 200);
  }
  unsigned cseq_{};
};

/// The number behind `name`.
unsigned number_in(const std::string& text, const std::string& name) {
  const std::size_t at = text.find(name);
  return at == text.npos ? 0 : static_cast<unsigned>(std::stoul(text.substr(at + name.size())));
}

const Asking server{.call_id = "server@h", .from = "sip:presence.example.com"};

TEST_F(Moved, EndsEverySubscriptionWithTheContactsAsTheyAre) {
  enrol("<sip:a@192.0.2.9>", 1);
  subscribed();
  subscribed(server);
  EXPECT_EQ(moves(Notice::deactivated), 2u);
  EXPECT_EQ(moves(Notice::deactivated), 2u) << "who repeats the call hears the same";
  pass(200);
  const auto all = heard();
  ASSERT_EQ(all.size(), 2u) << "and the watchers hear it once";
  for (const std::string& notify : all) {
    EXPECT_EQ(header(notify, "Subscription-State"), "terminated;reason=deactivated");
    EXPECT_NE(notify.find("event=\"registered\""), notify.npos) << notify;
    EXPECT_EQ(notify.find("state=\"terminated\""), notify.npos) << "its binding stands";
  }
  EXPECT_EQ(watchers->size(), 0u);
  EXPECT_EQ(moves(Notice::deactivated), 0u);
}

TEST_F(Moved, EndsThoseToAClientThatIsNotRegisteredHere) {
  subscribed();
  EXPECT_EQ(moves(Notice::deactivated), 1u);
  pass(200);
  EXPECT_EQ(header(only(), "Subscription-State"), "terminated;reason=deactivated");
}

TEST_F(Moved, ProbationGivesEachATimeOfItsOwn) {
  rules = {.per_client_max = 50, .subscriptions_max = 50};
  watchers.emplace(rules, locations, sightings, seed, sent);
  for (int i = 0; i < 50; ++i) ASSERT_EQ(ask({.call_id = std::to_string(i)}).status, 200);
  pass(400);
  heard();
  EXPECT_EQ(moves(Notice::probation, 3600), 50u);
  pass(400);
  std::set<unsigned> times;
  for (const std::string& notify : heard()) times.insert(number_in(header(notify, "Subscription-State"), "terminated;reason=probation;retry-after="));
  EXPECT_GT(times.size(), 40u);
  EXPECT_GE(*times.begin(), 1u);
  EXPECT_LE(*times.rbegin(), 3600u);
}

TEST_F(Moved, ProbationSendsTheClientItselfAwayAndShowsOthersItsContactsAsTheyAre) {
  enrol("<sip:a@192.0.2.9>;expires=3600", 1);
  subscribed();
  subscribed(server);
  EXPECT_EQ(moves(Notice::probation), 2u);
  restart(rows());
  pass(200);
  const auto all = heard();
  ASSERT_EQ(all.size(), 2u);
  for (const std::string& notify : all) {
    const unsigned after_s = number_in(header(notify, "Subscription-State"), "terminated;reason=probation;retry-after=");
    EXPECT_GE(after_s, 1u);
    if (header(notify, "Call-ID") != "watch@h") {
      EXPECT_NE(notify.find("state=\"active\" event=\"registered\""), notify.npos) << notify;
      continue;
    }
    EXPECT_NE(notify.find("state=\"terminated\" event=\"probation\""), notify.npos) << notify;
    EXPECT_EQ(number_in(notify, "retry-after=\""), after_s) << "he subscribes again when he registers again";
    EXPECT_EQ(notify.find("state=\"active\""), notify.npos) << "nor is his registration active";
    EXPECT_EQ(notify.find(" expires="), notify.npos) << notify;
  }
  EXPECT_EQ(bindings.of(alice, now_ms / 1000).size(), 1u) << "who does not come keeps what he has";
}

TEST_F(Moved, ShortenedAsksTheClientItselfAndNobodyElse) {
  enrol("<sip:a@192.0.2.9>;expires=3600", 1);
  subscribed();
  subscribed(server);
  EXPECT_EQ(moves(Notice::shortened), 1u);
  pass(5'200);
  const std::string notify = only();
  EXPECT_EQ(header(notify, "Call-ID"), "watch@h");
  EXPECT_EQ(header(notify, "Subscription-State").substr(0, 6), "active");
  EXPECT_NE(notify.find("state=\"active\" event=\"shortened\""), notify.npos) << notify;
  const unsigned expires_s = number_in(notify, " expires=\"");
  EXPECT_GE(expires_s, 30u);
  EXPECT_LE(expires_s, 60u);
  EXPECT_GT(bindings.of(alice, now_ms / 1000).front().expires_in_s, 3'000u) << "who does not come keeps what he has";
  pass(60'000);
  EXPECT_TRUE(sent.messages.empty()) << "once";
  enrol("<sip:a@192.0.2.9>;expires=3600", 2);
  pass(5'200);
  for (const std::string& later : heard()) EXPECT_NE(later.find("event=\"refreshed\""), later.npos) << "then all is as before";
}

TEST_F(Moved, ShortenedNeverMakesAnExpiryLonger) {
  enrol("<sip:a@192.0.2.9>;expires=61", 1);
  subscribed();
  pass(40'000);
  moves(Notice::shortened);
  pass(200);
  EXPECT_LE(number_in(only(), " expires=\""), 21u);
}

TEST_F(Moved, ShortenedSaysNothingOfAClientThatIsNotRegisteredHere) {
  subscribed();
  EXPECT_EQ(moves(Notice::shortened), 0u);
  pass(6'000);
  EXPECT_TRUE(sent.messages.empty());
}

TEST_F(Moved, ShortenedIsSaidAgainToWhoIsBusy) {
  enrol("<sip:a@192.0.2.9>", 1);
  subscribed();
  pass(6'000);
  moves(Notice::shortened);
  pass(200);
  ASSERT_EQ(sent.messages.size(), 1u);
  answer(answer_to(sent.messages.front(), "503 Busy", "Retry-After: 7\r\n"));
  sent.messages.clear();
  pass(7'200);
  EXPECT_NE(only().find("event=\"shortened\""), std::string::npos);
}

TEST_F(Moved, WhatIsNotAnsweredIsSaidAgainAfterARestart) {
  enrol("<sip:a@192.0.2.9>", 1);
  subscribed();
  pass(6'000);
  moves(Notice::shortened);
  restart(rows());
  pass(200);
  ASSERT_EQ(sent.messages.size(), 1u) << "what was owed";
  const std::string first = sent.messages.front();
  EXPECT_NE(first.find("event=\"shortened\""), first.npos) << first;
  restart(rows());
  pass(200);
  const std::string again = only();
  for (const char* name : {"Via", "CSeq", "From", "To", "Call-ID"}) EXPECT_EQ(header(again, name), header(first, name));
  EXPECT_NE(again.find("event=\"shortened\""), again.npos);
  moves(Notice::probation);
  restart(rows());
  pass(200);
  EXPECT_TRUE(header(only(), "Subscription-State").starts_with("terminated;reason=probation;retry-after="));
  EXPECT_EQ(watchers->size(), 0u);
}

TEST_F(Moved, SaysNothingToThoseAtTheNewHome) {
  enrol("<sip:a@192.0.2.9>", 1);
  subscribed();
  EXPECT_EQ(moves(Notice::shortened, 60, true), 0u) << "of a third party's home";
  for (const Notice notice : {Notice::probation, Notice::deactivated}) {
    ask_elsewhere({.call_id = "elsewhere@h"});
    pass(200);
    heard();
    EXPECT_EQ(moves(notice, 60, true), 1u);
    pass(200);
    EXPECT_EQ(header(only(), "Call-ID"), "elsewhere@h");
  }
  ask_elsewhere({.call_id = "elsewhere@h"});
  pass(200);
  heard();
  EXPECT_EQ(moves(Notice::deactivated), 1u) << "of this node's own";
  pass(200);
  EXPECT_EQ(header(only(), "Call-ID"), "watch@h");
  EXPECT_EQ(watchers->size(), 1u);
}

TEST_F(Moved, TheEndOfOneThatWasAskedToHurryIsAnEndAlone) {
  const auto asked_and_ended = [&] {
    enrol("<sip:a@192.0.2.9>", ++cseq_);
    subscribed({.call_id = std::to_string(cseq_)});
    pass(6'000);
    heard();
    EXPECT_EQ(moves(Notice::shortened), 1u);
    pass(200);
    const std::string asked = only_sent();
    EXPECT_NE(asked.find("event=\"shortened\""), asked.npos) << asked;
    EXPECT_EQ(moves(Notice::deactivated), 1u);
    return asked;
  };
  const auto is_an_end = [&](const std::string& notify) {
    EXPECT_EQ(header(notify, "Subscription-State"), "terminated;reason=deactivated");
    EXPECT_EQ(notify.find("event=\"shortened\""), notify.npos) << notify;
    EXPECT_EQ(notify.find("state=\"terminated\""), notify.npos) << "his binding stands: " << notify;
  };
  asked_and_ended();
  restart(rows());
  pass(200);
  is_an_end(only());
  const std::string asked = asked_and_ended();
  answer(answer_to(asked, "503 Busy", "Retry-After: 7\r\n"));
  pass(7'200);
  is_an_end(only());
}

TEST_F(Moved, IsNeverSaidAsARepetitionOfWhatWasUnderWay) {
  subscribed();
  enrol("<sip:a@192.0.2.9>", 1);
  pass(5'200);
  const std::string under_way = only_sent();
  moves(Notice::deactivated);
  restart(rows());
  pass(200);
  const std::string last = only_sent();
  EXPECT_EQ(header(last, "Subscription-State"), "terminated;reason=deactivated");
  EXPECT_NE(header(last, "Via"), header(under_way, "Via")) << "whoever has answered that one would answer again and read nothing";
  EXPECT_GT(number_in(last, "\r\nCSeq: "), number_in(under_way, "\r\nCSeq: "));
  EXPECT_GT(number_in(last, "reginfo\" version=\""), number_in(under_way, "reginfo\" version=\""));
}

TEST_F(Moved, IsNeverSaidAsARepetitionOfWhatIsOwedAfterARestart) {
  subscribed();
  enrol("<sip:a@192.0.2.9>", 1);
  pass(5'200);
  const std::string under_way = only_sent();
  restart(rows());
  moves(Notice::deactivated);
  pass(200);
  const std::string last = only_sent();
  EXPECT_EQ(header(last, "Subscription-State"), "terminated;reason=deactivated");
  EXPECT_GT(number_in(last, "\r\nCSeq: "), number_in(under_way, "\r\nCSeq: "));
}

}  // namespace
}  // namespace viaduct::notifier::test
