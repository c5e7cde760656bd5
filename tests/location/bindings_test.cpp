// SPDX-License-Identifier: Apache-2.0
// RFC 3261 10.3 from step 6 on: what each REGISTER does to the bindings, and what it is answered.
#include "viaduct/location/bindings.h"

#include <gtest/gtest.h>

#include <set>

#include "register.h"

namespace viaduct::location::test {
namespace {

constexpr ClientKey alice{1, 2};
constexpr ClientKey bob{3, 4};

class BindingsTest : public testing::Test {
 protected:
  Rules rules{.expires_default_s = 3600, .expires_min_s = 60, .expires_max_s = 7200, .bindings_per_aor_max = 3, .bindings_max = 5};
  assign::LocationMap locations{16};
  Bindings bindings{rules, locations, base::Key128{7}};
  std::uint64_t now_s = 1'000'000;
  base::Endpoint flow{base::Address::v4({192, 0, 2, 9}), 5060};

  bool outbound = false, gruu = false;

  Outcome send(Register request, const ClientKey& key = alice) {
    return bindings.process({.message = request.indexed(),
                             .aor = "alice@example.com",
                             .key = key,
                             .flow = flow,
                             .next = flow,
                             .supports_outbound = outbound,
                             .supports_gruu = gruu},
                            now_s);
  }
  /// A REGISTER later than all before it, in the same dialog of the same client.
  Register next() {
    ++cseq_;
    return Register().cseq(cseq_).branch("z9hG4bK" + std::to_string(cseq_));
  }
  /// Where a worker sends requests for alice, or for a device of hers.
  [[nodiscard]] std::string chosen(std::string_view instance = {}) const {
    const auto* location = std::as_const(locations).find(alice);
    const std::size_t i = assign::choose(*location, instance);
    return i == location->count() ? "none" : std::string((*location)[i].uri);
  }
  [[nodiscard]] std::vector<std::string> contacts(const ClientKey& key = alice) const {
    std::vector<std::string> uris;
    for (const BindingView& b : bindings.of(key, now_s)) uris.push_back(b.contact + " " + std::to_string(b.expires_in_s));
    return uris;
  }
  using Uris = std::vector<std::string>;

 private:
  unsigned cseq_ = 0;
};

TEST_F(BindingsTest, AddsAContactWithTheDefaultExpiry) {
  const Outcome o = send(next().contact("<sip:a@192.0.2.9>"));
  EXPECT_EQ(o.status, 200);
  EXPECT_EQ(o.headers, "Contact: <sip:a@192.0.2.9>;expires=3600\r\n");
  EXPECT_EQ(bindings.clients(), 1u);
  EXPECT_EQ(bindings.bindings(), 1u);
}

TEST_F(BindingsTest, PrefersTheParameterToTheHeader) {
  EXPECT_EQ(send(next().contact("<sip:a@h>;expires=100, <sip:b@h>").expires("200")).headers,
            "Contact: <sip:a@h>;expires=100\r\nContact: <sip:b@h>;expires=200\r\n");
}

TEST_F(BindingsTest, ListsTheRemainingExpiryInTheOrderOfArrival) {
  send(next().contact("<sip:a@h>"));
  now_s += 10;
  send(next().contact("<sip:b@h>"));
  now_s += 10;
  EXPECT_EQ(send(next().contact("<sip:a@h>")).headers, "Contact: <sip:a@h>;expires=3600\r\nContact: <sip:b@h>;expires=3590\r\n");
}

TEST_F(BindingsTest, FetchesWithoutAContactAndChangesNothing) {
  EXPECT_EQ(send(next()).headers, "");
  EXPECT_EQ(bindings.clients(), 0u);
  send(next().contact("<sip:a@h>"));
  now_s += 600;
  const Outcome o = send(next().expires("0"));
  EXPECT_EQ(o.status, 200);
  EXPECT_EQ(o.headers, "Contact: <sip:a@h>;expires=3000\r\n");
}

TEST_F(BindingsTest, KeepsQInstanceAndRegId) {
  outbound = true;
  const std::string contact = "<sip:a@h>;q=0.25;+sip.instance=\"<urn:uuid:0>\";reg-id=1";
  EXPECT_EQ(send(next().contact(contact)).headers, "Contact: <sip:a@h>;expires=3600;q=0.25;+sip.instance=\"<urn:uuid:0>\";reg-id=1\r\n");
  EXPECT_EQ(send(next().contact("<sip:a@h>;q=0")).headers, "Contact: <sip:a@h>;expires=3600;q=0\r\n");
  EXPECT_EQ(send(next().contact("<sip:a@h>;q=0.7")).headers, "Contact: <sip:a@h>;expires=3600;q=0.7\r\n");
}

TEST_F(BindingsTest, SendsNoFoldInAnInstance) {
  const Outcome o = send(next().contact("<sip:a@h>;+sip.instance=\"a\r\n b\""));
  EXPECT_EQ(o.headers.find("\r\n"), o.headers.size() - 2);
}

TEST_F(BindingsTest, FindsABindingByUriEquality) {
  send(next().contact("<sip:%61lice@HOST.example>"));
  EXPECT_EQ(send(next().contact("<sip:alice@host.example>")).headers, "Contact: <sip:alice@host.example>;expires=3600\r\n");
  EXPECT_EQ(bindings.bindings(), 1u);
}

TEST_F(BindingsTest, RemovesAContactWithExpiresZero) {
  send(next().contact("<sip:a@h>").contact("<sip:b@h>"));
  EXPECT_EQ(send(next().contact("<sip:a@h>;expires=0")).headers, "Contact: <sip:b@h>;expires=3600\r\n");
  EXPECT_EQ(send(next().contact("<sip:b@h>").expires("0")).headers, "");
  EXPECT_EQ(bindings.clients(), 0u);
  EXPECT_EQ(send(next().contact("<sip:c@h>;expires=0")).status, 200);
  EXPECT_EQ(bindings.clients(), 0u);
}

TEST_F(BindingsTest, RemovesAllWithAStar) {
  send(next().contact("<sip:a@h>").contact("<sip:b@h>"));
  const Outcome o = send(next().contact("*").expires("0"));
  EXPECT_EQ(o.status, 200);
  EXPECT_EQ(o.headers, "");
  EXPECT_EQ(bindings.bindings(), 0u);
}

TEST_F(BindingsTest, RefusesAStarWithoutExpiresZero) {
  send(next().contact("<sip:a@h>"));
  EXPECT_EQ(send(next().contact("*")).fault, sip::Bad::contact_star);
  EXPECT_EQ(send(next().contact("*").expires("60")).status, 400);
  EXPECT_EQ(send(next().contact("*").contact("<sip:b@h>").expires("0")).status, 400);
  EXPECT_EQ(contacts(), (Uris{"sip:a@h 3600"}));
}

TEST_F(BindingsTest, RefusesAStarNoLaterThanABindingOfItsCallId) {
  send(Register().cseq(5).contact("<sip:a@h>"));
  send(Register().call_id("two").cseq(5).contact("<sip:b@h>"));
  EXPECT_EQ(send(Register().cseq(5).branch("z9hG4bKother").contact("*").expires("0")).status, 500);
  EXPECT_EQ(contacts().size(), 2u);
  EXPECT_EQ(send(Register().cseq(6).branch("z9hG4bKother").contact("*").expires("0")).status, 200);
  EXPECT_EQ(contacts().size(), 0u);
}

TEST_F(BindingsTest, RefusesABadContact) {
  const Outcome o = send(next().contact("<sip:a@h>, <nonsense>"));
  EXPECT_EQ(o.status, 400);
  EXPECT_EQ(o.fault, sip::Bad::contact_syntax);
  EXPECT_EQ(bindings.bindings(), 0u);
}

TEST_F(BindingsTest, RefusesAnIntervalTooBrief) {
  const Outcome o = send(next().contact("<sip:a@h>;expires=59"));
  EXPECT_EQ(o.status, 423);
  EXPECT_EQ(o.headers, "Min-Expires: 60\r\n");
  EXPECT_EQ(send(next().contact("<sip:a@h>;expires=60")).status, 200);
}

TEST_F(BindingsTest, NeverCallsAnHourTooBrief) {
  rules.expires_min_s = 7000;
  bindings.set_rules(rules);
  EXPECT_EQ(send(next().contact("<sip:a@h>;expires=3599")).status, 423);
  EXPECT_EQ(send(next().contact("<sip:a@h>;expires=3600")).status, 200);
}

TEST_F(BindingsTest, ShortensAnIntervalTooLong) {
  EXPECT_EQ(send(next().contact("<sip:a@h>;expires=4294967295")).headers, "Contact: <sip:a@h>;expires=7200\r\n");
}

TEST_F(BindingsTest, AnswersARetransmissionAlikeAndChangesNothing) {
  const Register request = next().contact("<sip:a@h>;expires=100");
  const Outcome first = send(request);
  EXPECT_EQ(send(request).headers, first.headers);
  now_s += 30;
  EXPECT_EQ(send(request).headers, "Contact: <sip:a@h>;expires=70\r\n");
}

TEST_F(BindingsTest, AnswersARetransmittedRemovalAlike) {
  send(next().contact("<sip:a@h>").contact("<sip:b@h>"));
  const Register removal = next().contact("<sip:a@h>;expires=0").contact("<sip:b@h>");
  const Outcome first = send(removal);
  EXPECT_EQ(send(removal).headers, first.headers);
  EXPECT_EQ(first.headers, "Contact: <sip:b@h>;expires=3600\r\n");
}

TEST_F(BindingsTest, RefusesACSeqNotHigherOnAnotherBranch) {
  send(Register().cseq(7).contact("<sip:a@h>;expires=100"));
  EXPECT_EQ(send(Register().cseq(7).branch("z9hG4bK2").contact("<sip:a@h>;expires=200")).status, 500);
  EXPECT_EQ(send(Register().cseq(6).branch("z9hG4bK3").contact("<sip:a@h>;expires=0")).status, 500);
  EXPECT_EQ(contacts(), (Uris{"sip:a@h 100"}));
}

TEST_F(BindingsTest, AcceptsAnyCSeqOfAnotherCallId) {
  send(Register().cseq(7).contact("<sip:a@h>;expires=100"));
  EXPECT_EQ(send(Register().call_id("two").cseq(1).contact("<sip:a@h>;expires=200")).status, 200);
  EXPECT_EQ(contacts(), (Uris{"sip:a@h 200"}));
  EXPECT_EQ(bindings.of(alice, now_s)[0].cseq, 1u);
}

TEST_F(BindingsTest, ChangesAllOrNothing) {
  send(Register().cseq(7).contact("<sip:a@h>;expires=100"));
  send(Register().call_id("two").cseq(9).contact("<sip:b@h>;expires=100"));
  const Outcome o = send(Register().call_id("two").cseq(8).branch("z9hG4bK2").contact("<sip:a@h>;expires=0").contact("<sip:c@h>").contact("<sip:b@h>"));
  EXPECT_EQ(o.status, 500);
  EXPECT_EQ(contacts(), (Uris{"sip:a@h 100", "sip:b@h 100"}));
  EXPECT_EQ(send(Register().call_id("three").contact("<sip:c@h>").contact("<sip:d@h>;expires=1")).status, 423);
  EXPECT_EQ(contacts(), (Uris{"sip:a@h 100", "sip:b@h 100"}));
}

TEST_F(BindingsTest, TakesTheLastOfTwoEqualContacts) {
  EXPECT_EQ(send(next().contact("<sip:a@h>;expires=100, <sip:a@h>;expires=200")).headers, "Contact: <sip:a@h>;expires=200\r\n");
}

TEST_F(BindingsTest, RefusesMoreBindingsThanAClientMayHave) {
  send(next().contact("<sip:a@h>, <sip:b@h>, <sip:c@h>"));
  EXPECT_EQ(send(next().contact("<sip:d@h>")).status, 403);
  EXPECT_EQ(send(next().contact("<sip:a@h>;expires=0, <sip:d@h>")).status, 200);
  EXPECT_EQ(contacts().size(), 3u);
}

TEST_F(BindingsTest, LetsAClientAboveALoweredBoundRefresh) {
  send(next().contact("<sip:a@h>, <sip:b@h>, <sip:c@h>"));
  rules.bindings_per_aor_max = 1;
  rules.bindings_max = 1;
  bindings.set_rules(rules);
  EXPECT_EQ(send(next().contact("<sip:b@h>")).status, 200);
  EXPECT_EQ(send(next().contact("<sip:b@h>;expires=0, <sip:c@h>")).status, 200);
}

TEST_F(BindingsTest, RefusesMoreBindingsThanThereIsRoomFor) {
  send(next().contact("<sip:a@h>, <sip:b@h>, <sip:c@h>"));
  send(next().contact("<sip:a@h>, <sip:b@h>"), bob);
  const Outcome o = send(next().contact("<sip:c@h>"), bob);
  EXPECT_EQ(o.status, 503);
  EXPECT_EQ(o.headers, "Retry-After: 60\r\n");
  send(next().contact("<sip:a@h>;expires=0"));
  EXPECT_EQ(send(next().contact("<sip:c@h>"), bob).status, 200);
  EXPECT_EQ(bindings.bindings(), 5u);
}

TEST_F(BindingsTest, ListsManyBindingsWhole) {
  rules.bindings_per_aor_max = 16;
  rules.bindings_max = 100;
  bindings.set_rules(rules);
  Register request = next();
  for (int i = 0; i < 16; ++i) request.contact("<sip:" + std::string(300, 'u') + std::to_string(i) + "@h>");
  const Outcome o = send(request);
  EXPECT_EQ(o.status, 200);
  EXPECT_GT(o.headers.size(), 16u * 300);
}

TEST_F(BindingsTest, KeepsClientsApart) {
  send(next().contact("<sip:a@h>"));
  EXPECT_EQ(send(next(), bob).headers, "");
  EXPECT_EQ(bindings.of(bob, now_s).size(), 0u);
}

TEST_F(BindingsTest, TellsAnOperatorWhatItHolds) {
  send(Register().call_id("x").cseq(4).contact("<sip:a@h>"));
  now_s += 1;
  const BindingView b = bindings.of(alice, now_s).at(0);
  EXPECT_EQ(b.contact, "sip:a@h");
  EXPECT_EQ(b.expires_in_s, 3599u);
  EXPECT_EQ(b.registered_ago_s, 1u);
  EXPECT_EQ(b.flow, flow);
  EXPECT_EQ(b.cseq, 4u);
}

TEST_F(BindingsTest, TellsAnOperatorWhenEachWasRegisteredLast) {
  send(next().contact("<sip:a@h>, <sip:b@h>"));
  now_s += 100;
  send(next().contact("<sip:b@h>"));
  now_s += 10;
  EXPECT_EQ(bindings.of(alice, now_s).at(0).registered_ago_s, 110u);
  EXPECT_EQ(bindings.of(alice, now_s).at(1).registered_ago_s, 10u);
}

TEST_F(BindingsTest, DoesNotListWhatHasExpired) {
  send(next().contact("<sip:a@h>;expires=100, <sip:b@h>;expires=200"));
  now_s += 100;
  EXPECT_EQ(send(next()).headers, "Contact: <sip:b@h>;expires=100\r\n");
  EXPECT_EQ(contacts(), (Uris{"sip:b@h 100"}));
}

TEST_F(BindingsTest, ForgetsTheCSeqOfWhatHasExpired) {
  send(Register().cseq(7).contact("<sip:a@h>;expires=100"));
  now_s += 100;
  EXPECT_EQ(send(Register().cseq(7).branch("z9hG4bK2").contact("<sip:a@h>")).status, 200);
  EXPECT_EQ(bindings.bindings(), 1u);
}

TEST_F(BindingsTest, DropsWhatHasExpiredWhenItIsDue) {
  send(next().contact("<sip:a@h>;expires=100, <sip:b@h>;expires=200"));
  send(next().contact("<sip:a@h>;expires=100"), bob);
  bindings.expire(now_s + 99);
  EXPECT_EQ(bindings.bindings(), 3u);
  bindings.expire(now_s + 100);
  EXPECT_EQ(bindings.bindings(), 1u);
  EXPECT_EQ(bindings.clients(), 1u);
  bindings.expire(now_s + 200);
  EXPECT_EQ(bindings.clients(), 0u);
}

TEST_F(BindingsTest, KeepsWhatWasRefreshedBeforeItWasDue) {
  bindings.expire(now_s);
  send(next().contact("<sip:a@h>;expires=100"));
  now_s += 90;
  bindings.expire(now_s);
  send(next().contact("<sip:a@h>;expires=100"));
  bindings.expire(now_s + 99);
  EXPECT_EQ(bindings.bindings(), 1u);
  bindings.expire(now_s + 100);
  EXPECT_EQ(bindings.bindings(), 0u);
}

TEST_F(BindingsTest, ExpiresAfterALongSleep) {
  bindings.expire(now_s);
  send(next().contact("<sip:a@h>"));
  bindings.expire(now_s + 10'000'000);
  EXPECT_EQ(bindings.bindings(), 0u);
}

const std::string desk = R"(;+sip.instance="<urn:uuid:1>")", mobile = R"(;+sip.instance="<urn:uuid:2>")";

// RFC 5626 6: a device's flow is one binding, wherever its Contact points.
TEST_F(BindingsTest, ReplacesAFlowOfADeviceWhateverItsUri) {
  outbound = true;
  EXPECT_TRUE(send(next().contact("<sip:a@h:1>;reg-id=1" + desk)).is_outbound);
  send(next().contact("<sip:a@h:2>;reg-id=2" + desk));
  send(next().contact("<sip:a@h:3>;reg-id=1" + mobile));
  send(next().call_id("reboot@host").contact("<sip:a@h:4>;reg-id=1" + desk));
  EXPECT_EQ(contacts(), (Uris{"sip:a@h:4 3600", "sip:a@h:2 3600", "sip:a@h:3 3600"}));
}

TEST_F(BindingsTest, SaysOutboundOfWhatThisRegisterHasRegisteredAlone) {
  outbound = true;
  const Register first = next().contact("<sip:a@h:1>;reg-id=1" + desk);
  EXPECT_TRUE(send(first).is_outbound);
  EXPECT_TRUE(send(first).is_outbound) << "a retransmission";
  EXPECT_TRUE(send(next().contact("<sip:a@h:1>;reg-id=1" + desk)).is_outbound) << "a refresh";
  EXPECT_FALSE(send(next().call_id("other@host").contact("<sip:b@h>")).is_outbound) << "another device, without a reg-id";
  EXPECT_FALSE(send(next().call_id("asks@host")).is_outbound) << "a question";
  EXPECT_FALSE(send(next().call_id("other@host").contact("<sip:b@h>;expires=0")).is_outbound);
}

TEST_F(BindingsTest, TakesNoRegIdFromWhoDoesNotSupportOutbound) {
  const Outcome o = send(next().contact("<sip:a@h:1>;reg-id=1" + desk));
  EXPECT_FALSE(o.is_outbound);
  EXPECT_EQ(o.headers, "Contact: <sip:a@h:1>;expires=3600" + desk + "\r\n");
  send(next().contact("<sip:a@h:2>;reg-id=1" + desk));
  EXPECT_EQ(bindings.bindings(), 2u);
}

// RFC 5627 5.2, 5.4.
TEST_F(BindingsTest, GivesAPublicGruuToWhoAsksForOne) {
  EXPECT_EQ(send(next().contact("<sip:a@h>" + desk)).headers.find("pub-gruu"), std::string::npos);
  gruu = true;
  EXPECT_EQ(send(next().contact("<sip:a@h>" + desk)).headers,
            "Contact: <sip:a@h>;expires=3600;pub-gruu=\"sip:alice@example.com;gr=urn:uuid:1\"" + desk + "\r\n");
  EXPECT_NE(send(next().to("sips:alice@example.com").contact("<sip:a@h>" + desk)).headers.find("pub-gruu=\"sips:alice@example.com;gr="), std::string::npos);
  EXPECT_EQ(send(next().contact("<sip:b@h>")).headers.find("gruu", 80), std::string::npos) << "no device, no GRUU";
  EXPECT_EQ(send(next().contact("<sip:c@h>;+sip.instance=\"<a b>\"")).headers.find("gr=a b"), std::string::npos) << "nothing that cannot stand in a URI";
}

TEST_F(BindingsTest, GrantsExpiriesSpreadBelowWhatIsAsked) {
  rules.expires_spread_percent = 10;
  rules.bindings_per_aor_max = 64;
  rules.bindings_max = 1000;
  bindings.set_rules(rules);
  std::set<std::uint32_t> granted;
  for (unsigned i = 0; i < 200; ++i) {
    send(next().contact("<sip:a@h>;expires=1000"));
    granted.insert(bindings.of(alice, now_s).at(0).expires_in_s);
  }
  EXPECT_GE(*granted.begin(), 900U);
  EXPECT_LE(*granted.rbegin(), 1000U);
  EXPECT_GT(granted.size(), 50U);
  send(next().contact("<sip:a@h>;expires=61"));
  EXPECT_GE(bindings.of(alice, now_s).at(0).expires_in_s, 60U) << "never below the minimum";
}

TEST_F(BindingsTest, RefusesAUriThatNoRequestCouldCarry) {
  EXPECT_EQ(send(next().contact("<sip:a@" + std::string(600, 'h') + ">")).status, 400);
  EXPECT_EQ(bindings.bindings(), 0u);
}

TEST_F(BindingsTest, LetsAnOperatorRemoveAClient) {
  send(next().contact("<sip:a@h>").contact("<sip:b@h>"));
  EXPECT_EQ(bindings.remove(alice, now_s), 2u);
  EXPECT_EQ(bindings.remove(alice, now_s), 0u);
  EXPECT_EQ(bindings.clients(), 0u);
  EXPECT_EQ(send(next().contact("<sip:a@h>")).status, 200);
}

TEST_F(BindingsTest, TellsWhatHasChangedOnce) {
  send(next().contact("<sip:a@h>"));
  send(next().contact("<sip:b@h>"));
  send(next().contact("<sip:a@h>"), bob);
  EXPECT_EQ(bindings.take_changed(1), std::vector{alice});
  EXPECT_EQ(bindings.take_changed(9), std::vector{bob});
  EXPECT_TRUE(bindings.take_changed(9).empty());
  send(next().contact("<sip:a@h>;expires=0"), bob);
  EXPECT_EQ(bindings.take_changed(9), std::vector{bob});
  send(next().contact("<sip:a@h>"), bob);
  send(next().contact("<sip:a@h>;expires=0"), bob);
  EXPECT_TRUE(bindings.take_changed(9).empty()) << "no row to write, and none to remove";
  send(next().contact("<sip:a@h>;expires=0").contact("<sip:b@h>;expires=0"));
  send(next().contact("<sip:b@h>"));
  send(next().contact("<sip:b@h>;expires=0"));
  EXPECT_EQ(bindings.take_changed(9), std::vector{alice}) << "gone twice, and the row from before stands still";
}

TEST_F(BindingsTest, AreRestoredAsTheyStandAndWithoutWhatHasExpired) {
  const assign::BindingText kept[] = {{.binding = {.expires_at_s = static_cast<std::uint32_t>(now_s) + 60}, .uri = "sip:a@h"},
                                      {.binding = {.expires_at_s = static_cast<std::uint32_t>(now_s)}, .uri = "sip:b@h"}};
  bindings.restore(alice, "alice@example.com", std::span(kept).first(1), now_s);
  EXPECT_TRUE(bindings.take_changed(9).empty()) << "it stands so in the store";
  bindings.restore(bob, "bob@example.com", kept, now_s);
  EXPECT_EQ(bindings.take_changed(9), std::vector{bob});
  EXPECT_EQ(contacts(alice), Uris{"sip:a@h 60"});
  EXPECT_EQ(contacts(bob), Uris{"sip:a@h 60"});
  const ClientKey carol{5, 6};
  bindings.restore(carol, "carol@example.com", std::span(kept).last(1), now_s);
  EXPECT_EQ(bindings.take_changed(9), std::vector{carol}) << "nothing is left of it: the row goes";
  EXPECT_EQ(bindings.clients(), 2u);
}

TEST_F(BindingsTest, AreRestoredForNoLongerThanIsGranted) {
  const std::uint32_t granted_s = bindings.rules().expires_max_s;
  const assign::BindingText kept{.binding = {.expires_at_s = static_cast<std::uint32_t>(now_s) + 900'000'000}, .uri = "sip:a@h"};
  EXPECT_FALSE(bindings.restore(alice, "alice@example.com", {&kept, 1}, now_s)) << "somebody has set the clock";
  EXPECT_EQ(contacts(alice), Uris{"sip:a@h " + std::to_string(granted_s)});
  EXPECT_EQ(bindings.take_changed(9), std::vector{alice});
}

TEST_F(BindingsTest, OfAClockThatWasAheadAreNotNewerThanWhoRegistersNow) {
  const auto now = static_cast<std::uint32_t>(now_s);
  const assign::BindingText kept{.binding = {.added_at_s = now + 600, .expires_at_s = now + 660, .registered_at_s = now + 600}, .uri = "sip:a@h"};
  EXPECT_FALSE(bindings.restore(alice, "alice@example.com", {&kept, 1}, now_s));
  ASSERT_NE(bindings.location(alice), nullptr);
  const auto binding = (*bindings.location(alice))[0].binding;
  EXPECT_EQ(binding.added_at_s, now);
  EXPECT_EQ(binding.registered_at_s, now);
}

TEST_F(BindingsTest, AllAreToldOfWhenTheirRowsMeanSomethingElse) {
  send(next().contact("<sip:a@h>"));
  send(next().contact("<sip:a@h>"), bob);
  EXPECT_EQ(bindings.take_changed(9).size(), 2u);
  bindings.note_all();
  send(next().contact("<sip:b@h>"), bob);
  EXPECT_EQ(bindings.take_changed(9).size(), 2u) << "each once";
}

TEST_F(BindingsTest, TakesLittleMemory) {
  const std::string uri = "<sip:1234567890@198.51.100.7:5062;transport=udp>;+sip.instance=\"<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>\"";
  send(next().contact(uri));
  EXPECT_LE(std::as_const(locations).find(alice)->bytes() + sizeof(void*), 400U);
}

// What a worker chooses: RFC 3261 16.6, 16.11; RFC 5627 5.1.
TEST_F(BindingsTest, AreChosenByPreferenceThenByAge) {
  send(next().contact("<sip:a@h>" + desk));
  now_s += 10;
  send(next().contact("<sip:b@h>" + mobile));
  EXPECT_EQ(chosen(), "sip:b@h");
  now_s += 10;
  send(next().contact("<sip:a@h>" + desk));
  EXPECT_EQ(chosen(), "sip:b@h") << "a refresh does not take a call away";
  EXPECT_EQ(chosen("urn:uuid:1"), "sip:a@h");
  EXPECT_EQ(chosen("urn:uuid:3"), "none");
  send(next().contact("<sip:b@h>;q=0.5" + mobile));
  EXPECT_EQ(chosen(), "sip:a@h");
  EXPECT_EQ(std::as_const(locations).find(bob), nullptr);
}

// RFC 5627 5.4: of several contacts of one instance the one that was registered last.
TEST_F(BindingsTest, OfOneDeviceAreChosenByItsLastRegister) {
  const auto registers = [&](const std::string& contact, const std::string& call_id) {
    now_s += 10;
    send(next().call_id(call_id).contact(contact));
  };
  const std::string wlan = "<sip:wlan@h>", lte = "<sip:lte@h>";
  registers(wlan + desk, "1");
  registers(lte + desk, "1");
  EXPECT_EQ(chosen(), "sip:lte@h");
  registers(wlan + desk, "1");
  EXPECT_EQ(chosen(), "sip:wlan@h") << "it is back";
  EXPECT_EQ(chosen("urn:uuid:1"), "sip:wlan@h");
  registers("<sip:other@h>" + mobile, "2");
  registers(lte + desk, "1");
  EXPECT_EQ(chosen(), "sip:other@h") << "between devices the one that was added last, so that refreshes do not change it";
  EXPECT_EQ(chosen("urn:uuid:1"), "sip:lte@h");
  registers(wlan + ";q=0.5" + desk, "1");
  EXPECT_EQ(chosen("urn:uuid:1"), "sip:lte@h") << "what a client prefers comes first";
}

TEST_F(BindingsTest, OfOneDeviceAreKnownByTheCallIdWhereNoneHasAName) {
  for (const std::string uri : {"<sip:wlan@h>", "<sip:lte@h>", "<sip:wlan@h>"}) {
    now_s += 10;
    send(next().contact(uri));
  }
  EXPECT_EQ(chosen(), "sip:wlan@h");
  send(next().contact("<sip:lte@h>").contact("<sip:wlan@h>"));
  EXPECT_EQ(chosen(), "sip:lte@h") << "of those that one REGISTER refreshes the one that was added last";
}

// Both flows of RFC 5626 are alive.
TEST_F(BindingsTest, OfOneDeviceWithSeveralFlowsStayChosenWhenOneIsRefreshed) {
  outbound = true;
  for (const std::string id : {"1", "2", "1"}) {
    now_s += 10;
    send(next().contact("<sip:flow" + id + "@h>;reg-id=" + id + desk));
  }
  EXPECT_EQ(chosen(), "sip:flow2@h");
}

// RFC 3261 10.2.1 lets any URI be registered; a proxy sends to SIP's (16.6).
TEST_F(BindingsTest, AreNeverChosenWhereNoRequestCanGo) {
  rules.bindings_per_aor_max = 9;
  rules.bindings_max = 9;
  bindings.set_rules(rules);
  send(next().contact("<mailto:alice@example.org>"));
  EXPECT_EQ(contacts().size(), 1U);
  EXPECT_EQ(chosen(), "none");
  send(next().contact("<sip:a@h>;q=0.1"));
  send(next().contact("<tel:+4930123>").contact("<http://www.example.org>"));
  EXPECT_EQ(contacts().size(), 4U);
  EXPECT_EQ(chosen(), "sip:a@h");
  for (const std::string uri : {"SIP:b@h;transport=tcp", "sips:c@h"}) {
    now_s += 10;
    send(next().contact("<" + uri + ">;q=0.2"));
    EXPECT_EQ(chosen(), uri) << "by the proxy that its REGISTER came through";
  }
}

// --- what the operator makes

class Created : public BindingsTest {
 protected:
  std::uint16_t create(std::string_view uri, std::optional<std::uint32_t> expires_s = std::nullopt) {
    return bindings.create({.key = alice, .aor = "alice@example.com", .uri = uri, .place = place, .listener = 1, .expires_s = expires_s}, now_s);
  }
  const base::Endpoint place{base::Address::v4({192, 0, 2, 77}), 5066};
};

TEST_F(Created, IsABindingAsAny) {
  EXPECT_EQ(create("sip:a@192.0.2.77:5066"), 200);
  EXPECT_EQ(contacts(), Uris{"sip:a@192.0.2.77:5066 3600"});
  const assign::Binding& b = bindings.location(alice)->binding(0);
  EXPECT_EQ(b.next, place);
  EXPECT_EQ(b.flow, place);
  EXPECT_EQ(b.listener, 1u);
  EXPECT_EQ(bindings.take_changed(9), std::vector<ClientKey>{alice}) << "and is kept as any";
  now_s += 3600;
  bindings.expire(now_s);
  EXPECT_EQ(bindings.bindings(), 0u);
}

TEST_F(Created, KeepsToTheBoundsOfARegister) {
  EXPECT_EQ(create("sip:a@192.0.2.77", 59), 423);
  EXPECT_EQ(create("sip:a@192.0.2.77", 0), 423);
  EXPECT_EQ(create("sip:a@192.0.2.77", 100'000), 200);
  EXPECT_EQ(contacts(), Uris{"sip:a@192.0.2.77 7200"});
  EXPECT_EQ(create("sip:b@192.0.2.77"), 200);
  EXPECT_EQ(create("sip:c@192.0.2.77"), 200);
  EXPECT_EQ(create("sip:d@192.0.2.77"), 403);
  bindings.set_rules({.bindings_per_aor_max = 9, .bindings_max = 3});
  EXPECT_EQ(create("sip:d@192.0.2.77"), 503);
  EXPECT_EQ(contacts().size(), 3u);
}

TEST_F(Created, IsRefreshedByARegisterOfThatContact) {
  create("sip:a@192.0.2.77");
  EXPECT_EQ(send(next().contact("<sip:a@192.0.2.77>;expires=600")).headers, "Contact: <sip:a@192.0.2.77>;expires=600\r\n");
  EXPECT_EQ(bindings.location(alice)->binding(0).flow, flow) << "he is where he registers from";
  EXPECT_EQ(send(next().contact("*").expires("0")).status, 200);
  EXPECT_EQ(bindings.bindings(), 0u);
}

TEST_F(Created, GivesAContactThatIsRegisteredAnotherExpiryAndNothingElse) {
  send(next().contact("<sip:a@192.0.2.77>;q=0.5"));
  EXPECT_EQ(create("sip:a@192.0.2.77", 100), 200);
  EXPECT_EQ(contacts(), Uris{"sip:a@192.0.2.77 100"});
  EXPECT_EQ(bindings.location(alice)->binding(0).flow, flow);
  EXPECT_EQ(bindings.location(alice)->binding(0).q_milli, 500u);
}

}  // namespace
}  // namespace viaduct::location::test
