// SPDX-License-Identifier: Apache-2.0
// The subscription that a REGISTER with `Event: registration` implies: silent while he is registered, one NOTIFY when the server takes the registration away.
#include <array>

#include "registration_event.h"
#include "viaduct/notifier/permission.h"
#include "watch.h"

namespace viaduct::notifier::test {
namespace {

/// A REGISTER of alice's that asks to be told.
struct Enrolling {
  std::string call_id = "reg@h", from_tag = "epid1", contact = "<sip:a@192.0.2.9:5070>", event = "registration", more;
  unsigned cseq = 1;
  unsigned expires = 3600;

  [[nodiscard]] std::string text() const {
    return "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9:5070;branch=z9hG4bKr" + std::to_string(cseq) +
           "\r\nMax-Forwards: 70\r\nFrom: <sip:alice@example.com>;tag=" + from_tag + "\r\nTo: <sip:alice@example.com>\r\nCall-ID: " + call_id +
           "\r\nCSeq: " + std::to_string(cseq) + " REGISTER\r\nContact: " + contact + "\r\nEvent: " + event + "\r\nExpires: " + std::to_string(expires) +
           "\r\n" + more + "Content-Length: 0\r\n\r\n";
  }
};

class Implicit : public WatchersAtRestart {
 protected:
  /// As a shard does it. Returns our tag.
  std::uint64_t enrolled(const Enrolling& enrolling, bool is_proven = false, const std::string& path = {}, const base::Endpoint* next = nullptr) {
    const Indexed m(enrolling.text());
    const location::Registration r{
        .message = m.message, .aor = "alice@example.com", .key = alice, .flow = flow, .next = next != nullptr ? *next : flow, .path = path};
    EXPECT_EQ(bindings.process(r, now_ms / 1000).status, 200);
    return watchers->imply(r, is_proven, site, now_ms);
  }
  void deregister(location::Departure why = location::Departure::deactivated) { EXPECT_EQ(bindings.remove(alice, now_ms / 1000, why), 1u); }
  /// What comes within that time, each answered at once.
  std::vector<std::string> heard_within(std::uint64_t ms) {
    std::vector<std::string> out;
    for (const std::uint64_t end = now_ms + ms; now_ms < end;) {
      pass(100);
      std::ranges::move(heard(), std::back_inserter(out));
    }
    return out;
  }
  void silent(std::uint64_t ms = 60'000) {
    pass(ms);
    EXPECT_TRUE(sent.messages.empty()) << sent.messages.front();
  }
};

std::string tag_of(std::uint64_t dialog) {
  std::array<char, sip::base32_64_bytes> text;
  sip::write_base32(dialog, text);
  return {text.data(), text.size()};
}

std::string body(const std::string& notify) { return notify.substr(notify.find("\r\n\r\n") + 4); }

TEST_F(Implicit, IsToldOnceWhenTheOperatorDeregisters) {
  const std::uint64_t tag = enrolled({});
  ASSERT_NE(tag, 0u);
  silent();
  deregister();
  pass(200);
  ASSERT_EQ(sent.places, std::vector<base::Endpoint>{flow});
  const std::string notify = only();
  EXPECT_TRUE(notify.starts_with("NOTIFY sip:a@192.0.2.9:5070 SIP/2.0\r\n")) << notify;
  EXPECT_EQ(header(notify, "From"), "<sip:alice@example.com>;tag=" + tag_of(tag));
  EXPECT_EQ(header(notify, "To"), "<sip:alice@example.com>;tag=epid1");
  EXPECT_EQ(header(notify, "Call-ID"), "reg@h");
  EXPECT_EQ(header(notify, "CSeq"), "1 NOTIFY");
  EXPECT_EQ(header(notify, "Event"), "registration-notify");
  EXPECT_EQ(header(notify, "Subscription-State"), "terminated;expires=0");
  EXPECT_EQ(header(notify, "Content-Type"), "text/registration-event");
  EXPECT_EQ(header(notify, "ms-diagnostics-public"), "4140;reason=\"Registration removed\"");
  EXPECT_EQ(header(notify, "SIP-ETag"), "");
  EXPECT_EQ(body(notify), "deregistered;event=unregistered");
  EXPECT_EQ(watchers->size(), 0u);
  silent();
}

TEST_F(Implicit, IsKnownAfterARestartWhenTheHomeWasAddedWhileTheNodeRan) {
  site.homes = assign::Homes({{.name = "here", .is_local = true}});
  site.local_home = 0;
  const std::uint64_t tag = enrolled({});
  const auto kept = rows();
  watchers.emplace(rules, locations, sightings, seed, sent, "here");
  bindings.set_observer(*watchers);
  for (const store::Row& row : kept) ASSERT_TRUE(watchers->restore(row.octets, basis(), now_ms));
  EXPECT_EQ(enrolled({.cseq = 2}), tag);
  EXPECT_EQ(watchers->size(), 1u);
  deregister();
  pass(200);
  EXPECT_EQ(body(only()), "deregistered;event=unregistered");
}

TEST_F(Implicit, IsToldNotToComeAgainWhenHeIsRejected) {
  enrolled({});
  deregister(location::Departure::rejected);
  pass(200);
  const std::string notify = only();
  EXPECT_EQ(body(notify), "deregistered;event=rejected");
  EXPECT_EQ(header(notify, "ms-diagnostics-public").substr(0, 5), "4141;");
}

TEST_F(Implicit, HearsNothingOfWhatHeDoesHimself) {
  enrolled({});
  enrolled({.cseq = 2, .expires = 0});
  EXPECT_EQ(watchers->size(), 0u);
  silent();
  enrolled({.cseq = 3, .expires = 60});
  pass(61'000);
  EXPECT_EQ(watchers->size(), 0u) << "he has not come again";
  EXPECT_TRUE(sent.messages.empty());
  EXPECT_EQ(counters().ended.get(), 2u);
}

TEST_F(Implicit, GoesOnInTheDialogOfTheLatestRegister) {
  const std::uint64_t tag = enrolled({});
  pass(50'000);
  EXPECT_EQ(enrolled({.call_id = "other@h", .from_tag = "epid2", .cseq = 7}), tag);
  EXPECT_EQ(enrolled({.call_id = "other@h", .from_tag = "epid2", .cseq = 8, .expires = 120}), tag);
  EXPECT_EQ(watchers->size(), 1u);
  pass(100'000);
  deregister();
  pass(200);
  const std::string notify = only();
  EXPECT_EQ(header(notify, "Call-ID"), "other@h");
  EXPECT_EQ(header(notify, "To"), "<sip:alice@example.com>;tag=epid2");
  EXPECT_EQ(header(notify, "From"), "<sip:alice@example.com>;tag=" + tag_of(tag));
}

TEST_F(Implicit, LastsAsLongAsTheRegistrationThatAskedForIt) {
  enrolled({.expires = 100});
  enrol("<sip:a@192.0.2.9:5070>;expires=3600", 2);   // without Event
  pass(101'000);
  EXPECT_EQ(watchers->size(), 0u);
  deregister();
  silent();
}

TEST_F(Implicit, StartsAnewWithTheNextNumberWhenHeRegistersAgain) {
  enrolled({});
  deregister();
  pass(200);
  EXPECT_EQ(sent.messages.size(), 1u);
  sent.messages.clear();   // on its way, not answered
  enrolled({.cseq = 2});
  EXPECT_EQ(watchers->open(), 0u);
  silent();
  deregister();
  pass(200);
  EXPECT_EQ(header(only(), "CSeq"), "2 NOTIFY");
}

TEST_F(Implicit, ARetransmissionChangesNothing) {
  const std::uint64_t tag = enrolled({});
  EXPECT_EQ(watchers->moved(alice, {.notice = Notice::deactivated}, site, now_ms), 1u);
  EXPECT_EQ(enrolled({}), tag);
  pass(200);
  EXPECT_EQ(body(only()), "deregistered;event=deactivated") << "the retransmission is of the registration that ends";
}

TEST_F(Implicit, IsOnePerContact) {
  const std::uint64_t one = enrolled({}), two = enrolled({.call_id = "two@h", .contact = "<sip:b@192.0.2.9:5072>"});
  EXPECT_NE(one, two);
  EXPECT_EQ(watchers->size(), 2u);
  enrolled({.cseq = 2, .expires = 0});
  EXPECT_EQ(watchers->size(), 1u);
  deregister();
  pass(200);
  EXPECT_TRUE(only().starts_with("NOTIFY sip:b@192.0.2.9:5072 SIP/2.0\r\n"));
}

TEST_F(Implicit, ADeviceIsTheSameBehindAnotherContact) {
  const auto device = [](const std::string& uri) { return "<" + uri + ">;+sip.instance=\"<urn:uuid:1>\";reg-id=1"; };
  const auto outbound = [&](const Enrolling& enrolling) {
    const Indexed m(enrolling.text());
    const location::Registration r{.message = m.message, .aor = "alice@example.com", .key = alice, .flow = flow, .next = flow, .supports_outbound = true};
    EXPECT_EQ(bindings.process(r, now_ms / 1000).status, 200);
    return watchers->imply(r, false, site, now_ms);
  };
  const std::uint64_t tag = outbound({.contact = device("sip:a@192.0.2.9:5070")});
  EXPECT_EQ(outbound({.contact = device("sip:a@192.0.2.9:6000"), .cseq = 2}), tag);
  EXPECT_EQ(watchers->size(), 1u);
  EXPECT_EQ(counters().ended.get(), 0u);
  deregister();
  pass(200);
  EXPECT_TRUE(only().starts_with("NOTIFY sip:a@192.0.2.9:6000 SIP/2.0\r\n"));
}

TEST_F(Implicit, NeedsOneContactAndADialog) {
  EXPECT_EQ(enrolled({.contact = "<sip:a@192.0.2.9>, <sip:b@192.0.2.9>"}), 0u);
  EXPECT_EQ(enrolled({.contact = "<sip:a@192.0.2.9>;expires=0", .cseq = 2}), 0u);
  EXPECT_EQ(watchers->size(), 0u);
}

TEST_F(Implicit, KeepsToTheBoundsOfAllSubscriptions) {
  for (unsigned i = 0; i < rules.per_client_max; ++i)
    EXPECT_NE(enrolled({.call_id = std::to_string(i), .contact = "<sip:a@192.0.2.9:" + std::to_string(6000 + i) + ">"}), 0u);
  EXPECT_EQ(enrolled({.call_id = "more", .contact = "<sip:a@192.0.2.9:7000>"}), 0u) << "he is registered all the same";
  EXPECT_EQ(bindings.bindings(), rules.per_client_max + 1);
  EXPECT_EQ(ask({}).status, 403);
}

TEST_F(Implicit, CostsNoMoreThanItShould) {
  enrolled({.call_id = "6d7b09278d574162a4ef50c25e4e5051", .from_tag = "7c503117ea"});
  EXPECT_LE(watchers->bytes(), 320u);
}

TEST_F(Implicit, DoesNotDisturbThoseWhoWatch) {
  subscribed();
  enrolled({});
  auto all = heard_within(6'000);
  ASSERT_EQ(all.size(), 1u) << "to who watches";
  EXPECT_NE(all[0].find("event=\"registered\""), std::string::npos);
  enrolled({.cseq = 2});
  all = heard_within(6'000);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_NE(all[0].find("event=\"refreshed\""), std::string::npos);
  deregister(location::Departure::rejected);
  all = heard_within(6'000);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(body(all[0]), "deregistered;event=rejected") << "at once";
  EXPECT_NE(all[1].find("event=\"rejected\""), std::string::npos) << all[1];
}

// --- a client that moves

TEST_F(Implicit, IsSentAwayWhenHisHomeHasMoved) {
  enrolled({});
  EXPECT_EQ(watchers->moved(alice, {.notice = Notice::deactivated}, site, now_ms), 1u);
  pass(200);
  const std::string notify = only();
  EXPECT_EQ(body(notify), "deregistered;event=deactivated");
  EXPECT_EQ(header(notify, "ms-diagnostics-public").substr(0, 5), "4142;");
  EXPECT_EQ(bindings.bindings(), 1u) << "who does not come keeps what he has";
}

TEST_F(Implicit, IsSentAwayAtATimeOfHisOwnWhenHeIsToComeSoon) {
  for (const Notice notice : {Notice::probation, Notice::shortened}) {
    enrolled({.cseq = notice == Notice::probation ? 1U : 2U});
    EXPECT_EQ(watchers->moved(alice, {.notice = notice, .within_s = 60}, site, now_ms), 1u);
    EXPECT_EQ(watchers->moved(alice, {.notice = Notice::deactivated}, site, now_ms), 1u) << "who repeats the call, or goes on with the move, tells it once";
    pass(900);
    EXPECT_TRUE(sent.messages.empty()) << "a second at least";
    const auto all = heard_within(60'000);
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(body(all[0]), "deregistered;event=deactivated");
    EXPECT_EQ(watchers->size(), 0u);
  }
}

TEST_F(Implicit, HearsTheLastWordAloneWhenTheServerChangesItsMind) {
  enrolled({});
  watchers->moved(alice, {.notice = Notice::probation, .within_s = 60}, site, now_ms);
  deregister(location::Departure::rejected);
  pass(200);
  EXPECT_EQ(body(only()), "deregistered;event=rejected") << "at once, in place of what was to be told later";
  silent(61'000);
  enrolled({.cseq = 2});
  watchers->moved(alice, {.notice = Notice::deactivated}, site, now_ms);
  pass(200);
  deregister(location::Departure::rejected);
  EXPECT_EQ(body(only()), "deregistered;event=deactivated");
  EXPECT_EQ(watchers->size(), 0u) << "he has heard of the end, which comes once";
  silent();
}

TEST_F(Implicit, HearsNoMoreOnceHeHasUnregistered) {
  enrolled({});
  watchers->moved(alice, {.notice = Notice::probation, .within_s = 60}, site, now_ms);
  enrolled({.cseq = 2, .expires = 0});
  EXPECT_EQ(watchers->size(), 0u);
  silent(61'000);
}

TEST_F(Implicit, HearsWhatTheOperatorSaysOfTheSubscription) {
  unsigned cseq = 0;
  for (const auto& [ending, said] :
       {std::pair(Ending::rejected, "rejected"), std::pair(Ending::deactivated, "deactivated"), std::pair(Ending::noresource, "unregistered")}) {
    const std::uint64_t id = enrolled({.cseq = ++cseq});
    EXPECT_TRUE(watchers->end_one(id, {.ending = ending}, now_ms));
    pass(200);
    EXPECT_EQ(body(only()), "deregistered;event=" + std::string(said));
  }
}

// --- what becomes of the NOTIFY

TEST_F(Implicit, ALostNotifyIsRepeatedAndGivenUp) {
  enrolled({});
  deregister();
  pass(40'000);
  EXPECT_EQ(sent.messages.size(), 3u) << "he has shown nothing but that he sends";
  EXPECT_EQ(sent.messages.front(), sent.messages.back());
  EXPECT_EQ(watchers->size(), 0u);
  EXPECT_EQ(counters().unanswered.get(), 1u);
}

TEST_F(Implicit, WhoHasProvenHimselfIsToldForAllOfTimerF) {
  enrolled({}, true);
  deregister();
  pass(40'000);
  EXPECT_EQ(sent.messages.size(), 11u);
  EXPECT_EQ(watchers->size(), 0u);
}

TEST_F(Implicit, IsOverWhenHeKnowsNothingOfIt) {
  enrolled({});
  deregister();
  pass(200);
  EXPECT_EQ(heard("481 Subscription Does Not Exist").size(), 1u);
  EXPECT_EQ(watchers->size(), 0u);
  silent();
}

TEST_F(Implicit, SurvivesARestartAndTheNotifyWithIt) {
  const std::uint64_t tag = enrolled({.expires = 600});
  restart(rows());
  EXPECT_EQ(watchers->find(tag, now_ms)->is_implicit, true);
  silent();
  deregister();
  pass(200);
  ASSERT_EQ(sent.messages.size(), 1u);
  const std::string before = sent.messages.front();
  EXPECT_EQ(header(before, "CSeq"), "1 NOTIFY");
  restart(rows());
  pass(200);
  EXPECT_EQ(only(), before) << "the same CSeq and branch";
  EXPECT_EQ(watchers->size(), 0u);
}

TEST_F(Implicit, WaitsForHisTurnAfterARestartToo) {
  enrolled({});
  watchers->moved(alice, {.notice = Notice::probation, .within_s = 60}, site, now_ms);
  restart(rows());
  pass(900);
  EXPECT_TRUE(sent.messages.empty());
  const auto all = heard_within(60'000);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(body(all[0]), "deregistered;event=deactivated");
}

TEST_F(Implicit, IsAnotherDialogOnEveryNode) {
  const std::uint64_t here = enrolled({});
  watchers.emplace(rules, locations, sightings, seed, sent, "elsewhere");
  bindings.set_observer(*watchers);
  EXPECT_NE(enrolled({.cseq = 2}), here);
}

// --- nobody is told in another's name

TEST_F(Implicit, GoesByThePathOfTheBinding) {
  site.edges = {*base::Prefix::parse("192.0.2.9/32")};
  const base::Endpoint edge{flow.address, 5060};
  EXPECT_NE(enrolled({}, false, "<sip:token@192.0.2.9:5060;lr;ob>", &edge), 0u);
  deregister();
  pass(200);
  EXPECT_EQ(sent.places, std::vector<base::Endpoint>{edge});
  const std::string notify = only();
  EXPECT_EQ(header(notify, "Route"), "<sip:token@192.0.2.9:5060;lr;ob>");
  EXPECT_TRUE(notify.starts_with("NOTIFY sip:a@192.0.2.9:5070 SIP/2.0\r\n"));
}

TEST_F(Implicit, NobodyIsToldWhereOnlyAStrangersPathLeads) {
  const base::Endpoint victim{base::Address::v4({192, 0, 2, 66}), 5060};
  EXPECT_EQ(enrolled({}, false, "<sip:192.0.2.66;lr>", &victim), 0u);
  deregister();
  silent();
  EXPECT_NE(enrolled({.cseq = 2}, true, "<sip:192.0.2.66;lr>", &victim), 0u) << "unless a digest says whose it is";
  site.edges = {*base::Prefix::parse("192.0.2.9/32")};
  EXPECT_EQ(enrolled({.contact = "<sip:b@192.0.2.66>", .cseq = 3}), 0u) << "an edge's without a Path leads nowhere";
}

TEST_F(Implicit, AContactSaysWhoIsMeantAndNotWhereItGoes) {
  enrolled({.contact = "<sip:a@192.0.2.66:5060>"});
  deregister();
  pass(40'000);
  for (const base::Endpoint& place : sent.places) EXPECT_EQ(place, flow);
  std::size_t octets = 0;
  for (const std::string& message : sent.messages) octets += message.size();
  EXPECT_LE(octets, 3 * 600u) << "three NOTIFYs at the most, of a REGISTER";
}

TEST(AsksForEnd, TheEventOfThatPackageAlone) {
  const auto asks = [](const std::string& event) {
    const Indexed m(Enrolling{.event = event}.text());
    return asks_for_end(m.message);
  };
  EXPECT_TRUE(asks("registration"));
  EXPECT_TRUE(asks("registration;id=1"));
  for (const char* other : {"reg", "Registration", "presence", ";x", "registration\r\nEvent: registration"}) EXPECT_FALSE(asks(other)) << other;
}

}  // namespace
}  // namespace viaduct::notifier::test
