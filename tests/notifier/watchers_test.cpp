// SPDX-License-Identifier: Apache-2.0
// The notifier, step by step against RFC 6665 and RFC 3680: what each SUBSCRIBE is answered, who is told what, and when.
#include "viaduct/notifier/watchers.h"

#include <algorithm>

#include "watch.h"

namespace viaduct::notifier::test {
namespace {

TEST_F(WatchersTest, AnswersAndTellsTheFullStateAtOnce) {
  enrol("<sip:a@192.0.2.9>;q=0.5", 1);
  const SubscribeOutcome out = ask({});
  EXPECT_EQ(out.status, 200);
  EXPECT_EQ(out.headers, "Expires: 3761\r\nContact: <sip:198.18.0.2:5060>\r\n");
  EXPECT_TRUE(sent.messages.empty()) << "the answer goes first";
  pass(100);
  ASSERT_EQ(sent.places, std::vector<base::Endpoint>{flow});
  const std::string notify = only();
  EXPECT_TRUE(notify.starts_with("NOTIFY sip:alice@192.0.2.9:5070 SIP/2.0\r\n")) << notify;
  EXPECT_EQ(header(notify, "To"), "<sip:alice@example.com>;tag=w1");
  EXPECT_EQ(header(notify, "Call-ID"), "watch@h");
  EXPECT_EQ(header(notify, "CSeq"), "1 NOTIFY");
  EXPECT_EQ(header(notify, "Event"), "reg");
  EXPECT_EQ(header(notify, "Contact"), "<sip:198.18.0.2:5060>");
  EXPECT_EQ(header(notify, "Subscription-State"), "active;expires=3761");
  EXPECT_EQ(header(notify, "Content-Type"), "application/reginfo+xml");
  EXPECT_NE(notify.find("version=\"0\""), notify.npos) << notify;
  EXPECT_NE(notify.find("state=\"full\""), notify.npos);
  EXPECT_NE(notify.find("sip:a@192.0.2.9"), notify.npos);
}

TEST_F(WatchersTest, OurTagIsTheSameInTheAnswerAndTheNotify) {
  const SubscribeOutcome out = ask({});
  pass(100);
  std::array<char, sip::base32_64_bytes> tag;
  sip::write_base32(out.to_tag, tag);
  EXPECT_EQ(header(only(), "From"), "<sip:alice@example.com>;tag=" + std::string(tag.data(), tag.size()));
}

TEST_F(WatchersTest, ARepeatedSubscribeIsAnsweredAlikeAndTellsNothing) {
  subscribed();
  EXPECT_EQ(ask({}).headers, "Expires: 3760\r\nContact: <sip:198.18.0.2:5060>\r\n");
  pass(1'000);
  EXPECT_TRUE(sent.messages.empty());
  EXPECT_EQ(watchers->size(), 1u);
  EXPECT_EQ(counters().subscribed.get(), 1u);
}

TEST_F(WatchersTest, ARefreshGoesOnAndTellsEverythingAgain) {
  const std::string tag = subscribed();
  pass(600'000);
  EXPECT_EQ(ask({.to_tag = tag, .cseq = 2, .expires = 600}).headers.substr(0, 14), "Expires: 600\r\n");
  pass(100);
  const std::string notify = only();
  EXPECT_EQ(header(notify, "CSeq"), "2 NOTIFY");
  EXPECT_NE(notify.find("version=\"1\""), notify.npos);
  EXPECT_NE(notify.find("state=\"full\""), notify.npos);
  EXPECT_EQ(watchers->size(), 1u);
}

TEST_F(WatchersTest, ARefreshMayNameAnotherContact) {
  const std::string tag = subscribed();
  EXPECT_EQ(ask({.to_tag = tag, .contact = "<sip:moved@192.0.2.10>", .cseq = 2}).status, 200);
  pass(100);
  EXPECT_TRUE(only().starts_with("NOTIFY sip:moved@192.0.2.10 SIP/2.0\r\n"));
}

TEST_F(WatchersTest, TellsWhatTheOperatorDoes) {
  const auto create = [&](const char* uri) {
    EXPECT_EQ(bindings.create({.key = alice, .aor = "alice@example.com", .uri = uri, .place = flow, .expires_s = {}}, now_ms / 1000), 200);
  };
  create("sip:a@192.0.2.9");
  subscribed({.call_id = "first@h"});
  create("sip:b@192.0.2.9");
  pass(5'000);
  EXPECT_NE(only().find("event=\"created\""), std::string::npos);
  ask({.call_id = "second@h"});
  pass(100);
  const std::string full = only();
  EXPECT_NE(full.find("event=\"created\""), full.npos) << "as long as no REGISTER has come";
  EXPECT_EQ(full.find("event=\"registered\""), full.npos);
  EXPECT_EQ(full.find("cseq="), full.npos);
  enrol("<sip:a@192.0.2.9>", 1);
  pass(5'000);
  for (const std::string& notify : heard()) EXPECT_NE(notify.find("event=\"refreshed\""), notify.npos) << notify;
  bindings.remove(alice, now_ms / 1000, location::Departure::rejected);
  pass(5'000);
  const auto last = heard();
  EXPECT_EQ(last.size(), 2u);
  for (const std::string& notify : last) {
    EXPECT_NE(notify.find("state=\"terminated\" event=\"rejected\""), notify.npos) << notify;
    EXPECT_NE(notify.find("Subscription-State: active"), notify.npos) << "he may be watched on";
  }
}

TEST_F(WatchersTest, EndsWithANotifyWhenAskedTo) {
  const std::string tag = subscribed();
  EXPECT_EQ(ask({.to_tag = tag, .cseq = 2, .expires = 0}).headers.substr(0, 12), "Expires: 0\r\n");
  pass(100);
  EXPECT_EQ(watchers->size(), 1u) << "until the NOTIFY is answered";
  const std::string notify = only();
  EXPECT_EQ(header(notify, "Subscription-State"), "terminated;reason=timeout");
  EXPECT_NE(notify.find("state=\"full\""), notify.npos);
  EXPECT_EQ(watchers->size(), 0u);
  EXPECT_EQ(ask({.to_tag = tag, .cseq = 3}).status, 481);
}

TEST_F(WatchersTest, BeginsAnewBeforeTheEndIsHeard) {
  enrol("<sip:a@192.0.2.9>", 1);
  const std::string tag = subscribed();
  EXPECT_EQ(ask({.to_tag = tag, .cseq = 2, .expires = 0}).status, 200);
  pass(100);
  ASSERT_EQ(sent.messages.size(), 1u);
  const std::string last = sent.messages.front();
  sent.messages.clear();
  EXPECT_EQ(ask({.to_tag = tag, .cseq = 3}).status, 481) << "in the dialog that is over";
  EXPECT_EQ(ask({.cseq = 3}).headers.substr(0, 15), "Expires: 3761\r\n");
  answer(answer_to(last, "481 Gone"));
  pass(100);
  const std::string first = only();
  EXPECT_EQ(header(first, "Subscription-State"), "active;expires=3760");
  EXPECT_EQ(header(first, "CSeq"), "3 NOTIFY");
  EXPECT_NE(first.find("version=\"0\" state=\"full\""), first.npos) << first;
  EXPECT_EQ(watchers->size(), 1u);
  EXPECT_EQ(watchers->open(), 0u);
  enrol("<sip:b@192.0.2.9>", 2);
  pass(5'100);
  EXPECT_NE(only().find("state=\"partial\""), std::string::npos);
}

TEST_F(WatchersTest, AnswersAQuestionOnce) {
  enrol("<sip:a@192.0.2.9>", 1);
  EXPECT_EQ(ask({.expires = 0}).status, 200);
  pass(100);
  const std::string notify = only();
  EXPECT_EQ(header(notify, "Subscription-State"), "terminated;reason=timeout");
  EXPECT_NE(notify.find("sip:a@192.0.2.9"), notify.npos);
  EXPECT_EQ(watchers->size(), 0u);
}

TEST_F(WatchersTest, EndsByItselfWhenItsTimeIsOver) {
  EXPECT_EQ(ask({.expires = 60}).status, 200);
  pass(100);
  only();
  pass(59'000);
  EXPECT_TRUE(sent.messages.empty());
  pass(1'200);
  EXPECT_EQ(header(only(), "Subscription-State"), "terminated;reason=timeout");
  EXPECT_EQ(watchers->size(), 0u);
}

TEST_F(WatchersTest, RefusesWhatItCannotServe) {
  EXPECT_EQ(ask({.expires = 59}).headers, "Min-Expires: 60\r\n");
  EXPECT_EQ(ask({.expires = 59}).status, 423);
  for (const std::string event : {"presence", "", "reg.winfo", "Reg"}) {
    EXPECT_EQ(ask({.event = event}).status, 489) << event;
    EXPECT_EQ(ask({.event = event}).headers, "Allow-Events: reg\r\n");
  }
  EXPECT_EQ(ask({.to_tag = "nobodys"}).status, 481);
  EXPECT_EQ(ask({.contact = ""}).status, 400);
  EXPECT_EQ(ask({.contact = "<sip:a@h>, <sip:b@h>"}).status, 400);
  EXPECT_EQ(ask({.from_tag = ""}).status, 400);
  EXPECT_EQ(ask({.more = "Accept: text/plain\r\n"}).status, 406);
  EXPECT_EQ(ask({.more = "Require: eventlist\r\nRequire: path, foo\r\n"}).status, 420) << "RFC 3261 8.2.2.3";
  EXPECT_EQ(ask({.more = "Require: eventlist\r\nRequire: path, foo\r\n"}).headers, "Unsupported: eventlist, foo\r\n");
  EXPECT_EQ(watchers->size(), 0u);
}

TEST_F(WatchersTest, ASubscribeThatIsLateIsRefused) {
  const std::string tag = subscribed({.cseq = 5});
  EXPECT_EQ(ask({.to_tag = tag, .cseq = 4}).status, 500);
  EXPECT_EQ(watchers->size(), 1u);
}

TEST_F(WatchersTest, BoundsSubscriptionsToOneClientAndInAll) {
  for (const char* id : {"1@h", "2@h", "3@h"}) EXPECT_EQ(ask({.call_id = id}).status, 200);
  EXPECT_EQ(ask({.call_id = "4@h"}).status, 403);
  EXPECT_EQ(ask({.call_id = "5@h"}, location::ClientKey{9, 9}).status, 200);
  const SubscribeOutcome full = ask({.call_id = "6@h"}, location::ClientKey{8, 8});
  EXPECT_EQ(full.status, 503);
  EXPECT_TRUE(full.headers.starts_with("Retry-After: "));
}

TEST_F(WatchersTest, GivesTheRecordRouteBackAndFollowsIt) {
  const SubscribeOutcome out = ask({.more = "Record-Route: <sip:p2.example.com;lr>\r\nRecord-Route: <sip:p1.example.com;lr>\r\n"});
  EXPECT_NE(out.headers.find("Record-Route: <sip:p2.example.com;lr>\r\nRecord-Route: <sip:p1.example.com;lr>\r\n"), out.headers.npos);
  pass(100);
  EXPECT_EQ(header(only(), "Route"), "<sip:p2.example.com;lr>, <sip:p1.example.com;lr>");
}

TEST_F(WatchersTest, TellsWhatChangesNotMoreOftenThanEveryFiveSeconds) {
  subscribed();
  enrol("<sip:a@192.0.2.9>", 1);
  enrol("<sip:b@192.0.2.9>", 2);
  pass(4'500);
  EXPECT_TRUE(sent.messages.empty());
  pass(600);
  const std::string notify = only();
  EXPECT_NE(notify.find("state=\"partial\""), notify.npos) << notify;
  EXPECT_NE(notify.find("version=\"1\""), notify.npos);
  EXPECT_NE(notify.find("sip:a@192.0.2.9"), notify.npos);
  EXPECT_NE(notify.find("sip:b@192.0.2.9"), notify.npos);
  pass(60'000);
  EXPECT_TRUE(sent.messages.empty());
}

TEST_F(WatchersTest, SaysWhatBecameOfEachContact) {
  const auto told = [&](const std::string& event, std::uint64_t within_ms = 5'200) {
    std::vector<std::string> all;
    for (std::uint64_t ms = 0; ms < within_ms; ms += 100) {
      pass(100);
      std::ranges::move(heard(), std::back_inserter(all));
    }
    EXPECT_EQ(all.size(), 1u);
    const std::string notify = all.empty() ? std::string{} : all.front();
    EXPECT_NE(notify.find("event=\"" + event + "\""), notify.npos) << notify;
    return notify;
  };
  subscribed();
  enrol("<sip:a@192.0.2.9>;expires=60", 1);
  told("registered");
  enrol("<sip:a@192.0.2.9>;expires=60", 2);
  told("refreshed");
  enrol("<sip:b@192.0.2.9>", 3);
  const std::string partial = told("registered");
  EXPECT_EQ(partial.find("sip:a@"), partial.npos) << "a has not changed";
  enrol("<sip:b@192.0.2.9>;expires=0", 4);
  told("unregistered");
  told("expired", 61'000);
  enrol("<sip:c@192.0.2.9>", 5);
  told("registered");
  bindings.remove(alice, now_ms / 1000);
  EXPECT_NE(told("deactivated").find("state=\"terminated\""), std::string::npos);
}

TEST_F(WatchersTest, AContactHasOneIdFromItsBirthToItsEnd) {
  const auto id_in = [](const std::string& notify) {
    const std::size_t at = notify.find("<contact");
    const std::size_t id = notify.find("id=\"", at);
    return notify.substr(id, notify.find('"', id + 4) - id);
  };
  enrol("<sip:a@192.0.2.9>", 1);
  ASSERT_EQ(ask({}).status, 200);
  pass(100);
  const std::string born = id_in(only());
  enrol("<sip:a@192.0.2.9>;expires=0", 2);
  pass(5'100);
  EXPECT_EQ(id_in(only()), born);
}

TEST_F(WatchersTest, KeepsTheSubscribersOwnPace) {
  subscribed({.event = "reg;max-rate=0.05"});
  enrol("<sip:a@192.0.2.9>", 1);
  pass(19'500);
  EXPECT_TRUE(sent.messages.empty());
  pass(700);
  EXPECT_EQ(header(only(), "Subscription-State").substr(19), ";max-rate=0.0500");
}

TEST_F(WatchersTest, TellsTheStateAsOftenAsTheSubscriberWants) {
  subscribed({.event = "reg;min-rate=0.1"});
  pass(9'500);
  EXPECT_TRUE(sent.messages.empty());
  pass(700);
  only();
  pass(10'000);
  only();
}

TEST_F(WatchersTest, TellsTheStateNoMoreOftenThanItTellsChanges) {
  const auto rate_and_count = [&](const std::string& id, const std::string& rates, std::uint64_t within_ms) {
    EXPECT_EQ(ask({.call_id = id, .event = "reg" + rates}).status, 200);
    pass(100);
    const std::string state = header(only(), "Subscription-State");
    std::size_t count = 0;
    for (const std::uint64_t end = now_ms + within_ms; now_ms < end; count += heard().size()) pass(100);
    EXPECT_EQ(watchers->end(alice, {}, now_ms), 1u);
    pass(100);
    only();
    return std::pair(state.substr(state.find(';', 8)), count);
  };
  EXPECT_EQ(rate_and_count("a", ";min-rate=1000", 21'000), std::pair(std::string(";min-rate=0.2000"), std::size_t{4})) << "RFC 3680 4.10";
  EXPECT_EQ(rate_and_count("b", ";max-rate=0.1;min-rate=1000", 21'000), std::pair(std::string(";max-rate=0.1000;min-rate=0.1000"), std::size_t{2}))
      << "he does not want them more often than that himself";
  EXPECT_EQ(rate_and_count("c", ";max-rate=0.00001", 100).first, ";max-rate=0.0000100000") << "RFC 6446 10.3 has ten digits";
}

TEST_F(WatchersTest, ManyChangesAtOnceAreToldAsAWhole) {
  subscribed();
  for (unsigned i = 1; i <= 70; ++i) enrol("<sip:a@192.0.2.9>", i);
  pass(5'100);
  EXPECT_NE(only().find("state=\"full\""), std::string::npos);
}

/// The word behind `name="` in the first element of that name.
std::string said(const std::string& notify, const std::string& element, const std::string& name) {
  const std::size_t at = notify.find(' ' + name + "=\"", notify.find('<' + element + ' ')) + name.size() + 3;
  return notify.substr(at, notify.find('"', at) - at);
}

/// Of a client with more contacts than one NOTIFY holds.
class ManyContacts : public WatchersTest {
 protected:
  static constexpr unsigned contacts = 60;
  unsigned cseq{};
  void SetUp() override {
    WatchersTest::SetUp();
    bindings.set_rules({.bindings_per_aor_max = 100});
    for (unsigned i = 0; i < contacts; ++i) enrol(contact(i), ++cseq);
  }
  static std::string number(unsigned i) { return std::to_string(1000 + i); }
  static std::string contact(unsigned i) {
    return "<sip:a" + number(i) + "@192.0.2.9>;+sip.instance=\"<urn:uuid:00000000-0000-4000-8000-00000000" + number(i) + ">\"";
  }
  /// Each answered, and what follows it, without time to pass for its own sake.
  std::vector<std::string> all_heard() {
    std::vector<std::string> out;
    for (std::size_t count = 0;; count = out.size()) {
      pass(100);
      std::ranges::move(heard(), std::back_inserter(out));
      if (out.size() == count) return out;
    }
  }
  /// How often a contact stands in them.
  static std::size_t count_of(const std::vector<std::string>& notifies, unsigned i) {
    return static_cast<std::size_t>(std::ranges::count_if(notifies, [&](const std::string& n) { return n.find("sip:a" + number(i) + "@") != n.npos; }));
  }
  static void expect_whole(const std::vector<std::string>& notifies) {
    ASSERT_GT(notifies.size(), 1u);
    for (unsigned i = 0; i < contacts; ++i) EXPECT_EQ(count_of(notifies, i), 1u) << i;
    for (std::size_t i = 0; i < notifies.size(); ++i) {
      const bool is_last = i + 1 == notifies.size();
      EXPECT_LE(notifies[i].size(), base::datagram_bytes_max);
      EXPECT_EQ(said(notifies[i], "reginfo", "state"), i == 0 ? "full" : "partial");
      EXPECT_EQ(said(notifies[i], "registration", "state"), "active");
      EXPECT_EQ(header(notifies[i], "SIP-ETag").empty(), !is_last) << "a part is no state that he knows";
      EXPECT_EQ(std::stoul(said(notifies[i], "reginfo", "version")), std::stoul(said(notifies[0], "reginfo", "version")) + i);
    }
  }
};

TEST_F(ManyContacts, AreToldInParts) {
  EXPECT_EQ(ask({}).status, 200);
  expect_whole(all_heard());
  enrol(contact(7), ++cseq);
  pass(5'000);
  const std::string change = only();
  EXPECT_EQ(said(change, "reginfo", "state"), "partial");
  EXPECT_EQ(count_of({change}, 7), 1u);
  EXPECT_EQ(counters().unsent.get(), 0u);
}

TEST_F(ManyContacts, ThatHaveAllChangedAreToldInParts) {
  subscribed();
  all_heard();
  for (unsigned i = 0; i < contacts; ++i) enrol(contact(i), ++cseq);
  pass(5'000);
  expect_whole(all_heard());
}

TEST_F(ManyContacts, ThatChangeMeanwhileAreToldAgainWhenTheLastPartIs) {
  EXPECT_EQ(ask({}).status, 200);
  pass(100);
  enrol("<sip:a1000@192.0.2.9>;expires=0", ++cseq);
  enrol("<sip:a1059@192.0.2.9>;expires=0", ++cseq);
  const auto parts = all_heard();
  ASSERT_GT(parts.size(), 1u);
  EXPECT_EQ(said(parts.back(), "reginfo", "state"), "partial");
  pass(5'000);
  const auto again = all_heard();
  ASSERT_GT(again.size(), 1u);
  EXPECT_EQ(said(again.front(), "reginfo", "state"), "full");
  EXPECT_EQ(count_of(again, 0) + count_of(again, contacts - 1), 0u);
  for (unsigned i = 1; i + 1 < contacts; ++i) EXPECT_EQ(count_of(again, i), 1u) << i;
  pass(60'000);
  EXPECT_TRUE(sent.messages.empty());
}

TEST_F(ManyContacts, ThatAllGoMeanwhileAreToldAsNone) {
  EXPECT_EQ(ask({}).status, 200);
  pass(100);
  bindings.remove(alice, now_ms / 1000);
  all_heard();
  pass(5'000);
  all_heard();
  EXPECT_EQ(ask({.call_id = "later@h"}).status, 200);
  pass(100);
  EXPECT_EQ(said(only(), "registration", "state"), "init");
}

TEST_F(ManyContacts, OfOneQuestionAreAsManyAsFit) {
  EXPECT_EQ(ask({.expires = 0}).status, 200);
  pass(100);
  const std::string notify = only();
  EXPECT_EQ(header(notify, "Subscription-State"), "terminated;reason=timeout");
  EXPECT_EQ(said(notify, "reginfo", "state"), "partial") << "who is left out is not gone";
  EXPECT_GT(notify.size(), base::datagram_bytes_max / 2);
  EXPECT_EQ(watchers->size(), 0u);
}

TEST_F(ManyContacts, AreAllAskedToComeAgain) {
  subscribed();
  all_heard();
  EXPECT_EQ(watchers->moved(alice, {.notice = Notice::shortened, .within_s = 60}, site, now_ms), 1u);
  pass(5'000);
  std::size_t asked = 0;
  for (const std::string& notify : all_heard())
    for (std::size_t at = 0; (at = notify.find("event=\"shortened\"", at)) != notify.npos; ++at) ++asked;
  EXPECT_EQ(asked, contacts);
}

TEST_F(WatchersTest, ContactsThatGrowInTheDocumentAreToldAsWell) {
  for (unsigned i = 0; i < 9; ++i) enrol("<sip:" + std::to_string(i) + std::string(460, '&') + "@192.0.2.9>", i + 1);
  enrol("<sip:z@192.0.2.9>;+sip.instance=\"<" + std::string(3900, '&') + ">\"", 10);
  EXPECT_EQ(ask({}).status, 200);
  std::size_t told = 0, version = 0;
  for (bool is_over = false; !is_over;) {
    pass(100);
    const auto notifies = heard();
    is_over = notifies.empty();
    for (const std::string& notify : notifies) {
      EXPECT_EQ(said(notify, "reginfo", "version"), std::to_string(version++));
      for (std::size_t at = 0; (at = notify.find("<contact ", at)) != notify.npos; ++at) ++told;
    }
  }
  EXPECT_EQ(told, 10u);
  EXPECT_EQ(watchers->size(), 1u);
}

TEST_F(WatchersTest, RefusesADialogWhoseTextsLeaveNoRoomForAContact) {
  EXPECT_EQ(ask({.call_id = std::string(1000, 'c'), .from_tag = std::string(1200, 't')}).status, 513);
  EXPECT_EQ(watchers->size(), 0u);
}

TEST_F(WatchersTest, SuppressesWhatTheSubscriberKnows) {
  enrol("<sip:a@192.0.2.9>", 1);
  ASSERT_EQ(ask({}).status, 200);
  pass(100);
  const std::string first = only(), etag = header(first, "SIP-ETag"), from = header(first, "From"), tag = from.substr(from.find(";tag=") + 5);
  ASSERT_FALSE(etag.empty());
  EXPECT_EQ(ask({.to_tag = tag, .more = "Suppress-If-Match: " + etag + "\r\n", .cseq = 2}).status, 204);
  pass(10'000);
  EXPECT_TRUE(sent.messages.empty());
  EXPECT_EQ(ask({.call_id = "new@h", .more = "Suppress-If-Match: " + etag + "\r\n"}).status, 200);
  pass(100);
  const std::string empty = only();
  EXPECT_EQ(header(empty, "Content-Length"), "0") << "a new dialog wants its NOTIFY, but not what it knows";
  EXPECT_EQ(header(empty, "SIP-ETag"), etag);
  enrol("<sip:b@192.0.2.9>", 2);
  EXPECT_EQ(ask({.to_tag = tag, .more = "Suppress-If-Match: " + etag + "\r\n", .cseq = 3}).status, 200);
}

TEST_F(WatchersTest, TellsWhatHasChangedSinceTheSubscriberSaidThatHeKnowsIt) {
  enrol("<sip:a@192.0.2.9>", 1);
  const std::string etag = header((ask({}), pass(100), only()), "SIP-ETag"), knows = "Suppress-If-Match: " + etag + "\r\n";
  EXPECT_EQ(ask({.call_id = "new@h", .more = knows}).status, 200);
  enrol("<sip:b@192.0.2.9>", 2);
  pass(100);
  const std::string told = only();
  EXPECT_NE(header(told, "SIP-ETag"), etag);
  EXPECT_NE(told.find("sip:b@192.0.2.9"), told.npos) << told;

  std::array<char, sip::base32_64_bytes> tag;
  sip::write_base32(ask({.call_id = "third@h", .more = "Suppress-If-Match: *\r\n"}).to_tag, tag);
  EXPECT_EQ(ask({.call_id = "third@h", .to_tag = {tag.data(), tag.size()}, .cseq = 2}).status, 200) << "he has lost it before the first NOTIFY";
  pass(100);
  EXPECT_NE(only().find("sip:b@192.0.2.9"), std::string::npos);
}

TEST_F(WatchersTest, RepeatsByTimersEAndFAndGivesUp) {
  subscribed();
  enrol("<sip:a@192.0.2.9>", 1);
  std::vector<std::uint64_t> after_ms;
  for (std::uint64_t begun_ms = 0; watchers->size() != 0;) {
    pass(100);
    if (sent.messages.empty()) continue;
    if (after_ms.empty()) begun_ms = now_ms;
    after_ms.push_back(now_ms - begun_ms);
    sent.messages.clear();
    ASSERT_LT(after_ms.back(), 40'000u);
  }
  EXPECT_EQ(after_ms, (std::vector<std::uint64_t>{0, 500, 1'500, 3'500, 7'500, 11'500, 15'500, 19'500, 23'500, 27'500, 31'500}));
  EXPECT_EQ(watchers->open(), 0u);
  EXPECT_EQ(counters().unanswered.get(), 1u);
  EXPECT_EQ(counters().repeated.get(), 10u);
}

TEST_F(WatchersTest, ARepetitionIsTheSameOctetForOctet) {
  subscribed();
  enrol("<sip:a@192.0.2.9>", 1);
  pass(5'100);
  enrol("<sip:b@192.0.2.9>", 2);
  pass(600);
  ASSERT_EQ(sent.messages.size(), 2u);
  EXPECT_EQ(sent.messages[0], sent.messages[1]);
}

TEST_F(WatchersTest, TheFirstIsSentThreeTimesAtTheMost) {
  ASSERT_EQ(ask({}).status, 200);
  pass(60'000);
  EXPECT_EQ(sent.messages.size(), 3u);
  EXPECT_EQ(watchers->size(), 0u);
}

TEST_F(WatchersTest, TheFirstMayBeAnsweredUntilTimerF) {
  for (const bool is_proceeding : {false, true}) {
    ASSERT_EQ(ask({.call_id = is_proceeding ? "proceeding@h" : "silent@h"}).status, 200);
    pass(100);
    const std::string first = sent.messages.front();
    pass(1'000);
    if (is_proceeding) answer(answer_to(first, "100 Trying"));
    pass(30'000);
    answer(answer_to(first));
    EXPECT_LE(sent.messages.size(), 3u);
    sent.messages.clear();
    EXPECT_EQ(counters().answers_stray.get(), 0u);
    EXPECT_EQ(watchers->size(), is_proceeding ? 2u : 1u);
  }
}

TEST_F(WatchersTest, EndsWhenTheSubscriberDoesNotKnowIt) {
  for (const std::string status : {"481 No", "404 No", "489 No", "604 No", "401 No", "500 No"}) {
    ASSERT_EQ(ask({.call_id = status.substr(0, 3)}).status, 200);
    pass(100);
    EXPECT_EQ(heard(status).size(), 1u);
    EXPECT_EQ(watchers->size(), 0u) << status;
  }
}

TEST_F(WatchersTest, ComesBackLaterOnceWhenToldWhen) {
  subscribed();
  enrol("<sip:a@192.0.2.9>", 1);
  pass(5'100);
  ASSERT_EQ(sent.messages.size(), 1u);
  answer(answer_to(sent.messages.front(), "503 Busy", "Retry-After: 7\r\n"));
  sent.messages.clear();
  pass(6'800);
  EXPECT_TRUE(sent.messages.empty());
  pass(400);
  ASSERT_EQ(sent.messages.size(), 1u);
  EXPECT_EQ(header(sent.messages.front(), "CSeq"), "3 NOTIFY");
  answer(answer_to(sent.messages.front(), "503 Busy", "Retry-After: 7\r\n"));
  EXPECT_EQ(watchers->size(), 0u);
}

TEST_F(WatchersTest, FollowsARedirectOnceAndToTheSamePlace) {
  ASSERT_EQ(ask({}).status, 200);
  pass(100);
  answer(answer_to(sent.messages.front(), "302 There", "Contact: <sip:x@203.0.113.1>\r\n"));
  sent.messages.clear();
  pass(100);
  ASSERT_EQ(sent.messages.size(), 1u);
  EXPECT_TRUE(sent.messages.front().starts_with("NOTIFY sip:x@203.0.113.1 SIP/2.0\r\n"));
  EXPECT_EQ(sent.places.back(), flow) << "nobody's traffic is sent elsewhere in his name";
  answer(answer_to(sent.messages.front(), "302 There", "Contact: <sip:y@203.0.113.1>\r\n"));
  EXPECT_EQ(watchers->size(), 0u);
}

TEST_F(WatchersTest, AnAnswerToAnotherNotifyIsNotHeard) {
  ASSERT_EQ(ask({}).status, 200);
  pass(100);
  const std::string first = only();
  answer(answer_to(first));
  EXPECT_EQ(counters().answers_stray.get(), 1u);
  EXPECT_EQ(watchers->size(), 1u);
}

TEST_F(WatchersTest, WhatChangesMeanwhileIsToldAfterwards) {
  subscribed();
  enrol("<sip:a@192.0.2.9>", 1);
  pass(5'100);
  enrol("<sip:b@192.0.2.9>", 2);
  pass(200);
  const std::string first = only();
  EXPECT_EQ(first.find("sip:b@"), first.npos);
  pass(5'000);
  const std::string second = only();
  EXPECT_NE(second.find("sip:b@"), second.npos);
  EXPECT_EQ(second.find("sip:a@"), second.npos);
  EXPECT_EQ(header(second, "CSeq"), "3 NOTIFY");
}

TEST_F(WatchersTest, TellsWatchersOfAClientThatMoves) {
  enrol("<sip:a@192.0.2.9>", 1);
  subscribed();
  subscribed({.call_id = "other@h"});
  EXPECT_EQ(watchers->end(alice, {.ending = Ending::deactivated}, now_ms), 2u);
  EXPECT_EQ(watchers->end(alice, {.ending = Ending::deactivated}, now_ms), 0u) << "once";
  pass(200);
  for (const std::string& notify : heard()) {
    EXPECT_EQ(header(notify, "Subscription-State"), "terminated;reason=deactivated");
    EXPECT_NE(notify.find("state=\"active\""), notify.npos) << "its contact stands";
  }
  EXPECT_EQ(watchers->size(), 0u);
}

TEST_F(WatchersTest, ProbationSaysWhenToComeBack) {
  subscribed();
  EXPECT_EQ(watchers->end(alice, {.ending = Ending::probation, .retry_after_s = 90}, now_ms), 1u);
  pass(200);
  EXPECT_EQ(header(only(), "Subscription-State"), "terminated;reason=probation;retry-after=90");
}

TEST_F(WatchersTest, KeepsThePaceOfAllTogether) {
  rules = {.per_client_max = 10'000, .subscriptions_max = 10'000, .notifies_per_s = 100};
  watchers.emplace(rules, locations, sightings, seed, sent);
  for (int i = 0; i < 1'000; ++i) ASSERT_EQ(ask({.call_id = std::to_string(i)}).status, 200);
  for (int s = 1; s <= 5; ++s) {
    pass(1'000);
    EXPECT_NEAR(static_cast<double>(counters().notifies.get()), 100.0 * s, 12);
    heard();
  }
}

TEST_F(WatchersTest, HasNoMoreOpenThanIsAllowed) {
  rules = {.per_client_max = 100, .subscriptions_max = 100, .open_max = 10};
  watchers.emplace(rules, locations, sightings, seed, sent);
  for (int i = 0; i < 50; ++i) ASSERT_EQ(ask({.call_id = std::to_string(i)}).status, 200);
  pass(400);
  EXPECT_EQ(watchers->open(), 10u);
  heard();
  pass(200);
  EXPECT_EQ(counters().notifies.get(), 20u);
}

TEST_F(WatchersTest, SlowsDownWhileNobodyAnswers) {
  rules = {.per_client_max = 10'000, .subscriptions_max = 10'000, .notifies_per_s = 100};
  watchers.emplace(rules, locations, sightings, seed, sent);
  for (int i = 0; i < 3'000; ++i) ASSERT_EQ(ask({.call_id = std::to_string(i)}).status, 200);
  pass(10'000);
  EXPECT_EQ(counters().slowed.get(), 1u);
  const auto before = counters().notifies.get();
  pass(10'000);
  EXPECT_NEAR(static_cast<double>(counters().notifies.get() - before), 50, 10) << "a twentieth";
  // It hears of the recovery by those.
  for (int s = 0; s < 60; ++s) {
    pass(1'000);
    heard();
  }
  EXPECT_EQ(watchers->open(), 0u);
  EXPECT_GT(counters().notifies.get(), before + 1'000);
}

TEST_F(WatchersAtRestart, WhatWasUnderWayIsSentAgainWithItsNumbers) {
  enrol("<sip:a@192.0.2.9>", 1);
  subscribed();
  watchers->end(alice, {.ending = Ending::deactivated}, now_ms);
  pass(200);
  const std::string lost = sent.messages.front();
  restart(rows());
  pass(200);
  const std::string again = only();
  for (const char* name : {"Via", "CSeq", "From", "To", "Call-ID", "Subscription-State", "Event"}) EXPECT_EQ(header(again, name), header(lost, name));
  EXPECT_EQ(again.find("version=\"1\"") != again.npos, lost.find("version=\"1\"") != lost.npos);
  EXPECT_EQ(watchers->size(), 0u);
}

TEST_F(WatchersAtRestart, WhatWasOwedIsTold) {
  subscribed();
  enrol("<sip:a@192.0.2.9>", 1);
  restart(rows());
  pass(200);
  EXPECT_NE(only().find("state=\"full\""), std::string::npos);
}

TEST_F(WatchersAtRestart, WhatIsOwedNothingStaysQuietAndNeverGoesBack) {
  const std::string tag = subscribed();
  restart(rows());
  pass(30'000);
  EXPECT_TRUE(sent.messages.empty());
  enrol("<sip:a@192.0.2.9>", 1);
  pass(200);
  const std::string notify = only();
  EXPECT_GT(std::stoi(header(notify, "CSeq")), 10);
  EXPECT_NE(notify.find("state=\"full\""), notify.npos) << "its version jumps, so that what it knows does not count";
  EXPECT_EQ(ask({.to_tag = tag, .cseq = 2}).status, 200);
  watchers->owe_everything(alice);
}

TEST_F(WatchersAtRestart, WhatIsOverIsGone) {
  const auto unsubscribe = [&](const std::string& tag) {
    ask({.to_tag = tag, .cseq = 2, .expires = 0});
    pass(200);
    heard();
    EXPECT_EQ(watchers->size(), 0u);
  };
  unsubscribe(subscribed());
  EXPECT_TRUE(rows().empty()) << "there has been none that could go";
  const std::string tag = subscribed();
  ASSERT_FALSE(rows().empty());
  unsubscribe(tag);
  const std::vector<store::Row> kept = rows();
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_TRUE(kept.back().octets.empty());
  restart(kept);
  EXPECT_EQ(watchers->size(), 0u);
}

/// What comes while a NOTIFY of before is still to be sent again is told by another, which nobody takes for its repetition.
class NewsAtRestart : public WatchersAtRestart {
 protected:
  void SetUp() override {
    WatchersAtRestart::SetUp();
    enrol("<sip:a@192.0.2.9>;expires=60", 1);
    tag = subscribed();
    enrol("<sip:b@192.0.2.9>", 2);
    pass(5'200);
    ASSERT_EQ(sent.messages.size(), 1u);
    lost = sent.messages.front();
    restart(rows());
  }
  std::string told_anew() {
    pass(200);
    const std::string notify = only();
    EXPECT_NE(header(notify, "Via"), header(lost, "Via"));
    EXPECT_GT(std::stoi(header(notify, "CSeq")), std::stoi(header(lost, "CSeq")) + 1) << "the stop came between";
    EXPECT_EQ(notify.find("version=\"1\""), notify.npos) << "that is the other one's";
    return notify;
  }
  std::string tag, lost;
};

TEST_F(NewsAtRestart, AChange) {
  enrol("<sip:b@192.0.2.9>;expires=0", 3);
  EXPECT_EQ(told_anew().find("sip:b@"), std::string::npos);
}

TEST_F(NewsAtRestart, WhatHasRunOutMeanwhile) {
  watchers->owe_everything(alice);
  told_anew();
}

TEST_F(NewsAtRestart, ARefresh) {
  EXPECT_EQ(ask({.to_tag = tag, .cseq = 2}).status, 200);
  told_anew();
}

TEST_F(WatchersAtRestart, WhatFindsNoRoomIsGone) {
  for (const char* id : {"1@h", "2@h", "3@h"}) ASSERT_EQ(ask({.call_id = id}).status, 200);
  pass(100);
  heard();
  const auto kept = rows();
  ASSERT_EQ(kept.size(), 3u);
  rules.subscriptions_max = 2;
  restart(kept);
  EXPECT_EQ(watchers->size(), 2u);
  const auto changed = rows();
  EXPECT_EQ(std::ranges::count_if(changed, [](const store::Row& row) { return row.octets.empty(); }), 1) << "nobody would end it later";
  EXPECT_EQ(changed.size(), 3u);
}

TEST_F(WatchersAtRestart, AnothersSubscriptionOfOneCallIdLeavesNoRowBehind) {
  const location::ClientKey bob{2, 0x0000'0007'0000'0001};
  ASSERT_EQ(ask({.expires = 0}).status, 200);
  pass(100);
  const auto begun = rows();
  ASSERT_EQ(begun.size(), 1u);
  EXPECT_EQ(begun.front().key.high, alice.high);
  only();
  ASSERT_EQ(watchers->size(), 0u);
  ASSERT_EQ(ask({.cseq = 2, .expires = 0}, bob).status, 200);
  for (const store::Row& row : rows()) EXPECT_EQ(row.octets.empty(), row.key.high == alice.high) << row.key.high;
}

TEST_F(WatchersAtRestart, ExpiryIsOfTheWallClock) {
  ASSERT_EQ(ask({.expires = 600}).status, 200);
  pass(100);
  only();
  const auto kept = rows();
  offset_s += 400;   // the clock of the next process begins elsewhere, and 400 s have passed by the wall
  restart(kept);
  EXPECT_NEAR(watchers->of(alice, now_ms).front().expires_in_s, 200, 1);
}

TEST_F(WatchersAtRestart, NoneLastsLongerThanIsGranted) {
  ASSERT_EQ(ask({.expires = 600}).status, 200);
  pass(100);
  only();
  const auto kept = rows();
  offset_s -= 900'000'000;   // the machine begins in 1998
  restart(kept);
  EXPECT_EQ(watchers->of(alice, now_ms).front().expires_in_s, rules.expires_max_s);
}

TEST_F(WatchersAtRestart, AllAreKeptAnewWhenTheClockIsSet) {
  subscribed();
  EXPECT_FALSE(rows().empty());
  EXPECT_TRUE(rows().empty());
  watchers->note_all();
  EXPECT_EQ(rows().size(), 1u);
}

TEST_F(WatchersAtRestart, ARowThatIsCutIsNoSubscription) {
  subscribed({.event = "reg;id=7", .more = "Record-Route: <sip:p.example.com;lr>\r\n"});
  const std::string whole = rows().back().octets;
  for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) EXPECT_FALSE(watchers->restore(whole.substr(0, bytes), basis(), now_ms)) << bytes;
  EXPECT_FALSE(watchers->restore(whole + "x", basis(), now_ms));
}

TEST(Subscription, FitsItsBudget) {
  const assign::LocationMap locations{16};
  assign::Watched watched{1, 16};
  Sightings sightings{watched, 16, base::Key128{7}};
  Sent sent;
  site::Site site = one_listener();
  Watchers watchers({.per_client_max = 2'000, .subscriptions_max = 1'000}, locations, sightings, base::Key128{7}, sent);
  const base::Endpoint flow{base::Address::v4({192, 0, 2, 9}), 5070};
  for (int i = 0; i < 1'000; ++i) {
    const Indexed m(
        Asking{.call_id = "3848276298220188511-" + std::to_string(100'000 + i) + "@192.0.2.9", .from_tag = "9fxced76sl" + std::to_string(i)}.text());
    ASSERT_EQ(watchers.process({.message = m.message, .aor = "alice@example.com", .client = alice, .flow = flow, .next = flow}, site, 1'000'000).status, 200);
  }
  // And 16 octets of the table, and up to 16 of the allocator.
  EXPECT_LE(watchers.bytes() / watchers.size() + 32, 320u);
}

}  // namespace
}  // namespace viaduct::notifier::test
