// SPDX-License-Identifier: Apache-2.0
// What is for this node's own notifier: which SUBSCRIBEs, and which responses.
#include "own.h"

#include "fleet.h"

namespace viaduct::edge {
namespace {

using base::Verdict;

const std::string alice = "198.18.0.1:5062";
constexpr std::string_view here = "sip:198.18.0.2:5060";

/// bob lives here, without a telephone; alice elsewhere.
class Own : public Fleet {
 protected:
  static Text subscribe(const std::string& user, const std::string& event) {
    Text text = Text().method("SUBSCRIBE").uri("sip:" + user + "@example.com").to("<sip:" + user + "@example.com>");
    if (!event.empty()) text.header("Event: " + event);
    return text;
  }
  static Text in_dialog(const std::string& user, std::string_view uri = here) {
    return Text().method("SUBSCRIBE").uri(std::string(uri)).to("<sip:" + user + "@example.com>;tag=t").header("Event: reg");
  }
  [[nodiscard]] std::string response(const sip::OwnRequest& own, unsigned cseq = 3, const std::string& more = {}) const {
    const sip::BranchText branch = sip::branch_text(sip::own_branch(own, 3, site.keys));
    return "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 198.18.0.2:5060;branch=" + std::string(branch.data(), branch.size()) + "\r\n" + more +
           "From: <sip:bob@example.com>;tag=a\r\nTo: <sip:w@example.com>;tag=b\r\nCall-ID: c\r\nCSeq: " + std::to_string(cseq) +
           " NOTIFY\r\nContent-Length: 0\r\n\r\n";
  }
};

TEST_F(Own, ASubscribeForRegistrationsGoesToTheNotifierOfTheHome) {
  for (const std::string event : {"reg", "reg;id=7", "reg ;id=7", "reg.winfo", "reg, presence", ""}) {
    const auto r = send(subscribe("bob", event), alice);
    EXPECT_EQ(r.judgement.verdict, Verdict::subscribed) << event;
    EXPECT_EQ(r.judgement.reason, Reason::notifier);
  }
  EXPECT_EQ(send(Text(subscribe("bob", "")).header("o: reg"), alice).judgement.verdict, Verdict::subscribed);
}

TEST_F(Own, OtherPackagesAreTheTelephones) {
  for (const std::string event : {"presence", "regx", "Reg", "dialog"}) EXPECT_EQ(send(subscribe("bob", event), alice).judgement.status, 480) << event;
}

TEST_F(Own, ASubscribeForAClientElsewhereIsProxied) {
  const auto r = send(subscribe("alice", "reg"), alice);
  EXPECT_EQ(r.judgement.verdict, Verdict::proxied);
  EXPECT_EQ(r.judgement.home, 1);
}

TEST_F(Own, AnEdgeHasDecidedAlready) {
  site.edges = {*base::Prefix::parse("198.18.0.9/32")};
  EXPECT_EQ(send(subscribe("alice", "reg"), "198.18.0.9:5060").judgement.verdict, Verdict::subscribed);
  EXPECT_EQ(send(subscribe("alice", "presence"), "198.18.0.9:5060").judgement.verdict, Verdict::proxied);
}

TEST_F(Own, ARefreshNamesItsClientInTo) {
  const auto r = send(in_dialog("alice"), alice);
  EXPECT_EQ(r.judgement.verdict, Verdict::subscribed) << "wherever alice lives now, the dialog is with us";
  EXPECT_EQ(r.judgement.reason, Reason::notifier_dialog);
  EXPECT_EQ(send(in_dialog("bob", "sip:198.18.0.2"), alice).judgement.verdict, Verdict::subscribed);
  EXPECT_EQ(send(in_dialog("bob", "sip:198.18.0.2:5999"), alice).judgement.status, 481);
  EXPECT_EQ(send(in_dialog("bob", "sip:x@198.18.0.2:5060"), alice).judgement.status, 481);
  EXPECT_EQ(send(Text(in_dialog("bob")).to("<sip:bob@elsewhere.example>;tag=t"), alice).judgement.status, 481);
}

TEST_F(Own, ANodeThatIsNoHomeHasNoNotifier) {
  site.local_home = assign::no_home;
  EXPECT_EQ(send(in_dialog("bob"), alice).judgement.status, 481);
}

TEST_F(Own, AnAnswerToOurOwnRequestIsOurs) {
  const sip::OwnRequest own{.id = 77, .sender = 0x89abcdef};
  const auto r = send(response(own), alice);
  EXPECT_EQ(r.judgement.verdict, Verdict::concluded);
  EXPECT_EQ(r.judgement.reason, Reason::response_to_us);
  EXPECT_EQ(shard_key(own).high, 0x89abcdef'0000'0000u);
}

TEST_F(Own, AnAnswerToAProbeIsTheControlCores) {
  const sip::OwnRequest probe{.id = 77, .sender = sip::control_sender};
  EXPECT_EQ(send(response(probe), alice).judgement.verdict, Verdict::concluded);
  Subject subject;
  const auto is_of_control = [&](const sip::OwnRequest& own) {
    const std::string text = response(own);
    index(text, subject);
    identify(subject, site);
    return subject.is_to_us && is_for_control(subject);
  };
  EXPECT_TRUE(is_of_control(probe));
  EXPECT_FALSE(is_of_control({.id = 77, .sender = sip::sender_for({.low = 0, .high = ~std::uint64_t{0}})})) << "of the nearest client";
}

TEST_F(Own, AForgedAnswerIsDropped) {
  EXPECT_EQ(send(response({.id = 77}, 4), alice).judgement.drop, base::Drop::response_destination) << "another CSeq";
  std::string forged = response({.id = 77});
  forged[forged.find("branch=") + 7 + 10] ^= 1;
  EXPECT_EQ(send(forged, alice).judgement.verdict, Verdict::dropped);
  EXPECT_EQ(send(response({.id = 77}, 3, "Via: SIP/2.0/UDP 198.18.0.5:5060;branch=z9hG4bKx\r\n"), alice).judgement.verdict, Verdict::dropped);
}

}  // namespace
}  // namespace viaduct::edge
