// SPDX-License-Identifier: Apache-2.0
// Every row of the decision, as an input message, an expected verdict, and where one is sent, the answer.
#include "viaduct/edge/judge.h"

#include <gmock/gmock.h>

#include <array>
#include <random>

#include "fleet.h"

namespace viaduct::edge {
namespace {

using base::Drop;
using base::Verdict;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string registration(const std::string& user) { return Text().user(user); }

// --- REGISTER

TEST_F(Fleet, RegistersAClientOfThisNodeWhateverItsVias) {
  EXPECT_EQ(send(registration("bob")).judgement.verdict, Verdict::registered);
  EXPECT_EQ(send(Text().user("bob").vias(two_vias)).judgement.verdict, Verdict::registered);
}

TEST_F(Fleet, RedirectsAClientOfAnotherHomeThatCameDirectly) {
  const auto r = send(registration("alice"));
  EXPECT_EQ(r.judgement.verdict, Verdict::redirected);
  EXPECT_THAT(r.bytes, StartsWith("SIP/2.0 302 Moved Temporarily\r\n"));
  EXPECT_THAT(r.bytes, HasSubstr("\r\nContact: <sip:198.18.0.12:5070>\r\n"));
  EXPECT_THAT(r.bytes, HasSubstr("received=198.18.0.1"));
  EXPECT_THAT(r.bytes, HasSubstr("rport=5062"));
  EXPECT_THAT(r.bytes, Not(HasSubstr("xpires")));
}

TEST_F(Fleet, ProxiesAClientOfAnotherHomeThatCameThroughAProxy) {
  const auto r = send(Text().vias(two_vias));
  EXPECT_EQ(r.judgement.verdict, Verdict::proxied);
  EXPECT_EQ(site.homes[r.judgement.home].name, "far");
  EXPECT_THAT(r.bytes, HasSubstr("\r\nVia: SIP/2.0/UDP 198.18.0.2:5060;branch=z9hG4bKa"));
  EXPECT_THAT(r.bytes, HasSubstr("\r\nMax-Forwards: 69\r\n"));
}

TEST_F(Fleet, ForwardsNothingThatStandsBehindTheBody) {
  const std::string text = std::string(Text().vias(two_vias));
  const auto alone = send(text).bytes;
  EXPECT_EQ(send(text + std::string(Text().method("INVITE"))).bytes, alone);
}

TEST_F(Fleet, CountsCommaJoinedCompactAndFoldedViasAsSeveral) {
  EXPECT_EQ(send(Text().vias({"Via: SIP/2.0/UDP 198.18.0.9;branch=z9hG4bKa, SIP/2.0/UDP 10.0.0.7;branch=z9hG4bKb"})).judgement.verdict, Verdict::proxied);
  EXPECT_EQ(send(Text().vias({"v: SIP/2.0/UDP 198.18.0.9;branch=z9hG4bKa,\r\n SIP/2.0/UDP 10.0.0.7;branch=z9hG4bKb"})).judgement.verdict, Verdict::proxied);
  EXPECT_EQ(send(Text().vias({"VIA : SIP/2.0/UDP 198.18.0.9;branch=z9hG4bKa"}).header("v: SIP/2.0/UDP 10.0.0.7;branch=z9hG4bKb")).judgement.verdict,
            Verdict::proxied);
}

TEST_F(Fleet, FindsALoopWhereverItsViaStandsAndHoweverTheDomainIsSpelt) {
  std::mt19937 chance(6);
  const auto below = [&](unsigned n) { return static_cast<unsigned>(chance() % n); };
  unsigned loops = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::string> lines;
    bool is_loop = false;
    for (unsigned n = 1 + below(round % 100 == 0 ? 40 : 4); n > 0; --n) {
      const unsigned kind = below(12);
      is_loop |= kind < 2;
      const std::string value = kind == 0   ? "SIP/2.0/UDP 198.18.0.2:5060"
                                : kind == 1 ? "SIP/2.0/UDP 198.18.0.2"
                                : kind == 2 ? "SIP/2.0/UDP 198.18.0.2:5061;received=198.18.0.2"
                                            : "SIP/2.0/UDP 198.18.0." + std::to_string(3 + below(200));
      const std::string whole = value + ";branch=z9hG4bK" + std::string(below(40), 'x');
      if (!lines.empty() && below(4) == 0)
        lines.back() += ", " + whole;
      else
        lines.push_back((below(4) == 0 ? "v: " : "Via: ") + whole);
    }
    const auto plain = send(Text().vias(lines)).judgement;
    EXPECT_EQ(plain.reason == Reason::loop, is_loop) << lines.front();
    EXPECT_EQ(send(Text().uri("sip:Example.COM").vias(lines)).judgement.reason, plain.reason);
    loops += is_loop;
  }
  EXPECT_GT(loops, 1'000U);
}

TEST_F(Fleet, TakesASecondViaOfAnUntrustedSourceForOne) {
  site.trust_all_proxies = false;
  site.trusted_proxies = {*base::Prefix::parse("198.18.0.9/32")};
  EXPECT_EQ(send(Text().vias(two_vias), "198.18.0.1:5060").judgement.verdict, Verdict::redirected);
  EXPECT_EQ(send(Text().vias(two_vias), "198.18.0.9:5060").judgement.verdict, Verdict::proxied);
}

TEST_F(Fleet, ProxiesInsteadOfRedirectingWhenThePolicySaysNever) {
  site.redirect = site::RedirectPolicy::never;
  EXPECT_EQ(send(registration("alice")).judgement.reason, Reason::policy_never);
  EXPECT_EQ(send(registration("alice")).judgement.verdict, Verdict::proxied);
}

TEST_F(Fleet, RedirectsOnlyWhomItIsToldToWhenThePolicySaysListed) {
  site.redirect = site::RedirectPolicy::listed;
  EXPECT_EQ(send(registration("alice")).judgement.reason, Reason::not_listed);
  EXPECT_EQ(send(registration("alice")).judgement.verdict, Verdict::proxied);
  site.redirect = site::RedirectPolicy::single_via;
  EXPECT_EQ(send(registration("alice")).judgement.verdict, Verdict::redirected);
}

TEST_F(Fleet, ProxiesWhatMayNotBeRedirected) {
  EXPECT_EQ(send(registration("carol")).judgement.reason, Reason::no_public_address);
  EXPECT_EQ(send(Text().uri("sips:example.com")).judgement.reason, Reason::sips);
  site.redirect_all_sources = false;
  EXPECT_EQ(send(registration("alice")).judgement.reason, Reason::source_not_redirected);
}

TEST_F(Fleet, NamesTheDecisionOnlyToAViaductHome) {
  EXPECT_THAT(send(registration("dave")).bytes, HasSubstr("Contact: <sip:198.18.0.14:5060;vh="));
  EXPECT_THAT(send(Text().user("dave").vias(two_vias)).bytes, HasSubstr("\r\nX-Viaduct-Home: "));
  EXPECT_THAT(send(Text().vias(two_vias)).bytes, Not(HasSubstr("X-Viaduct-Home")));
}

TEST_F(Fleet, AcceptsAtAHomeWhatAVerifiedVhNamesAndNothingElse) {
  std::array<char, sip::home_proof_bytes_max> room;
  const auto key = sip::client_key("alice@example.com", site.fleet_seed);
  const auto vh = [&](std::string_view home) {
    const std::size_t n = sip::write_home_proof({.epoch = 1, .expires_min = sip::proof_expiry(now_min)}, key, home, site.keys.signing(), room);
    return "sip:198.18.0.2:5060;vh=" + std::string(room.data(), n);
  };
  EXPECT_EQ(send(Text().uri(vh("near"))).judgement.reason, Reason::home_proof);
  EXPECT_EQ(send(Text().uri(vh("near"))).judgement.verdict, Verdict::registered);
  EXPECT_EQ(send(Text().uri(vh("far"))).judgement.verdict, Verdict::redirected) << "a proof for another home";
  EXPECT_EQ(send(Text().uri(vh("near")).user("dave")).judgement.verdict, Verdict::redirected) << "a proof for another client";
  const std::string proof = vh("near");
  now_min += 60;
  EXPECT_EQ(send(Text().uri(proof)).judgement.verdict, Verdict::redirected) << "an expired proof";
}

TEST_F(Fleet, AcceptsAtAHomeWhatAnEdgeSends) {
  site.edges = {*base::Prefix::parse("198.18.0.20/32")};
  EXPECT_EQ(send(registration("alice"), "198.18.0.20:5060").judgement.reason, Reason::from_edge);
  EXPECT_EQ(send(registration("alice"), "198.18.0.21:5060").judgement.verdict, Verdict::redirected);
}

TEST_F(Fleet, GivesAClientWithoutEntryToItsSlotsHome) {
  assignment.set_slots(assign::deal(site.homes, site.fleet_seed), 1);
  const auto r = send(registration("nobody-in-particular"));
  EXPECT_EQ(r.placement.layer, assign::Layer::slot);
  EXPECT_EQ(r.judgement.home, assignment.slot_home(sip::client_key("nobody-in-particular@example.com", site.fleet_seed)));
}

TEST_F(Fleet, DropsWhatItCannotPlaceYet) {
  assign::Assignment loading(assign::Policy::explicit_, 10);
  const auto judged = [&](const std::string& text) {
    return rehearse(text, endpoint("198.18.0.1:5062"), site.listeners.front(), site, Tables{loading}, now_min).judgement;
  };
  for (const std::string method : {"REGISTER", "INVITE"}) {
    const std::string text = Text().method(method).uri(method == "INVITE" ? "sip:alice@example.com" : "sip:example.com");
    EXPECT_EQ(judged(text).verdict, Verdict::dropped);
    EXPECT_EQ(judged(text).drop, base::Drop::assignment_loading);
    EXPECT_EQ(judged(text).reason, Reason::assignment_loading);
  }
  loading.set_loaded();
  EXPECT_EQ(judged(Text()).status, 404);
}

TEST_F(Fleet, RefusesDomainsThatAreNotServed) {
  EXPECT_EQ(send(Text().to("<sip:alice@elsewhere.org>")).judgement.status, 404);
  EXPECT_EQ(send(Text().uri("sip:elsewhere.org")).judgement.status, 404);
  EXPECT_THAT(send(Text().uri("sip:elsewhere.org")).bytes, StartsWith("SIP/2.0 404 Not Found\r\n"));
  EXPECT_EQ(send(Text().uri("sip:198.18.0.12:5070")).judgement.verdict, Verdict::redirected) << "a home's bare address, brought back by an outbound proxy";
  EXPECT_EQ(send(Text().uri("sip:EDGE.example.com")).judgement.verdict, Verdict::redirected) << "a name of this node";
  EXPECT_EQ(send(Text().to("<sip:alice@ALIAS.example.com.>")).judgement.verdict, Verdict::redirected) << "an alias";
  for (const std::string name : {"far", "FAR.", "near"}) EXPECT_EQ(send(Text().uri("sip:" + name)).judgement.verdict, Verdict::redirected) << "a home's name";
}

TEST_F(Fleet, KnowsAServedAddressHoweverItIsSpelt) {
  site.domains.served.emplace_back("[2001:db8::9]");
  for (const std::string host : {"[2001:db8::9]", "[2001:DB8:0::9]"}) {
    EXPECT_EQ(send(Text().uri("sip:" + host)).judgement.verdict, Verdict::redirected) << host;
    EXPECT_TRUE(send(Text().to("<sip:alice@" + host + ">")).client) << host;
  }
  EXPECT_EQ(send(Text().uri("sip:[2001:db8::8]")).judgement.reason, Reason::foreign_domain);
}

TEST_F(Fleet, SendsAClientOfADownHomeToTheNextUpHome) {
  site.homes = assign::Homes({
      {.name = "near",
       .address = endpoint("198.18.0.2:5060"),
       .public_v4 = endpoint("198.18.0.2:5060"),
       .is_local = true,
       .state = assign::HomeState::draining},
      {.name = "far", .address = endpoint("198.18.0.11:5060"), .public_v4 = endpoint("198.18.0.12:5070"), .state = assign::HomeState::down},
      {.name = "hidden", .address = endpoint("198.18.0.13:5060"), .state = assign::HomeState::removed},
      {.name = "kin", .address = endpoint("198.18.0.14:5060"), .public_v4 = endpoint("198.18.0.14:5060")},
  });
  EXPECT_EQ(send(registration("alice")).judgement.home, 3);
  EXPECT_EQ(send(registration("carol")).judgement.home, 3);
  EXPECT_EQ(send(registration("bob")).judgement.verdict, Verdict::registered) << "draining homes still serve whom they have";
}

TEST_F(Fleet, LetsClientsOfAReturningHomeGoBackOneByOneAndKeepsThemThere) {
  constexpr int clients = 200;
  assignment.set_slots(std::vector<assign::HomeIndex>(base::slots_count, 1), 2);
  std::array<bool, clients> is_back{};
  std::size_t before = 0;
  for (const int percent : {0, 10, 40, 70, 100}) {
    std::vector<assign::Home> homes(site.homes.begin(), site.homes.end());
    homes[1].state = assign::HomeState::returning;
    homes[1].returned_percent = static_cast<std::uint8_t>(percent);
    site.homes = assign::Homes(std::move(homes));
    std::size_t count = 0;
    for (int i = 0; i < clients; ++i) {
      const std::string name = std::string("c").append(std::to_string(i));
      const auto home = send(registration(name)).judgement.home;
      EXPECT_TRUE(home == 1 || !is_back[i]) << name << " went back and was sent away again at " << percent;
      EXPECT_NE(home, assign::no_home);
      is_back[i] = home == 1;
      count += is_back[i];
    }
    EXPECT_NEAR(static_cast<double>(count), clients * percent / 100.0, 25) << percent;
    EXPECT_GE(count, before);
    before = count;
  }
  EXPECT_EQ(before, clients);
}

TEST_F(Fleet, SendsClientsToAReturningHomeWhenThereIsNoOther) {
  site.homes = assign::Homes({{.name = "near", .address = endpoint("198.18.0.11:5060"), .state = assign::HomeState::down},
                              {.name = "far", .address = endpoint("198.18.0.12:5060"), .state = assign::HomeState::returning}});
  site.local_home = assign::no_home;
  EXPECT_EQ(send(registration("alice")).judgement.home, 1);
  EXPECT_EQ(send(registration("bob")).judgement.home, 1);
}

TEST_F(Fleet, SaysSoWhenNoHomeIsUp) {
  site.homes = assign::Homes({{.name = "near", .address = endpoint("198.18.0.11:5060"), .state = assign::HomeState::down},
                              {.name = "far", .address = endpoint("198.18.0.12:5060"), .state = assign::HomeState::down}});
  site.local_home = assign::no_home;
  const auto r = send(registration("alice"));
  EXPECT_EQ(r.judgement.status, 503);
  EXPECT_THAT(r.bytes, HasSubstr("\r\nRetry-After: "));
}

// --- other requests

TEST_F(Fleet, AnswersOptionsAskedOfThisNode) {
  const auto r = send(Text().method("OPTIONS").uri("sip:198.18.0.2").max_forwards(0));
  EXPECT_EQ(r.judgement.verdict, Verdict::answered);
  EXPECT_THAT(r.bytes, StartsWith("SIP/2.0 200 OK\r\n"));
  EXPECT_THAT(r.bytes, HasSubstr("\r\nAllow: "));
}

// As servers ask that keep a way open.
TEST_F(Fleet, AnswersOptionsToADomainItself) {
  EXPECT_EQ(send(Text().method("OPTIONS").uri("sip:example.com")).judgement.verdict, Verdict::answered);
  EXPECT_EQ(send(Text().method("OPTIONS").uri("sip:alice@example.com")).judgement.verdict, Verdict::proxied) << "that asks his telephone";
  EXPECT_EQ(send(Text().method("OPTIONS").uri("sip:example.org")).judgement.status, 404);
}

// As an edge behind a NAT has them.
TEST_F(Fleet, IsMeantByItsOtherAddresses) {
  site.node_addresses = {*base::Address::parse("203.0.113.5"), *base::Address::parse("2001:db8::5")};
  for (const std::string host : {"203.0.113.5", "[2001:DB8:0::5]"}) {
    EXPECT_EQ(send(Text().method("OPTIONS").uri("sip:" + host)).judgement.verdict, Verdict::answered) << host;
    EXPECT_EQ(send(Text().uri("sip:" + host)).judgement.verdict, Verdict::redirected) << host;
  }
  EXPECT_EQ(send(Text().uri("sip:203.0.113.6")).judgement.status, 404);
}

// RFC 3261 8.2.2.3.
TEST_F(Fleet, RefusesOptionsThatRequireWhatThisNodeLacks) {
  const auto asked = [&](const std::string& require) { return send(Text().method("OPTIONS").uri("sip:198.18.0.2").header("Require: " + require)); };
  EXPECT_EQ(asked("path, foo, bar").judgement.status, 420);
  EXPECT_THAT(asked("path, foo, bar").bytes, HasSubstr("\r\nUnsupported: foo, bar\r\n"));
  EXPECT_EQ(asked("Path, outbound, gruu").judgement.verdict, Verdict::answered);
  const auto in_his_place = send(Text().method("OPTIONS").uri("sip:alice@example.com").max_forwards(0).header("Require: foo"));
  EXPECT_EQ(in_his_place.judgement.status, 420) << "RFC 3261 16.3 item 3: as its final recipient";
  EXPECT_THAT(in_his_place.bytes, HasSubstr("\r\nUnsupported: foo\r\n"));
  EXPECT_EQ(send(Text().method("OPTIONS").uri("sip:alice@example.com").max_forwards(0).header("Require: path")).judgement.verdict, Verdict::answered);
  EXPECT_EQ(send(Text().method("OPTIONS").uri("sip:alice@example.com").header("Require: foo")).judgement.verdict, Verdict::proxied) << "his to refuse";
}

TEST_F(Fleet, SendsWhoAsksByOptionsElsewhereWhileItDrains) {
  std::vector<assign::Home> homes(site.homes.begin(), site.homes.end());
  homes[0].state = assign::HomeState::draining;
  site.homes = assign::Homes(std::move(homes));
  const auto r = send(Text().method("OPTIONS").uri("sip:198.18.0.2"));
  EXPECT_EQ(r.judgement.verdict, Verdict::rejected);
  EXPECT_EQ(r.judgement.reason, Reason::node_drains);
  EXPECT_THAT(r.bytes, StartsWith("SIP/2.0 503 "));
  EXPECT_THAT(r.bytes, HasSubstr("\r\nRetry-After: "));
}

TEST_F(Fleet, ProxiesOtherInitialRequestsToTheHomeOfWhomTheyName) {
  const auto r = send(Text().method("INVITE").uri("sip:alice@example.com").user("zoe"));
  EXPECT_EQ(r.judgement.verdict, Verdict::proxied);
  EXPECT_EQ(r.judgement.home, 1);
  EXPECT_EQ(send(Text().method("INVITE").uri("sip:alice@elsewhere.org")).judgement.status, 404);
}

TEST_F(Fleet, RefusesToForwardWhatHasNoHopsLeft) {
  EXPECT_EQ(send(Text().vias(two_vias).max_forwards(0)).judgement.status, 483);
  EXPECT_EQ(send(Text().max_forwards(0)).judgement.verdict, Verdict::redirected) << "a redirect forwards nothing";
}

TEST_F(Fleet, RefusesExtensionsThatProxiesWouldHaveToKnow) {
  const auto r = send(Text().vias(two_vias).header("Proxy-Require: foo, bar"));
  EXPECT_EQ(r.judgement.status, 420);
  EXPECT_THAT(r.bytes, HasSubstr("\r\nUnsupported: foo, bar\r\n"));
  const auto lines = send(Text().vias(two_vias).header("Proxy-Require: ").header("Proxy-Require: foo").header("Proxy-Require: bar,\r\n baz"));
  EXPECT_THAT(lines.bytes, HasSubstr("\r\nUnsupported: foo, bar, baz\r\n"));
  EXPECT_EQ(send(Text().vias(two_vias).header("Proxy-Require: ")).judgement.verdict, Verdict::proxied);
}

TEST_F(Fleet, TellsALoopFromASpiral) {
  const std::string foreign = "Via: SIP/2.0/UDP 198.18.0.2:5060;branch=z9hG4bKnotours";
  EXPECT_EQ(send(Text().vias({foreign, two_vias[1]})).judgement.status, 482) << "a REGISTER that has been here";
  const auto first = send(Text().method("INVITE").uri("sip:alice@example.com"));
  EXPECT_EQ(send(first.bytes, "198.18.0.11:5060").judgement.status, 482) << "the very same request again";
  std::string spiral = first.bytes;
  spiral.replace(spiral.find("sip:alice@example.com"), 21, "sip:carol@example.com");
  EXPECT_EQ(send(spiral, "198.18.0.11:5060").judgement.verdict, Verdict::proxied) << "on to another client";
}

TEST_F(Fleet, ProxiesInDialogRequestsOnlyToAHome) {
  EXPECT_EQ(send(Text().method("BYE").uri("sip:198.18.0.11:5060").to("<sip:alice@example.com>;tag=t")).judgement.verdict, Verdict::proxied);
  EXPECT_EQ(send(Text().method("BYE").uri("sip:x@198.18.0.77:5060").to("<sip:alice@example.com>;tag=t")).judgement.status, 481);
  EXPECT_EQ(send(Text().method("ACK").uri("sip:x@198.18.0.77:5060").to("<sip:alice@example.com>;tag=t")).judgement.drop, Drop::ack_unrouted);
}

// RFC 5627 5.4: a GRUU of a domain of ours leads to its home, whoever sends the request that its Routes have brought no further.
TEST_F(Fleet, ProxiesARequestInADialogForAClientToHisHome) {
  for (const std::string method : {"BYE", "INVITE", "ACK", "NOTIFY"}) {
    const auto r = send(Text().method(method).uri("sip:alice@example.com;gr=urn:uuid:1").to("<sip:alice@example.com>;tag=t"));
    EXPECT_EQ(r.judgement.verdict, Verdict::proxied) << method;
    EXPECT_EQ(r.judgement.home, 1) << method;
    EXPECT_THAT(r.bytes, StartsWith(method + " sip:alice@example.com;gr=urn:uuid:1 SIP/2.0\r\n"));
  }
  EXPECT_EQ(send(Text().method("BYE").uri("sip:bob@example.com;gr=urn:uuid:1").to("<sip:bob@example.com>;tag=t")).judgement.status, 480) << "not there";
}

TEST_F(Fleet, AbsorbsTheAckToAnAnswerOfItsOwn) {
  const auto refused = send(Text().method("INVITE").uri("sip:alice@elsewhere.org"));
  const std::size_t tag = refused.bytes.find(";tag=", refused.bytes.find("To:"));
  const std::string to = "<sip:alice@example.com>" + refused.bytes.substr(tag, 5 + 13);
  EXPECT_EQ(send(Text().method("ACK").uri("sip:alice@elsewhere.org").to(to)).judgement.verdict, Verdict::absorbed);
  EXPECT_EQ(send(Text().method("ACK").uri("sip:alice@elsewhere.org").to("<sip:alice@example.com>;tag=other")).judgement.verdict, Verdict::dropped);
}

TEST_F(Fleet, DropsTheCancelOfWhatItHasAnsweredAndForwardsTheOther) {
  EXPECT_EQ(send(Text().method("CANCEL").uri("sip:alice@elsewhere.org")).judgement.verdict, Verdict::absorbed);
  const auto invite = send(Text().method("INVITE").uri("sip:alice@example.com"));
  const auto cancel = send(Text().method("CANCEL").uri("sip:alice@example.com"));
  ASSERT_EQ(cancel.judgement.verdict, Verdict::proxied);
  const auto branch = [](const std::string& text) { return text.substr(text.find("z9hG4bK"), sip::branch_bytes); };
  EXPECT_EQ(branch(invite.bytes), branch(cancel.bytes));
}

TEST_F(Fleet, RefusesSchemesThatAreNotSip) {
  EXPECT_EQ(send(Text().method("OPTIONS").uri("nobodyKnowsThisScheme:totallyopaquecontent")).judgement.status, 416);
}

// --- bad input

TEST_F(Fleet, AnswersFaultsByNameAndDropsWhatCannotBeAnswered) {
  const auto r = send(Text().cseq(1).header("CSeq: 2 REGISTER"));
  EXPECT_EQ(r.judgement.verdict, Verdict::rejected);
  EXPECT_THAT(r.bytes, StartsWith("SIP/2.0 400 "));
  EXPECT_EQ(send("REGISTER sip:example.com SIP/2.0\r\n\r\n").judgement.drop, Drop::sip_unanswerable);
  EXPECT_EQ(send("hello").judgement.drop, Drop::sip_unanswerable);
  std::string other_version = registration("alice");
  other_version.replace(other_version.find("SIP/2.0"), 7, "SIP/7.0");
  EXPECT_THAT(send(other_version).bytes, StartsWith("SIP/2.0 505 "));
}

TEST_F(Fleet, AbsorbsKeepAlives) {
  for (const std::string& text : {std::string{}, std::string{"\r\n"}, std::string{"\r\n\r\n"}, std::string(4, '\0')})
    EXPECT_EQ(send(text).judgement.verdict, Verdict::absorbed) << text.size();
}

TEST_F(Fleet, AnswersAMessageThatIsTooLarge) {
  const auto r = send(std::string(Text()) + std::string(base::message_bytes_max, 'x'));
  EXPECT_THAT(r.bytes, StartsWith("SIP/2.0 513 "));
}

TEST_F(Fleet, NeverAnswersToAPlaceThatCannotHaveAsked) {
  EXPECT_EQ(send(registration("alice"), base::Endpoint{.address = base::Address::v4({198, 18, 0, 1}), .port = 0}).judgement.drop, Drop::reply_unsafe);
  EXPECT_EQ(send(registration("alice"), "255.255.255.255:5060").judgement.drop, Drop::reply_unsafe);
  EXPECT_EQ(send(registration("alice"), "224.0.0.1:5060").judgement.drop, Drop::reply_unsafe);
  EXPECT_EQ(send(registration("alice"), "198.18.0.2:5060").judgement.drop, Drop::reply_unsafe) << "an address of our own";
}

// --- responses

// What a home would answer to a request that it got from us.
std::string answer_of_home(const std::string& forwarded) {
  std::string out = "SIP/2.0 200 OK\r\n";
  for (std::size_t at = forwarded.find("\r\n") + 2; at < forwarded.size();) {
    const std::size_t end = forwarded.find("\r\n", at) + 2;
    const std::string line = forwarded.substr(at, end - at);
    for (const char* name : {"Via:", "From:", "To:", "Call-ID:", "CSeq:"})
      if (line.starts_with(name)) out += line;
    at = end;
  }
  return out + "Content-Length: 0\r\n\r\n";
}

TEST_F(Fleet, SendsAResponseBackWhereItsRequestCameFrom) {
  const auto request = send(Text().vias(two_vias), "198.18.0.9:5099");
  const auto r = send(answer_of_home(request.bytes), "198.18.0.11:5060");
  ASSERT_EQ(r.judgement.verdict, Verdict::returned);
  EXPECT_EQ(r.next, endpoint("198.18.0.9:5099")) << "received and rport, not sent-by";
  EXPECT_THAT(r.bytes, Not(HasSubstr("198.18.0.2")));
  EXPECT_THAT(r.bytes, HasSubstr("Via: SIP/2.0/UDP 10.0.0.7:5062;branch=z9hG4bKone\r\n"));
}

TEST_F(Fleet, DropsAForgedResponse) {
  const auto request = send(Text().vias(two_vias), "198.18.0.9:5099");
  std::string forged = answer_of_home(request.bytes);
  char& letter = forged[forged.find("z9hG4bK") + 12];
  letter = letter == 'b' ? 'c' : 'b';
  EXPECT_EQ(send(forged).judgement.drop, Drop::response_foreign);
  std::string elsewhere = answer_of_home(request.bytes);
  elsewhere.replace(elsewhere.find("received=198.18.0.9"), 19, "received=198.18.0.8");
  EXPECT_EQ(send(elsewhere).judgement.drop, Drop::response_foreign) << "the MAC covers where it goes";
  EXPECT_EQ(
      send("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 198.18.0.77;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n\r\n")
          .judgement.drop,
      Drop::response_foreign);
}

// --- amplification

TEST_F(Fleet, NeverGrowsAnErrorOrARedirectBeyondItsRequestPlusTwoHundred) {
  for (const std::string& text : {std::string(Text()), std::string(Text().uri("sip:elsewhere.org")), std::string(Text().user("dave"))}) {
    const auto r = send(text);
    EXPECT_FALSE(r.bytes.empty());
    EXPECT_LE(r.bytes.size(), text.size() + base::reply_growth_bytes_max);
  }
}

TEST_F(Fleet, LeavesTheServerOutOfARedirectThatHasNoRoomForIt) {
  std::vector<assign::Home> homes(site.homes.begin(), site.homes.end());
  homes[3].public_v6 = endpoint("[2001:db8:1111:2222:3333:4444:5555:8888]:50600");
  site.homes = assign::Homes(homes);
  site.set_server_header("Server: " + std::string(64, 'x') + "\r\n");
  const std::string shortest =
      "REGISTER sip:example.com SIP/2.0\r\nv:SIP/2.0/UDP p;branch=z9hG4bK1\r\nf:sip:dave@example.com;tag=1\r\nt:sip:dave@example.com\r\ni:a\r\n"
      "CSeq:1 REGISTER\r\n\r\n";
  const auto r = send(shortest, "[2001:db8:1111:2222:3333:4444:5555:7777]:50601");
  EXPECT_THAT(r.bytes, StartsWith("SIP/2.0 302 "));
  EXPECT_THAT(r.bytes, AllOf(Not(HasSubstr("Server:")), HasSubstr(";vh="), HasSubstr("\r\nContent-Length: 0\r\n\r\n")));
  EXPECT_LE(r.bytes.size(), shortest.size() + base::reply_growth_bytes_max);
}

}  // namespace
}  // namespace viaduct::edge
