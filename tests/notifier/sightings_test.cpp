// SPDX-License-Identifier: Apache-2.0
// What is seen of clients of third-party homes, and what those who watch them hear of it.
#include "viaduct/notifier/sightings.h"

#include <gmock/gmock.h>

#include "watch.h"

namespace viaduct::notifier::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class SightingsTest : public WatchersAtRestart {
 protected:
  /// A home's answer that lists these contacts, to alice's REGISTER of that number.
  void see(const std::vector<std::string>& contacts, unsigned cseq = 1, const std::string& more = {}) {
    std::string text =
        "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 198.18.0.2:5060;branch=z9hG4bKa\r\nVia: SIP/2.0/UDP 192.0.2.9:5070;branch=z9hG4bKb\r\n"
        "From: <sip:alice@example.com>;tag=1\r\nTo: <sip:alice@example.com>;tag=2\r\nCall-ID: one@host\r\nCSeq: " +
        std::to_string(cseq) + " REGISTER\r\n";
    for (const std::string& contact : contacts) text += "Contact: " + contact + "\r\n";
    const Indexed m(text + more + "Content-Length: 0\r\n\r\n");
    sightings.take({.message = m.message, .aor = "alice@example.com", .client = alice, .flow = flow}, now_ms / 1000);
  }
  SubscribeOutcome ask_elsewhere(const Asking& asking) {
    const Indexed m(asking.text());
    return watchers->process({.message = m.message,
                              .aor = "alice@example.com",
                              .client = alice,
                              .flow = flow,
                              .next = flow,
                              .is_elsewhere = asking.to_tag.empty(),
                              .stands_in = stands_in},
                             site, now_ms);
  }
  bool stands_in{};
  /// A subscription to alice elsewhere. Returns its first NOTIFY.
  std::string watched_elsewhere(const Asking& asking = {}) {
    EXPECT_EQ(ask_elsewhere(asking).status, 200);
    pass(100);
    return only();
  }
  /// The next NOTIFY, when its time has come.
  std::string next_told() {
    for (int tenths = 0; tenths < 300 && sent.messages.empty(); ++tenths) pass(100);
    return only();
  }
};

TEST_F(SightingsTest, AreOfWatchedClientsOnly) {
  see({"<sip:a@192.0.2.9>;expires=3600"});
  EXPECT_EQ(sightings.find(alice), nullptr);
  EXPECT_FALSE(watched.is_any());
  EXPECT_THAT(watched_elsewhere(), HasSubstr("state=\"init\"/>"));
  EXPECT_TRUE(watched.contains(alice));
  see({"<sip:a@192.0.2.9>;expires=3600"});
  ASSERT_NE(sightings.find(alice), nullptr);
  EXPECT_EQ(sightings.find(alice)->count(), 1u);
  EXPECT_EQ(bindings.location(alice), nullptr) << "he is not registered here";
}

TEST_F(SightingsTest, AreToldAsTheyCome) {
  watched_elsewhere();
  see({"<sip:a@192.0.2.9>;expires=3600;q=0.5"});
  const std::string first = next_told();
  EXPECT_THAT(first, HasSubstr("state=\"partial\""));
  EXPECT_THAT(first, HasSubstr("state=\"active\" event=\"registered\""));
  EXPECT_THAT(first, HasSubstr("q=\"0.5\" cseq=\"1\""));
  see({"<sip:a@192.0.2.9>;expires=3600;q=0.5"}, 2);
  EXPECT_THAT(next_told(), HasSubstr("event=\"refreshed\""));
  see({}, 3);
  const std::string last = next_told();
  EXPECT_THAT(last, HasSubstr("state=\"terminated\" event=\"unregistered\""));
  EXPECT_EQ(sightings.find(alice), nullptr);
}

TEST_F(SightingsTest, BeginWithWhatHeHasHereWhereThisNodeStandsIn) {
  enrol("<sip:a@192.0.2.9>;expires=100", 1);
  EXPECT_THAT(watched_elsewhere({.call_id = "up@h"}), Not(HasSubstr("sip:a@"))) << "what he has left behind here";
  EXPECT_EQ(watchers->end(alice, {}, now_ms), 1u);
  pass(100);
  only();
  stands_in = true;
  const std::string first = watched_elsewhere();
  EXPECT_THAT(first, HasSubstr("sip:a@192.0.2.9"));
  EXPECT_THAT(first, HasSubstr("state=\"active\""));
  see({"<sip:a@192.0.2.9>;expires=3600"}, 2);
  EXPECT_THAT(next_told(), HasSubstr("event=\"refreshed\"")) << "back at his home";
  pass(120'000);
  EXPECT_TRUE(sent.messages.empty()) << "what he has left behind here";
  watched_elsewhere({.call_id = "second@h"});
  EXPECT_EQ(sightings.find(alice)->count(), 1u);
}

TEST_F(SightingsTest, ThatSayNothingNewAreNotTold) {
  watched_elsewhere();
  see({"<sip:a@192.0.2.9>;expires=3600"});
  next_told();
  see({"<sip:a@192.0.2.9>;expires=3595"});   // the answer that came again
  pass(10'000);
  EXPECT_TRUE(sent.messages.empty());
}

TEST_F(SightingsTest, TellContactsOfOthersApart) {
  watched_elsewhere();
  see({"<sip:a@192.0.2.9>;expires=3000", "<sip:b@192.0.2.8>;expires=600", "<sip:b@192.0.2.8>;expires=600", "<sip:c@192.0.2.7>;expires=0"}, 7);
  const std::string first = next_told();
  EXPECT_THAT(first, Not(HasSubstr("cseq=\"7\""))) << "whose it is cannot be told";
  EXPECT_THAT(first, Not(HasSubstr("sip:c@"))) << "expired is no binding";
  EXPECT_EQ(sightings.find(alice)->count(), 2u) << "one contact twice is one";
  see({"<sip:a@192.0.2.9>;expires=2994", "<sip:b@192.0.2.8>;expires=3600"}, 8);
  const std::string second = next_told();
  EXPECT_THAT(second, HasSubstr("sip:b@"));
  EXPECT_THAT(second, HasSubstr("cseq=\"8\""));
  EXPECT_THAT(second, Not(HasSubstr("sip:a@"))) << "it has not changed";
}

TEST_F(SightingsTest, WithoutExpiryLastAsTheHeaderSaysOrAnHour) {
  watched_elsewhere();
  see({"<sip:a@192.0.2.9>"}, 1, "Expires: 90\r\n");
  EXPECT_EQ(sightings.find(alice)->binding(0).expires_at_s, now_ms / 1000 + 90);
  see({"<sip:a@192.0.2.9>"}, 2);
  EXPECT_EQ(sightings.find(alice)->binding(0).expires_at_s, now_ms / 1000 + 3600);
}

TEST_F(SightingsTest, ThatCannotBeReadChangeNothing) {
  watched_elsewhere();
  see({"<sip:a@192.0.2.9>;expires=3600"});
  see({"<sip:broken"}, 2);
  see({"*"}, 3);
  see(std::vector<std::string>(17, "<sip:many@192.0.2.9>"), 4);
  ASSERT_NE(sightings.find(alice), nullptr);
  EXPECT_EQ(sightings.find(alice)->binding(0).cseq, 1u);
}

TEST_F(SightingsTest, Expire) {
  watched_elsewhere();
  see({"<sip:a@192.0.2.9>;expires=20"});
  next_told();
  EXPECT_THAT(next_told(), HasSubstr("event=\"expired\""));
  EXPECT_EQ(sightings.find(alice), nullptr);
}

TEST_F(SightingsTest, AreForgottenWithTheLastWatcher) {
  const Asking server{.call_id = "server@h", .from = "sip:presence.example.com"};
  const std::string from = header(watched_elsewhere(), "From");
  watched_elsewhere(server);
  see({"<sip:a@192.0.2.9>;expires=3600"});
  pass(5'200);
  heard();
  EXPECT_EQ(watchers->end_one(watchers->list(1, now_ms).front().id, {.ending = Ending::noresource}, now_ms), true);
  pass(200);
  heard();
  EXPECT_TRUE(watched.contains(alice)) << "one is left";
  watchers->end(alice, {.ending = Ending::noresource}, now_ms);
  pass(200);
  heard();
  EXPECT_FALSE(watched.is_any());
  EXPECT_EQ(sightings.find(alice), nullptr);
}

TEST_F(SightingsTest, WaitForWatchersWhoWereSentAway) {
  watched_elsewhere();
  see({"<sip:a@192.0.2.9>;expires=3600"});
  next_told();
  EXPECT_EQ(watchers->moved(alice, {.notice = Notice::deactivated, .is_elsewhere = true}, site, now_ms), 1u);
  pass(200);
  const std::string last = only();
  EXPECT_EQ(header(last, "Subscription-State"), "terminated;reason=deactivated");
  EXPECT_THAT(last, HasSubstr("state=\"active\" event=\"registered\"")) << "the contact as it is";
  pass(20'000);
  EXPECT_THAT(watched_elsewhere({.call_id = "again@h"}), HasSubstr("<uri>sip:a@192.0.2.9</uri>"));
  pass(60'000);
  EXPECT_TRUE(watched.contains(alice)) << "he is watched again";
  watchers->moved(alice, {.notice = Notice::deactivated, .is_elsewhere = true}, site, now_ms);
  pass(200);
  only();
  EXPECT_TRUE(watched.contains(alice));
  pass(33'000);
  EXPECT_FALSE(watched.is_any()) << "nobody came";
  EXPECT_EQ(sightings.find(alice), nullptr);
}

TEST_F(SightingsTest, ShortenedAsksTheClientThatIsSeen) {
  watched_elsewhere();
  EXPECT_EQ(watchers->moved(alice, {.notice = Notice::shortened, .is_elsewhere = true}, site, now_ms), 0u) << "not seen yet";
  see({"<sip:a@192.0.2.9>;expires=3600"});
  next_told();
  EXPECT_EQ(watchers->moved(alice, {.notice = Notice::shortened, .is_elsewhere = true}, site, now_ms), 1u);
  EXPECT_THAT(next_told(), HasSubstr("event=\"shortened\""));
}

TEST_F(SightingsTest, AndBindingsHereAreToldApart) {
  enrol("<sip:left@192.0.2.9>;expires=60", 1);   // before he was placed elsewhere
  watched_elsewhere({.call_id = "elsewhere@h"});
  subscribed({.call_id = "here@h"});
  see({"<sip:a@192.0.2.9>;expires=3600"});
  const std::string elsewhere = next_told();
  EXPECT_EQ(header(elsewhere, "Call-ID"), "elsewhere@h");
  EXPECT_THAT(elsewhere, HasSubstr("sip:a@"));
  pass(30'000);
  const std::string here = next_told();
  EXPECT_EQ(header(here, "Call-ID"), "here@h");
  EXPECT_THAT(here, HasSubstr("event=\"expired\""));
  pass(10'000);
  EXPECT_TRUE(sent.messages.empty()) << "what he has left behind is nothing to those who watch him elsewhere";
}

TEST_F(SightingsTest, AreWhatIsRegisteredHereInTheHomesPlace) {
  watched_elsewhere();
  see({"<sip:a@192.0.2.9>;expires=3600"});
  next_told();
  enrol("<sip:a@192.0.2.9>", 5);   // his home is down
  EXPECT_EQ(sightings.find(alice)->binding(0).cseq, 5u);
  EXPECT_THAT(next_told(), HasSubstr("event=\"refreshed\""));
  enrol("<sip:a@192.0.2.9>;expires=0", 6);
  EXPECT_THAT(next_told(), HasSubstr("event=\"unregistered\""));
}

TEST_F(SightingsTest, OutliveARestartWithTheirWatchers) {
  watched_elsewhere();
  see({"<sip:a@192.0.2.9>;expires=3600"});
  next_told();
  const auto kept = rows();
  const assign::Location& location = *sightings.find(alice);
  std::vector<assign::BindingText> all = {location[0]};
  assign::Watched watched_after{1, 16};
  Sightings after{watched_after, 16, seed};
  Watchers anew(rules, locations, after, seed, sent);
  ASSERT_TRUE(anew.restore(kept.back().octets, basis(), now_ms));
  EXPECT_TRUE(watched_after.contains(alice));
  EXPECT_TRUE(after.bindings().restore(alice, "alice@example.com", all, now_ms / 1000));
  after.forget_unwatched(now_ms / 1000 + 32);
  after.expire(now_ms / 1000 + 33);
  EXPECT_NE(after.find(alice), nullptr);
  EXPECT_TRUE(anew.of(alice, now_ms).front().is_elsewhere);
}

TEST_F(SightingsTest, OfNobodyWatchedAreForgottenAfterARestart) {
  const assign::BindingText b{.binding = {.expires_at_s = static_cast<std::uint32_t>(now_ms / 1000 + 3600)}, .uri = "sip:a@192.0.2.9"};
  EXPECT_TRUE(sightings.bindings().restore(alice, "alice@example.com", {&b, 1}, now_ms / 1000));
  sightings.forget_unwatched(now_ms / 1000 + 32);
  EXPECT_TRUE(watched.contains(alice)) << "those who were sent away may come yet";
  sightings.expire(now_ms / 1000 + 32);
  EXPECT_EQ(sightings.find(alice), nullptr);
  EXPECT_FALSE(watched.is_any());
  EXPECT_EQ(sightings.bindings().take_changed(9).size(), 1u) << "its row goes";
}

TEST_F(SightingsTest, KnowWhereTheRegisterCameFrom) {
  watched_elsewhere();
  see({"<sip:a@192.0.2.9>;expires=3600"});
  EXPECT_EQ(sightings.find(alice)->binding(0).flow, flow);
}

}  // namespace
}  // namespace viaduct::notifier::test
