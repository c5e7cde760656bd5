// SPDX-License-Identifier: Apache-2.0
// Clients of third-party homes who are watched at this node: what becomes of SUBSCRIBEs to them, of their REGISTERs, and of the answers.
#include "watching.h"

#include "fleet.h"
#include "viaduct/assign/watched.h"

namespace viaduct::edge {
namespace {

using base::Verdict;

/// This node notifies for alice's home, `far`, and not for dave's, a Viaduct's.
class Watching : public Fleet {
 protected:
  static constexpr assign::HomeIndex far = 1;
  Watching() {
    std::vector<assign::Home> homes(site.homes.begin(), site.homes.end());
    homes[far].edge_notifies = true;
    site.homes = assign::Homes(homes);
  }
  sip::ClientKey key(const std::string& user) const { return sip::client_key(user + "@example.com", site.fleet_seed); }
  static Text subscribe(const std::string& user, const std::string& event = "reg") {
    Text out;
    out.method("SUBSCRIBE").uri("sip:" + user + "@example.com");
    return event.empty() ? out : out.header("Event: " + event);
  }
  Judgement sent(const std::string& text) { return rehearse(text, endpoint("198.18.0.1:5062"), site.listeners.front(), site, tables(), now_min).judgement; }
  Tables tables() const {
    return {.assignment = assignment, .locations = &locations, .is_watched = [this](const sip::ClientKey& client) { return watched.contains(client); }};
  }
  std::optional<sip::ClientKey> registered(const std::string& response, std::string_view from) {
    Subject subject;
    subject.source = endpoint(from);
    subject.listener = &site.listeners.front();
    index(response, subject);
    return registered_client(subject, site);
  }
  static std::string response(const std::string& status, const std::string& method = "REGISTER", const std::string& to = "sip:alice@example.com") {
    return "SIP/2.0 " + status +
           " Said\r\nVia: SIP/2.0/UDP 198.18.0.2;branch=z9hG4bKa\r\nVia: SIP/2.0/UDP 198.18.0.1:5062;branch=z9hG4bKone\r\n"
           "From: <sip:alice@example.com>;tag=f1\r\nTo: <" +
           to + ">;tag=h\r\nCall-ID: c1\r\nCSeq: 1 " + method + "\r\nContent-Length: 0\r\n\r\n";
  }

  assign::Watched watched{1, 4};
};

TEST_F(Watching, ASubscribeForRegistrationsIsThisNodesToAnswer) {
  const Judgement j = sent(subscribe("alice"));
  EXPECT_EQ(j.verdict, Verdict::subscribed);
  EXPECT_EQ(j.reason, Reason::edge_notifier);
  EXPECT_EQ(j.home, far);
}

TEST_F(Watching, OtherPackagesAndOtherHomesAreLeftToTheirHomes) {
  for (const std::string event : {"presence", "reginfo", ""}) EXPECT_EQ(sent(subscribe("alice", event)).reason, Reason::initial_request) << event;
  EXPECT_EQ(sent(subscribe("dave")).reason, Reason::initial_request);
  EXPECT_EQ(sent(subscribe("bob")).reason, Reason::notifier);
}

TEST_F(Watching, WhoWatchesStaysWithThisNodeWhileItsOwnHomeStandsIn) {
  std::vector<assign::Home> homes(site.homes.begin(), site.homes.end());
  for (assign::Home& home : homes)
    if (!home.is_local) home.state = assign::HomeState::down;
  site.homes = assign::Homes(homes);
  const Judgement j = sent(subscribe("alice"));
  EXPECT_EQ(j.verdict, Verdict::subscribed);
  EXPECT_EQ(j.reason, Reason::edge_notifier) << "he is back at his home some time";
  EXPECT_EQ(j.home, far);
  EXPECT_EQ(sent(subscribe("alice", "presence")).reason, Reason::not_registered);
  EXPECT_EQ(sent(subscribe("dave")).reason, Reason::notifier);
  EXPECT_EQ(sent(Text()).verdict, Verdict::registered);
}

TEST_F(Watching, ItsDialogsAreAnsweredWithoutALocalHomeToo) {
  const std::string refresh = Text().method("SUBSCRIBE").uri("sip:198.18.0.2:5060").to("<sip:alice@example.com>;tag=ours").header("Event: reg");
  site.local_home = assign::no_home;
  EXPECT_EQ(sent(refresh).reason, Reason::notifier_dialog);
  std::vector<assign::Home> homes(site.homes.begin(), site.homes.end());
  homes[far].state = assign::HomeState::removed;
  site.homes = assign::Homes(homes);
  EXPECT_NE(sent(refresh).verdict, Verdict::subscribed) << "nobody is notified for any more";
}

TEST_F(Watching, AWatchedClientIsProxiedInsteadOfRedirected) {
  EXPECT_EQ(sent(Text()).verdict, Verdict::redirected);
  watched.add(key("alice"));
  const Judgement j = sent(Text());
  EXPECT_EQ(j.verdict, Verdict::proxied);
  EXPECT_EQ(j.reason, Reason::watched);
  EXPECT_EQ(j.home, far);
  EXPECT_EQ(sent(Text().user("dave")).verdict, Verdict::redirected) << "who is not watched";
  EXPECT_EQ(sent(Text().vias(two_vias)).reason, Reason::several_vias) << "who is proxied anyway";
  watched.remove(key("alice"));
  EXPECT_EQ(sent(Text()).verdict, Verdict::redirected);
}

TEST_F(Watching, WhatIsKnownOfHisPastDoesNotMatter) {
  site.redirect = site::RedirectPolicy::listed;
  EXPECT_EQ(sent(Text()).reason, Reason::not_listed);
  watched.add(key("alice"));
  EXPECT_EQ(sent(Text()).reason, Reason::watched);
}

TEST_F(Watching, AHomesAnswerSaysWhoHasRegistered) {
  EXPECT_EQ(registered(response("200"), "198.18.0.11:5060"), key("alice"));
  EXPECT_EQ(registered(response("200", "REGISTER", "sip:alice@ALIAS.example.com;user=x"), "198.18.0.11:5060"), key("alice"));
  EXPECT_FALSE(registered(response("302"), "198.18.0.11:5060"));
  EXPECT_FALSE(registered(response("100"), "198.18.0.11:5060"));
  EXPECT_FALSE(registered(response("200", "INVITE"), "198.18.0.11:5060"));
  EXPECT_FALSE(registered(response("200"), "198.18.0.77:5060"));
}

}  // namespace
}  // namespace viaduct::edge
