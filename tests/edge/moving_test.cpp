// SPDX-License-Identifier: Apache-2.0
// Messages of a client who is between two homes.
#include "moving.h"

#include <gmock/gmock.h>

#include "fleet.h"

namespace viaduct::edge {
namespace {

using base::Verdict;

/// alice moves from `kin` to `far`.
class Moving : public Fleet {
 protected:
  static constexpr assign::HomeIndex near = 0, far = 1, kin = 3;
  Moving() { moves.set(key("alice"), {.previous = kin}); }

  sip::ClientKey key(const std::string& user) const { return sip::client_key(user + "@example.com", site.fleet_seed); }
  Rehearsal send(const std::string& text) {
    return rehearse(text, endpoint("198.18.0.1:5062"), site.listeners.front(), site, {assignment, &locations, &moves}, now_min);
  }
  static Text invite() { return Text().method("INVITE").uri("sip:alice@example.com"); }
  assign::HomeIndex also(const std::string& text, const assign::Move& move) {
    Subject subject;
    subject.source = endpoint("198.18.0.1:5062");
    subject.listener = &site.listeners.front();
    index(text, subject);
    identify(subject, site);
    const assign::Placement assigned = assignment.find(subject.client);
    return also_to(subject, assigned.home, placed_on_move(assigned, move, subject.msg.method, site).home, move);
  }
  std::optional<assign::Confirmation> heard(std::string response, std::string_view from) {
    Subject subject;
    subject.source = endpoint(from);
    subject.listener = &site.listeners.front();
    index(response, subject);
    identify(subject, site);
    return confirmation(subject, site);
  }
  static std::string response(const std::string& status, const std::string& method = "REGISTER") {
    return "SIP/2.0 " + status +
           " Said\r\nVia: SIP/2.0/UDP 198.18.0.2;branch=z9hG4bKa\r\nVia: SIP/2.0/UDP 198.18.0.1:5062;branch=z9hG4bKone\r\n"
           "From: <sip:alice@example.com>;tag=f1\r\nTo: <sip:alice@example.com>;tag=h\r\nCall-ID: c1\r\nCSeq: 1 " +
           method + "\r\nContact: <sip:alice@10.0.0.8>;expires=60\r\nContent-Length: 0\r\n\r\n";
  }

  assign::Moves moves{1, 4};
};

TEST_F(Moving, OfAHomeThatIsNewerThanTheSiteIsForTheRetransmission) {
  const auto newer = static_cast<assign::HomeIndex>(site.homes.size());
  for (const assign::HomeIndex home : {newer, static_cast<assign::HomeIndex>(newer + 256)}) {
    const auto placed = as_known({.home = home, .layer = assign::Layer::slot, .epoch = 7}, newer);
    EXPECT_EQ(placed.home, assign::no_home);
    EXPECT_EQ(placed.layer, assign::Layer::loading);
    EXPECT_EQ(placed.epoch, 7U);
  }
  EXPECT_EQ(as_known({.home = kin, .layer = assign::Layer::pin}, newer).home, kin);
  EXPECT_EQ(as_known({.layer = assign::Layer::none}, newer).layer, assign::Layer::none) << "nobody's";
}

TEST_F(Moving, RegistersAtTheNewHomeThroughUs) {
  const auto r = send(Text());
  EXPECT_EQ(r.judgement.verdict, Verdict::proxied);
  EXPECT_EQ(r.judgement.reason, Reason::moving);
  EXPECT_EQ(r.judgement.home, far);
}

TEST_F(Moving, IsCalledAtTheHomeBefore) { EXPECT_EQ(send(invite()).judgement.home, kin); }

TEST_F(Moving, IsCalledAtTheNewHomeWhenTheOneBeforeIsDown) {
  std::vector<assign::Home> homes(site.homes.begin(), site.homes.end());
  homes[kin].state = assign::HomeState::down;
  site.homes = assign::Homes(homes);
  EXPECT_EQ(send(invite()).judgement.home, far);
}

TEST_F(Moving, IsAtTheNewHomeOnceSettled) {
  moves.set(key("alice"), {.previous = kin, .is_settled = true});
  EXPECT_EQ(send(invite()).judgement.home, far);
  const auto r = send(Text());
  EXPECT_EQ(r.judgement.verdict, Verdict::redirected);
  EXPECT_EQ(r.judgement.home, far);
}

TEST_F(Moving, LeavesOthersAlone) { EXPECT_EQ(send(Text().user("dave")).judgement.verdict, Verdict::redirected); }

TEST_F(Moving, CancelAndAckGoToBothHomes) {
  const std::string cancel = Text().method("CANCEL").uri("sip:alice@example.com");
  const std::string ack = Text().method("ACK").uri("sip:alice@example.com").to("<sip:alice@example.com>;tag=x");
  EXPECT_EQ(also(cancel, {.previous = kin}), far);
  EXPECT_EQ(also(ack, {.previous = kin}), far);
  EXPECT_EQ(also(cancel, {.previous = kin, .is_settled = true}), kin);
  EXPECT_EQ(also(invite(), {.previous = kin}), assign::no_home);
  EXPECT_EQ(also(Text(), {.previous = kin}), assign::no_home);
}

// RFC 3261 16.11: the INVITE may have gone to the home that stood in.
TEST_F(Moving, CancelAndAckAlsoGoToTheHomeThatStoodInUntilTheirOwnIsBack) {
  std::vector<assign::Home> homes(site.homes.begin(), site.homes.end());
  const auto other = [&](const std::string& text, std::uint32_t now) {
    site.homes = assign::Homes(homes);
    Subject subject{.source = endpoint("198.18.0.1:5062"), .listener = &site.listeners.front()};
    index(text, subject);
    identify(subject, site);
    const auto found = stood_in(subject, assignment.find(subject.client), site, now);
    EXPECT_TRUE(found == assign::no_home || has_any_returned(site, now));
    return found;
  };
  const std::string cancel = Text().method("CANCEL").uri("sip:alice@example.com");
  const std::string ack = Text().method("ACK").uri("sip:alice@example.com").to("<sip:alice@example.com>;tag=x");
  EXPECT_EQ(other(cancel, now_min), assign::no_home) << "it was never away";
  homes[far].state = assign::HomeState::down;
  EXPECT_EQ(other(cancel, now_min), assign::no_home);
  const assign::HomeIndex during = assign::next_up(site.homes, key("alice").low);
  ASSERT_NE(during, far);
  homes[far].state = assign::HomeState::up;
  homes[far].returned_min = now_min;
  EXPECT_EQ(other(cancel, now_min), during);
  EXPECT_EQ(other(ack, now_min + 3), during);
  EXPECT_EQ(other(cancel, now_min + 4), assign::no_home);
  EXPECT_EQ(other(invite(), now_min), assign::no_home);
  homes[far].state = assign::HomeState::returning;
  EXPECT_EQ(other(cancel, now_min), assign::no_home) << "he is there still";
  homes[far].returned_percent = assign::returned_percent_all;
  EXPECT_EQ(other(cancel, now_min), during);
}

TEST_F(Moving, AHomeConfirmsByItsAnswer) {
  const auto told = heard(response("200"), "198.18.0.11:5060");
  ASSERT_TRUE(told);
  EXPECT_EQ(told->client, key("alice"));
  EXPECT_EQ(told->home, far);
  EXPECT_EQ(told->name(), "alice@example.com");
  EXPECT_FALSE(heard(response("401"), "198.18.0.11:5060"));
  EXPECT_FALSE(heard(response("200", "INVITE"), "198.18.0.11:5060"));
  EXPECT_FALSE(heard(response("200"), "198.18.0.77:5060"));
}

TEST_F(Moving, BindingsThatHeLeftHereAreNotHis) {
  const assign::BindingText text{.binding = {.flow = endpoint("198.18.0.7:40000"), .next = endpoint("198.18.0.7:40000")}, .uri = "sip:alice@10.0.0.8"};
  locations.of_shard(0).put(assign::Location::make(key("alice"), "alice@example.com", {&text, 1}));
  const auto away = send(invite());
  EXPECT_EQ(away.judgement.home, kin);
  EXPECT_THAT(away.bytes, ::testing::StartsWith("INVITE sip:alice@example.com SIP/2.0\r\n"));
  moves.set(key("alice"), {.previous = near});
  EXPECT_THAT(send(invite()).bytes, ::testing::StartsWith("INVITE sip:alice@10.0.0.8 SIP/2.0\r\n"));
}

}  // namespace
}  // namespace viaduct::edge
