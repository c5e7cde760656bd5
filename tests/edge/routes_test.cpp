// SPDX-License-Identifier: Apache-2.0
// Path, Record-Route and Routes of ours, as the messages of whole dialogs: what the edge writes into one comes back in the next.
#include <gmock/gmock.h>

#include <algorithm>

#include "fleet.h"
#include "viaduct/sip/flow.h"
#include "viaduct/sip/route.h"

namespace viaduct::edge {
namespace {

using base::Verdict;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const std::string far = "198.18.0.11:5060", client = "198.18.0.1:5062", other_client = "198.18.0.7:40000";

class Routed : public Fleet {
 protected:
  Routed() { site.redirect = site::RedirectPolicy::never; }

  std::string path() { return values(send(Text()), "Path").at(0); }
  std::string record_route(const std::string& from = client) { return values(send(invite(), from), "Record-Route").at(0); }
  static Text invite() { return Text().method("INVITE").uri("sip:alice@example.com"); }
  static Text bye(const std::string& uri) { return Text().method("BYE").uri(uri).to("<sip:alice@example.com>;tag=t1"); }
};

// --- what is written

TEST_F(Routed, WritesAPathIntoAProxiedRegister) {
  const auto r = send(Text());
  EXPECT_EQ(r.judgement.verdict, Verdict::proxied);
  EXPECT_THAT(path(), AllOf(StartsWith("<sip:pa"), HasSubstr("@198.18.0.2:5060;lr;ob>")));
  EXPECT_THAT(values(send(Text().vias(two_vias)), "Path").at(0), Not(HasSubstr(";ob"))) << "not the first hop";
  EXPECT_TRUE(values(r, "Record-Route").empty());
}

TEST_F(Routed, WritesAPathAsThePolicySays) {
  site.path = site::PathPolicy::never;
  EXPECT_TRUE(values(send(Text()), "Path").empty());
  site.path = site::PathPolicy::supported;
  EXPECT_TRUE(values(send(Text().header("Supported: outbound,xpath")), "Path").empty());
  EXPECT_EQ(values(send(Text().header("k: outbound , PATH")), "Path").size(), 1U);
  EXPECT_EQ(values(send(Text().header("Supported: outbound").header("Supported: path")), "Path").size(), 1U);
}

TEST_F(Routed, PutsItsPathAboveAnEarlierOne) {
  const auto r = send(Text().vias(two_vias).header("Path: <sip:p1.example.net;lr>"));
  ASSERT_EQ(values(r, "Path").size(), 2U);
  EXPECT_EQ(values(r, "Path")[1], "<sip:p1.example.net;lr>");
}

TEST_F(Routed, RecordsItsRouteWhereADialogMayBegin) {
  EXPECT_THAT(record_route(), AllOf(StartsWith("<sip:ra"), HasSubstr("@198.18.0.2:5060;lr>"), Not(HasSubstr(";ob"))));
  for (const std::string method : {"SUBSCRIBE", "REFER"}) EXPECT_EQ(values(send(invite().method(method)), "Record-Route").size(), 1U) << method;
  for (const std::string method : {"MESSAGE", "PUBLISH", "OPTIONS", "CANCEL"})
    EXPECT_TRUE(values(send(invite().method(method)), "Record-Route").empty()) << method;
  EXPECT_TRUE(values(send(invite().to("<sip:alice@example.com>;tag=t1").uri("sip:198.18.0.11").header("Route: <sip:198.18.0.2;lr>")), "Record-Route").empty())
      << "inside a dialog";
  site.record_route = false;
  EXPECT_TRUE(values(send(invite()), "Record-Route").empty());
}

// RFC 6665 4.3, 4.4.1: a subscriber's dialog, and so its route set, is that of the NOTIFY.
TEST_F(Routed, RecordsItsRouteInEveryNotify) {
  const Text notify = Text().method("NOTIFY").uri("sip:alice@10.0.0.7:5062").to("<sip:alice@example.com>;tag=t1").header("Route: " + record_route());
  const auto to_client = send(notify, far);
  EXPECT_EQ(to_client.judgement.reason, Reason::route_flow);
  EXPECT_EQ(values(to_client, "Record-Route"), std::vector<std::string>{record_route()});
  const auto to_home = send(Text(notify).uri("sip:presence@198.18.0.11"), client);
  EXPECT_EQ(to_home.judgement.reason, Reason::route_home);
  EXPECT_EQ(values(to_home, "Record-Route"), std::vector<std::string>{record_route()});
}

// --- requests of homes to clients

TEST_F(Routed, SendsARequestOfAHomeThroughThePathToTheClient) {
  const auto r = send(Text().method("INVITE").uri("sip:alice@10.0.0.7:5062").header("Route: " + path()).header("X-Last: 1"), far);
  EXPECT_EQ(r.judgement.verdict, Verdict::proxied);
  EXPECT_EQ(r.judgement.reason, Reason::route_flow);
  EXPECT_EQ(r.next, endpoint(client));
  EXPECT_THAT(r.bytes, StartsWith("INVITE sip:alice@10.0.0.7:5062 SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.0.2:5060;branch=z9hG4bKa"));
  EXPECT_THAT(r.bytes, AllOf(Not(HasSubstr("\r\nRoute:")), HasSubstr("\r\nX-Last: 1\r\n")));
  EXPECT_EQ(values(r, "Record-Route").size(), 1U);
}

TEST_F(Routed, KeepsTheRoutesBehindItsOwn) {
  const std::string mine = path();
  const auto routes = [&](const std::string& lines) { return values(send(Text().method("MESSAGE").uri("sip:alice@10.0.0.7").header(lines), far), "Route"); };
  EXPECT_EQ(routes("Route: " + mine + ", <sip:p1.example.net;lr>"), std::vector<std::string>{"<sip:p1.example.net;lr>"});
  EXPECT_EQ(routes("Route: " + mine + "\r\nRoute: <sip:p1.example.net;lr>,<sip:p2.example.net;lr>"),
            std::vector<std::string>{"<sip:p1.example.net;lr>,<sip:p2.example.net;lr>"});
}

TEST_F(Routed, RefusesATokenThatIsNotItsOwn) {
  const std::string mine = path();
  for (std::size_t at = mine.find(':') + 1; at < mine.find('@'); ++at) {
    std::string forged = mine;
    forged[at] = forged[at] == 'b' ? 'c' : 'b';
    const auto r = send(Text().method("INVITE").uri("sip:alice@10.0.0.7").header("Route: " + forged), far);
    EXPECT_EQ(r.judgement.status, 403) << at;
    EXPECT_EQ(r.judgement.reason, Reason::route_forged) << at;
  }
  EXPECT_EQ(send(Text().method("INVITE").uri("sip:alice@10.0.0.7").header("Route: <sip:someone@198.18.0.2;lr>"), far).judgement.status, 403);
  EXPECT_EQ(send(Text().method("ACK").uri("sip:alice@10.0.0.7").header("Route: <sip:someone@198.18.0.2;lr>"), far).judgement.verdict, Verdict::dropped);
}

TEST_F(Routed, BelievesTheTokensOfBothFleetKeysAndNoOther) {
  const std::string of_a = path();
  const auto reason = [&] { return send(Text().method("INVITE").uri("sip:alice@10.0.0.7").header("Route: " + of_a), far).judgement.reason; };
  site.keys.keys[1] = site.keys.keys[0];
  site.keys.keys[0].emplace('b', base::Key128{4, 5, 6});
  EXPECT_EQ(reason(), Reason::route_flow);
  EXPECT_THAT(path(), StartsWith("<sip:pb"));
  site.keys.keys[1].reset();
  EXPECT_EQ(reason(), Reason::route_forged);
}

TEST_F(Routed, BindsARecordRouteToItsCallAndAPathToNone) {
  const std::string route = record_route();
  const std::string of_path = path();
  const auto reason = [&](const std::string& value, const std::string& call_id) {
    std::string text = Text().method("BYE").uri("sip:a@10.0.0.7").to("<sip:alice@example.com>;tag=t1").header("Route: " + value);
    return send(text.replace(text.find("c1@"), 3, call_id), far).judgement.reason;
  };
  EXPECT_EQ(reason(route, "c1@"), Reason::route_flow);
  EXPECT_EQ(reason(route, "c2@"), Reason::route_forged);
  EXPECT_EQ(reason(of_path, "c2@"), Reason::route_flow);
}

TEST_F(Routed, ReachesAClientWhereverItWasBehindANat) {
  const std::string behind_nat = "203.0.113.77:61234";
  const auto r = send(Text().method("BYE").uri("sip:bob@192.168.1.2:5060").to("<sip:x@y>;tag=1").header("Route: " + record_route(behind_nat)), far);
  EXPECT_EQ(r.next, endpoint(behind_nat));
  EXPECT_THAT(r.bytes, StartsWith("BYE sip:bob@192.168.1.2:5060 SIP/2.0\r\n"));
}

// --- requests of clients inside a dialog

TEST_F(Routed, SendsARequestOfTheClientOnToTheNextRouteThatIsAHome) {
  const auto r = send(bye("sip:bob@10.9.9.9").header("Route: " + record_route() + ",<sip:198.18.0.11;lr;r2=on>"), client);
  EXPECT_EQ(r.judgement.reason, Reason::route_home);
  EXPECT_EQ(site.homes[r.judgement.home].name, "far");
  EXPECT_EQ(values(r, "Route"), std::vector<std::string>{"<sip:198.18.0.11;lr;r2=on>"});
}

TEST_F(Routed, SendsARequestOfTheClientOnToAHomeThatTheRequestUriNames) {
  const auto r = send(bye("sip:conference@198.18.0.11:5060").header("Route: " + record_route()), client);
  EXPECT_EQ(r.judgement.reason, Reason::route_home);
  EXPECT_TRUE(values(r, "Route").empty());
}

TEST_F(Routed, KnowsTheClientsSideByWhereTheRequestGoesWhenANatGaveItAnotherPort) {
  const std::string route = record_route();
  EXPECT_EQ(send(bye("sip:b@198.18.0.11").header("Route: " + route), "198.18.0.1:61111").judgement.reason, Reason::route_home);
  EXPECT_EQ(send(bye("sip:b@10.0.0.7").header("Route: " + route), "198.18.0.9:5060").judgement.reason, Reason::route_flow) << "from some other proxy";
  EXPECT_EQ(send(bye("sip:b@198.18.0.13").header("Route: " + route), far).judgement.reason, Reason::route_flow) << "from a home, whatever it names";
}

TEST_F(Routed, RefusesToGoOnToAStranger) {
  const std::string route = record_route();
  EXPECT_EQ(send(bye("sip:b@203.0.113.9").header("Route: " + route), client).judgement.status, 481);
  EXPECT_EQ(send(bye("sip:b@198.18.0.11").header("Route: " + route + ",<sip:203.0.113.9;lr>"), client).judgement.status, 481);
  EXPECT_EQ(send(invite().uri("sip:b@203.0.113.9").header("Route: " + route), client).judgement.status, 403);
  EXPECT_EQ(send(Text().method("ACK").uri("sip:b@203.0.113.9").to("<sip:b@x>;tag=2").header("Route: " + route), client).judgement.verdict, Verdict::dropped);
}

TEST_F(Routed, GoesOnByTheAddressOfRecordOfAGruu) {
  const auto r = send(bye("sip:alice@example.com;gr=urn:uuid:1").header("Route: " + record_route()), client);
  EXPECT_EQ(r.judgement.reason, Reason::initial_request);
  EXPECT_EQ(site.homes[r.judgement.home].name, "far");
}

TEST_F(Routed, TakesARequestBetweenTwoOfItsClientsThroughBothLegs) {
  // The home put no Route between: the callee's is on top in what the callee sends, the caller's in what the caller sends.
  const std::string caller = record_route(client), callee = record_route(other_client);
  const auto from_callee = send(bye("sip:a@10.0.0.7").header("Route: " + callee + ", " + caller), other_client);
  EXPECT_EQ(from_callee.judgement.reason, Reason::route_flow);
  EXPECT_EQ(from_callee.next, endpoint(client));
  EXPECT_TRUE(values(from_callee, "Route").empty());
  const auto from_caller = send(bye("sip:b@10.0.0.8").header("Route: " + caller).header("Route: " + callee), client);
  EXPECT_EQ(from_caller.next, endpoint(other_client));
  EXPECT_TRUE(values(from_caller, "Route").empty());
}

TEST_F(Routed, KnowsTheSenderOfTwoClientsByTheFirstLegWhenANatGaveHimAnotherPort) {
  const std::string caller = record_route(client), callee = record_route(other_client);
  for (const std::string moved : {"198.18.0.7:61111", "203.0.113.9:40000"}) {
    const auto from_callee = send(bye("sip:a@10.0.0.7").header("Route: " + callee + ", " + caller), moved);
    EXPECT_EQ(from_callee.next, endpoint(client)) << moved;
    EXPECT_TRUE(values(from_callee, "Route").empty());
    EXPECT_EQ(send(bye("sip:b@10.0.0.8").header("Route: " + caller + ", " + callee), moved).next, endpoint(other_client)) << moved;
  }
  EXPECT_EQ(send(bye("sip:b@10.0.0.8").header("Route: " + callee + ", " + caller), client).next, endpoint(other_client)) << "never back to the sender";
  EXPECT_EQ(send(bye("sip:b@10.0.0.8").header("Route: " + callee + ", " + caller), far).next, endpoint(other_client)) << "from a home";
}

TEST_F(Routed, TakesTwoRoutesOfOneFlowForOneLeg) {
  // As where the two sides of the edge have addresses of their own.
  const std::string mine = record_route();
  const auto r = send(bye("sip:a@198.18.0.11").header("Route: " + mine + "," + mine), client);
  EXPECT_EQ(r.judgement.reason, Reason::route_home);
  EXPECT_TRUE(values(r, "Route").empty());
  EXPECT_EQ(send(bye("sip:a@10.0.0.7").header("Route: " + mine + "," + mine), far).next, endpoint(client));
}

TEST_F(Routed, SendsARequestBackToTheProxyThatBothEndsAreBehind) {
  // As at a home whose edge is before both clients: each side's flow is the edge's, and the next Route is the edge's own.
  const std::string edge = "198.18.0.9:5060", mine = record_route(edge), theirs = "<sip:token@198.18.0.9;lr>";
  const auto r = send(bye("sip:b@10.0.0.8").header("Route: " + mine + "," + mine + "," + theirs), edge);
  EXPECT_EQ(r.judgement.reason, Reason::route_flow);
  EXPECT_EQ(r.next, endpoint(edge));
  EXPECT_EQ(values(r, "Route"), std::vector<std::string>{theirs});
  EXPECT_EQ(send(bye("sip:b@10.0.0.8").header("Route: " + mine + ",<sip:198.18.0.9:5061;lr>"), edge).judgement.status, 481) << "another port is another's";
}

// RFC 5658's pair has two sides; one side twice has two ends of a dialog.
TEST_F(Routed, BringsWhatOneLineOfADeviceSaysToTheOtherBackToTheDevice) {
  const std::string mine = record_route(), both = mine + ", " + mine;
  const auto r = send(bye("sip:other@10.0.0.7:5062").header("Route: " + both), client);
  EXPECT_EQ(r.judgement.reason, Reason::route_flow);
  EXPECT_EQ(r.next, endpoint(client));
  EXPECT_THAT(r.bytes, StartsWith("BYE sip:other@10.0.0.7:5062 SIP/2.0\r\n"));
  EXPECT_TRUE(values(r, "Route").empty());
  EXPECT_EQ(send(bye("sip:other@198.18.0.11").header("Route: " + both), client).judgement.reason, Reason::route_home) << "to a home when it names one";
  EXPECT_EQ(send(bye("sip:other@10.0.0.7").header("Route: " + both + ", <sip:203.0.113.9;lr>"), client).judgement.status, 481) << "not past a Route";
  std::string second_side = mine;
  site.listeners.push_back(site.listeners.front());
  site.listeners.back().endpoint = endpoint("198.18.0.3:5060");
  second_side.replace(second_side.find("198.18.0.2"), 10, "198.18.0.3");
  EXPECT_EQ(send(bye("sip:other@10.0.0.7").header("Route: " + mine + ", " + second_side), client).judgement.status, 481) << "one end, with two sides";
}

// `far` has sent the call on to a client of `hidden`, and does not Record-Route.
TEST_F(Routed, PassesOverAHomeThatHasLeftTheDialog) {
  const std::string caller = record_route(client), left = record_route(far), hidden = "198.18.0.13:5060", callee = record_route(other_client);
  const auto ack = send(bye("sip:other@198.18.0.13:5060").header("Route: " + caller + ", " + left), client);
  EXPECT_EQ(ack.judgement.reason, Reason::route_home);
  EXPECT_EQ(site.homes[ack.judgement.home].name, "hidden");
  EXPECT_TRUE(values(ack, "Route").empty());
  const auto bye_of_home = send(bye("sip:a@10.0.0.7").header("Route: " + left + ", " + caller), hidden);
  EXPECT_EQ(bye_of_home.next, endpoint(client));
  EXPECT_TRUE(values(bye_of_home, "Route").empty());
  EXPECT_EQ(send(bye("sip:b@10.0.0.8").header("Route: " + caller + ", " + left + ", " + callee), client).next, endpoint(other_client));
  EXPECT_EQ(send(bye("sip:a@10.0.0.7").header("Route: " + callee + ", " + left + ", " + caller), other_client).next, endpoint(client));
}

TEST_F(Routed, SendsToAHomeThatSentTheInviteWhereNothingElseSaysWhere) {
  const std::string home = record_route(far), callee = record_route(other_client);
  EXPECT_EQ(send(bye("sip:b2bua@10.9.9.9").header("Route: " + callee + ", " + home), other_client).next, endpoint(far));
  EXPECT_EQ(send(bye("sip:b2bua@10.9.9.9").header("Route: " + home), "198.18.0.13:5060").next, endpoint(far));
  EXPECT_EQ(send(bye("sip:b@10.0.0.8").header("Route: " + home + ", " + callee), far).next, endpoint(other_client));
  const auto named = send(bye("sip:b2bua@198.18.0.11").header("Route: " + callee + ", " + home), other_client);
  EXPECT_EQ(site.homes[named.judgement.home].name, "far");
}

// --- several edges

/// What another edge of the fleet has recorded of a client of its own.
class OtherEdge : public Routed {
 protected:
  OtherEdge() { site.edges = {*base::Prefix::parse("198.18.0.20/31")}; }
  [[nodiscard]] std::string token(const std::string& listener = edge, std::string_view call_id = "c1@198.18.0.1") const {
    const sip::Flow flow{.client = endpoint(other_client), .ours = endpoint(listener), .listener = 3};
    std::array<char, sip::flow_token_bytes_max> room;
    return {room.data(), sip::write_flow_token(flow, call_id, site.keys.signing(), room)};
  }
  [[nodiscard]] static std::string route(const std::string& user, const std::string& host = edge) { return "<sip:" + user + "@" + host + ";lr>"; }
  static inline const std::string edge = "198.18.0.20:5060";
};

// `north` has left the dialog: the Routes are those of the callers edge and the callees.
TEST_F(OtherEdge, IsGoneOnToWhereARouteOfItsOwnComesNext) {
  const std::string theirs = route(token());
  for (const std::string from : {client.c_str(), "198.18.0.1:61111"}) {
    const auto r = send(bye("sip:b@10.0.0.8").header("Route: " + record_route() + ", " + theirs), from);
    EXPECT_EQ(r.judgement.verdict, Verdict::proxied) << from;
    EXPECT_EQ(r.judgement.reason, Reason::route_edge) << from;
    EXPECT_EQ(r.next, endpoint(edge)) << from;
    EXPECT_EQ(values(r, "Route"), std::vector<std::string>{theirs}) << from;
    EXPECT_THAT(r.bytes, StartsWith("BYE sip:b@10.0.0.8 SIP/2.0\r\n")) << from;
  }
  const auto ack = send(Text().method("ACK").uri("sip:b@10.0.0.8").to("<sip:b@x>;tag=2").header("Route: " + record_route() + ", " + theirs), client);
  EXPECT_EQ(ack.next, endpoint(edge));
  const auto through_flow = send(bye("sip:a@10.0.0.7").header("Route: " + record_route()), edge);
  EXPECT_EQ(through_flow.judgement.reason, Reason::route_flow);
  EXPECT_EQ(through_flow.next, endpoint(client)) << "what that edge sends on to a client of ours";
  const auto crossing = send(bye("sip:a@10.0.0.7").header("Route: " + record_route() + ", " + theirs), edge);
  EXPECT_EQ(crossing.next, endpoint(client)) << "never back";
}

TEST_F(OtherEdge, IsKnownByItsTokenAlone) {
  const auto status = [&](const std::string& next) {
    return send(bye("sip:b@10.0.0.8").header("Route: " + record_route() + ", " + next), client).judgement.status;
  };
  std::string forged = token();
  forged.back() = forged.back() == 'b' ? 'c' : 'b';
  EXPECT_EQ(status(route(forged)), 481);
  EXPECT_EQ(status(route(token(edge, "c2@"))), 481) << "of another call";
  EXPECT_EQ(status(route(token(), "198.18.0.20:5061")), 481) << "of another port";
  EXPECT_EQ(status(route(token(), "203.0.113.9")), 481) << "made for another host";
  EXPECT_EQ(status("<sip:198.18.0.20;lr>"), 481) << "no token";
  EXPECT_EQ(status(route(token("203.0.113.20:5080"), "203.0.113.20:5080")), 0) << "an edge that `fleet.edges` does not name, by the fleet's keys";
}

// RFC 5658: the same token stands at both sides of that edge, and is made for the client's.
TEST_F(OtherEdge, IsKnownByItsOtherSideWhenFleetEdgesNamesThis) {
  const std::string side = token("203.0.113.20:5060"), inner = route(side), outer = route(side, "203.0.113.20");
  const auto r = send(bye("sip:b@10.0.0.8").header("Route: " + record_route() + ", " + inner + ", " + outer), client);
  EXPECT_EQ(r.next, endpoint(edge));
  EXPECT_EQ(values(r, "Route"), std::vector<std::string>{inner + ", " + outer});
  EXPECT_EQ(send(bye("sip:b@10.0.0.8").header("Route: " + record_route() + ", " + inner), client).judgement.status, 481) << "nothing proves it";
  site.edges.clear();
  EXPECT_EQ(send(bye("sip:b@10.0.0.8").header("Route: " + record_route() + ", " + inner + ", " + outer), client).judgement.status, 481);
}

TEST_F(OtherEdge, IsNoWayRoundTheTablesForARegister) {
  const std::string routes = "Route: " + record_route() + ", " + route(token());
  const auto r = send(Text().header(routes), client);
  EXPECT_EQ(r.judgement.reason, Reason::policy_never);
  EXPECT_EQ(r.judgement.home, site.homes.find("far"));
  EXPECT_EQ(send(Text().user("bob").header(routes), client).judgement.verdict, Verdict::registered);
}

// --- preloaded Routes

TEST_F(Routed, StripsItselfAsOutboundProxyAndGoesOnByTheTables) {
  for (const std::string route : {"<sip:198.18.0.2;lr>", "<sip:198.18.0.2:5060;lr>", "sip:198.18.0.2", "<sip:EDGE.example.com;lr>",
                                  "<sip:edge.example.com.;lr>", "<sip:example.com;lr>"}) {
    const auto r = send(invite().header("Route: " + route), client);
    EXPECT_EQ(r.judgement.reason, Reason::initial_request) << route;
    EXPECT_TRUE(values(r, "Route").empty()) << route;
  }
  EXPECT_EQ(send(invite().header("Route: <sip:198.18.0.2:5099;lr>")).judgement.reason, Reason::initial_request) << "not ours: it stays";
  EXPECT_EQ(values(send(invite().header("Route: <sip:198.18.0.2:5099;lr>")), "Route").size(), 1U);
}

TEST_F(Routed, IsMeantByItsNameWhateverThePortOfItsListener) {
  site.listeners.front().endpoint.port = 5070;
  const auto routes = [&](const std::string& route) { return values(send(invite().header("Route: " + route), client), "Route"); };
  EXPECT_TRUE(routes("<sip:edge.example.com;lr>").empty()) << "RFC 3263 4.2: SRV records may say any port";
  EXPECT_TRUE(routes("<sip:edge.example.com:5070;lr>").empty());
  EXPECT_TRUE(routes("<sip:198.18.0.2:5070;lr>").empty());
  EXPECT_EQ(routes("<sip:edge.example.com:5060;lr>").size(), 1U);
  EXPECT_EQ(routes("<sip:198.18.0.2;lr>").size(), 1U) << "an address without a port has 5060";
}

TEST_F(Routed, IsMeantByItsOtherAddressesAsByItsNames) {
  site.node_addresses = {*base::Address::parse("203.0.113.5"), *base::Address::parse("2001:db8::5")};
  site.listeners.front().endpoint.port = 5070;
  const auto routes = [&](const std::string& route) { return values(send(invite().header("Route: " + route), client), "Route"); };
  for (const std::string host : {"203.0.113.5", "203.0.113.5:5070", "[2001:db8::5]", "[2001:DB8:0::5]:5070"})
    EXPECT_TRUE(routes("<sip:" + host + ";lr>").empty()) << host;
  EXPECT_EQ(routes("<sip:203.0.113.5:5060;lr>").size(), 1U) << "another server behind that address";
  EXPECT_EQ(routes("<sip:203.0.113.6;lr>").size(), 1U);
}

TEST_F(Routed, StripsItselfFromARegisterToo) {
  const auto r = send(Text().header("Route: <sip:198.18.0.2;lr>"), client);
  EXPECT_EQ(r.judgement.verdict, Verdict::proxied);
  EXPECT_TRUE(values(r, "Route").empty());
  site.redirect = site::RedirectPolicy::always;
  EXPECT_EQ(send(Text().header("Route: <sip:198.18.0.2;lr>"), client).judgement.verdict, Verdict::redirected);
}

TEST_F(Routed, DecidesARegisterByTheTablesWhateverHomeItsRoutesName) {
  const std::string own = path();
  for (const std::string routes : {"<sip:198.18.0.13;lr>", "<sip:kin;lr>", "<sip:198.18.0.14>", "<sip:198.18.0.2;lr>,<sip:198.18.0.14;lr>",
                                   "<sip:198.18.0.14;lr>,<sip:198.18.0.2;lr>,<sip:far;lr>"})
    for (const std::string& before : {std::string(), own + ", "}) {
      const std::string line = "Route: " + before + routes;
      const auto r = send(Text().header(line), client);
      EXPECT_EQ(r.judgement.reason, Reason::policy_never) << line;
      EXPECT_EQ(site.homes[r.judgement.home].name, "far") << line;
      EXPECT_TRUE(values(r, "Route").empty()) << line;
      EXPECT_EQ(send(Text().user("bob").header(line), client).judgement.verdict, Verdict::registered) << line;
      EXPECT_EQ(send(Text().to("<sip:mallory@evil.example>").header(line), client).judgement.status, 404) << line;
      EXPECT_EQ(send(Text().uri("sip:evil.example").header(line), client).judgement.status, 404) << line;
    }
  EXPECT_EQ(send(Text().user("bob").header("Route: " + own), client).judgement.verdict, Verdict::registered) << "his Path, as an outbound proxy";
}

// A home that called a client of ours stands in our Record-Route.
TEST_F(Routed, DecidesARegisterByTheTablesAlsoBehindTheTokenOfAHome) {
  const std::string homes = record_route("198.18.0.13:5060");
  EXPECT_EQ(send(invite().uri("sip:x@10.0.0.7").header("Route: " + homes), client).next, endpoint("198.18.0.13:5060"));
  const auto r = send(Text().header("Route: " + homes), client);
  EXPECT_EQ(r.judgement.home, site.homes.find("far"));
  EXPECT_TRUE(values(r, "Route").empty());
}

TEST_F(Routed, LeavesARegisterThatTheFleetSendsOnByATokenOnItsWay) {
  const std::string token = path();
  site.edges = {*base::Prefix::parse("198.18.0.20/32")};
  const auto to_client = send(Text().header("Route: " + token + ",<sip:198.18.0.14;lr>"), far);
  EXPECT_EQ(to_client.judgement.reason, Reason::route_flow);
  EXPECT_EQ(to_client.next, endpoint(client));
  EXPECT_EQ(values(to_client, "Route"), std::vector<std::string>{"<sip:198.18.0.14;lr>"});
  EXPECT_EQ(send(Text().header("Route: <sip:198.18.0.14;lr>"), far).judgement.home, site.homes.find("far")) << "without a token";
  for (const std::string from : {"198.18.0.13:5060", "198.18.0.20:5060"}) {
    const auto back = send(Text().header("Route: " + record_route(from) + ",<sip:198.18.0.14;lr>"), from);
    EXPECT_EQ(back.judgement.reason, Reason::route_home);
    EXPECT_EQ(site.homes[back.judgement.home].name, "kin");
    EXPECT_TRUE(values(back, "X-Viaduct-Home").empty()) << "this node has not decided it";
    EXPECT_EQ(send(Text().user("bob").header("Route: " + record_route(from)), from).judgement.verdict, Verdict::registered) << "no home is named";
  }
}

TEST_F(Routed, ObeysAServiceRouteToAHome) {
  const auto r = send(invite().header("Route: <sip:198.18.0.2;lr>,<sip:198.18.0.13;lr>"), client);
  EXPECT_EQ(site.homes[r.judgement.home].name, "hidden");
  EXPECT_EQ(values(r, "Route"), std::vector<std::string>{"<sip:198.18.0.13;lr>"});
  EXPECT_EQ(site.homes[send(invite().header("Route: <sip:hidden;lr>"), client).judgement.home].name, "hidden") << "by its name";
  EXPECT_EQ(site.homes[send(invite().header("Route: <sip:hidden.;lr>"), client).judgement.home].name, "hidden") << "RFC 1034 3.1";
}

TEST_F(Routed, TakesAServedAddressForItselfHoweverItIsSpelt) {
  site.domains.served.emplace_back("[2001:db8::9]");
  EXPECT_TRUE(values(send(invite().header("Route: <sip:[2001:DB8:0::9];lr>"), client), "Route").empty());
}

// --- strict routers (RFC 3261 16.4, 16.6, 16.12.1.2)

TEST_F(Routed, RestoresTheRequestUriThatAStrictRouterMoved) {
  const std::string mine = record_route();
  const auto r = send(bye(mine.substr(1, mine.size() - 2)).header("Route: <sip:alice@10.0.0.7>"), far);
  EXPECT_EQ(r.judgement.reason, Reason::route_flow);
  EXPECT_THAT(r.bytes, StartsWith("BYE sip:alice@10.0.0.7 SIP/2.0\r\n"));
  EXPECT_TRUE(values(r, "Route").empty());
}

TEST_F(Routed, GivesAStrictRouterItsUriAsRequestUri) {
  const auto r = send(bye("sip:bob@10.9.9.9").header("Route: " + record_route() + ",<sip:198.18.0.11>,<sip:p9.example.net;lr>"), client);
  EXPECT_EQ(r.judgement.reason, Reason::route_home);
  EXPECT_THAT(r.bytes, StartsWith("BYE sip:198.18.0.11 SIP/2.0\r\n"));
  EXPECT_EQ(values(r, "Route"), (std::vector<std::string>{"<sip:p9.example.net;lr>", "<sip:bob@10.9.9.9>"}));
}

TEST_F(Routed, KeepsBothRulesForAStrictRouterOnEachSide) {
  const std::string mine = record_route();
  const auto r = send(bye(mine.substr(1, mine.size() - 2)).header("Route: <sip:198.18.0.11>").header("Route: <sip:bob@10.9.9.9>"), client);
  EXPECT_THAT(r.bytes, StartsWith("BYE sip:198.18.0.11 SIP/2.0\r\n"));
  EXPECT_EQ(values(r, "Route"), std::vector<std::string>{"<sip:bob@10.9.9.9>"});
}

// --- transactions and loops

std::string branch(const Rehearsal& r) { return r.bytes.substr(r.bytes.find("branch=") + 7, sip::branch_bytes); }

TEST_F(Routed, GivesCancelAndAckTheBranchAndTheWayOfTheirInvite) {
  const std::string route = path();
  const auto sent = [&](const std::string& method, const std::string& to_tag) {
    return send(Text().method(method).uri("sip:alice@10.0.0.7").to("<sip:alice@example.com>" + to_tag).header("Route: " + route), far);
  };
  const auto invite = sent("INVITE", ""), cancel = sent("CANCEL", ""), ack = sent("ACK", ";tag=486");
  EXPECT_EQ(branch(cancel), branch(invite));
  EXPECT_EQ(branch(ack), branch(invite));
  EXPECT_EQ(cancel.next, invite.next);
  EXPECT_EQ(ack.next, invite.next);
}

TEST_F(Routed, LetsASpiralPassAndNoLoop) {
  // alice's INVITE comes back from the home for a client of the same edge: another Request-URI, another Route.
  const auto first = send(invite(), client);
  const auto via = "Via: " + values(first, "Via").at(0);
  const auto spiral = [&](const std::string& uri, const std::string& route) {
    return send(Text().method("INVITE").uri(uri).vias({"Via: SIP/2.0/UDP 198.18.0.11;branch=z9hG4bKhome", via}).header("Route: " + route), far);
  };
  const auto second = spiral("sip:bob@10.0.0.8", path());
  EXPECT_EQ(second.judgement.reason, Reason::route_flow);
  const auto again = "Via: " + values(second, "Via").at(0);
  EXPECT_EQ(send(Text().method("INVITE").uri("sip:bob@10.0.0.8").vias({again, via}).header("Route: " + path()), client).judgement.status, 482)
      << "the same request the same way once more";
}

// --- what it is hardened against

TEST_F(Routed, GoesNowhereButThroughItsFlowOrToAHomeWhateverTheRoutes) {
  const std::string mine = path();
  const std::vector<std::string> odd = {"",
                                        ",",
                                        "<>",
                                        "<sip:>",
                                        "x",
                                        "<sip:198.18.0.2",
                                        mine + mine,
                                        "<sip:@198.18.0.2;lr>",
                                        ", ,",
                                        "\"<\"",
                                        "<tel:+1>",
                                        "<sip:198.18.0.2;lr>,,",
                                        mine + ",",
                                        "<http://a>",
                                        "<sip:203.0.113.9;lr>",
                                        "<sip:198.18.0.11;lr>"};
  std::size_t to_flow = 0, to_home = 0, refused = 0;
  const auto look = [&](const std::string& a, const std::string& b, const std::string& from) {
    const auto r = send(bye(mine.substr(1, mine.size() - 2)).header("Route: " + a).header("Route: " + b), from);
    const std::string what = a + '|' + b + " from " + from;
    if (r.judgement.verdict == Verdict::proxied && r.judgement.reason == Reason::route_flow) {
      ++to_flow;
      EXPECT_EQ(r.next, endpoint(client)) << what;
    } else if (r.judgement.verdict == Verdict::proxied) {
      ++to_home;
      EXPECT_EQ(r.judgement.reason, Reason::route_home) << what;
      EXPECT_EQ(site.homes[r.judgement.home].name, "far") << what;
    } else {
      ++refused;
      EXPECT_EQ(r.judgement.verdict, Verdict::rejected) << what;
      EXPECT_THAT(r.bytes, StartsWith("SIP/2.0 4")) << what;
    }
  };
  for (const std::string& a : odd)
    for (const std::string& b : odd) {
      look(a, b, far);
      look(a, b, client);
    }
  EXPECT_GT(to_flow, 0U);
  EXPECT_GT(to_home, 0U);
  EXPECT_GT(refused, 0U);
  std::string many = mine;
  for (int i = 0; i < 60; ++i) many += "," + mine;
  EXPECT_EQ(send(bye("sip:a@b").header("Route: " + many), far).judgement.reason, Reason::route_flow);
}

TEST_F(Routed, DecidesAlikeWithTheFilterOfHostsAndWithoutIt) {
  std::vector<std::string> hosts = {"198.18.0.2",        "198.18.0.11", "hidden",        "HIDDEN", "edge.example.com", "Edge.Example.COM", "example.com",
                                    "alias.example.com", "hiddem",      "[2001:db8::1]", "x",      "hidden.",          "edge.example.co",  "127.0.0.1"};
  for (int i = 0; i < 100; ++i) hosts.push_back("proxy" + std::to_string(i) + ".example.net");
  const site::HostFilter filter = site.route_hosts;
  EXPECT_LT(std::ranges::count_if(hosts, [&](const std::string& host) { return filter.may_hold(host); }), 60) << "or nothing is filtered";
  for (const std::string& host : hosts)
    for (const std::string behind : {"", ",<sip:198.18.0.11;lr>"}) {
      const std::string text = invite().header("Route: <sip:" + host + ";lr>" + behind);
      site.route_hosts = filter;
      const auto filtered = send(text);
      site.route_hosts = {};
      const auto whole = send(text);
      EXPECT_EQ(filtered.judgement.reason, whole.judgement.reason) << host;
      EXPECT_EQ(filtered.bytes, whole.bytes) << host;
    }
}

// RFC 3261 16.6 item 4, RFC 5658: who enters on one IP version and leaves on the other gets a Record-Route of each side.
class BothVersions : public Routed {
 protected:
  BothVersions() {
    site.listeners.push_back({.endpoint = endpoint("[2001:db8::2]:5060"),
                              .host = "[2001:db8::2]",
                              .via_prefix = "Via: SIP/2.0/UDP [2001:db8::2]:5060;branch=",
                              .uri_end = "@[2001:db8::2]:5060;lr"});
    site.relate_listeners();
  }
  Rehearsal send_v6(const std::string& text) { return rehearse(text, endpoint(phone), site.listeners[1], site, {assignment, &locations}, now_min); }
  const std::string phone = "[2001:db8::7]:5062";
};

TEST_F(BothVersions, RecordsARouteOnEachSide) {
  const auto r = send_v6(invite());
  EXPECT_EQ(site.homes[r.judgement.home].name, "far");
  const auto routes = values(r, "Record-Route");
  ASSERT_EQ(routes.size(), 2U);
  EXPECT_THAT(routes[0], HasSubstr("@198.18.0.2:5060;lr")) << "the home's side is on top";
  EXPECT_THAT(routes[1], HasSubstr("@[2001:db8::2]:5060;lr"));

  const auto back = send(bye("sip:a@[2001:db8::7]").header("Route: " + routes[0]).header("Route: " + routes[1]), far);
  EXPECT_EQ(back.judgement.reason, Reason::route_flow);
  EXPECT_EQ(back.next, endpoint(phone));
  EXPECT_TRUE(values(back, "Route").empty());
  EXPECT_THAT(back.bytes, HasSubstr("\r\nVia: SIP/2.0/UDP [2001:db8::2]:5060;in=0;branch="));

  const auto on = send_v6(bye("sip:b@198.18.0.11").header("Route: " + routes[1] + ", " + routes[0]));
  EXPECT_EQ(on.judgement.reason, Reason::route_home);
  EXPECT_EQ(site.homes[on.judgement.home].name, "far");
  EXPECT_TRUE(values(on, "Route").empty());
}

TEST(FlowTokens, AreReadBackForBothFamiliesAndEveryListener) {
  sip::SigningKeys keys;
  keys.keys[0].emplace('c', base::Key128{7});
  for (const std::string_view place : {"198.51.100.7:1", "255.255.255.255:65535", "[2001:db8::ffff:1]:5060", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"})
    for (const unsigned listener : {0U, 7U, 255U}) {
      const sip::Flow flow{.client = endpoint(place), .ours = endpoint("198.18.0.2:5060"), .listener = static_cast<std::uint8_t>(listener)};
      std::array<char, sip::flow_token_bytes_max> room;
      const std::string text(room.data(), sip::write_flow_token(flow, "call", keys.signing(), room));
      const auto token = sip::read_flow_token(std::string_view{text});
      ASSERT_TRUE(token) << text;
      EXPECT_EQ(token->client, flow.client);
      EXPECT_EQ(token->listener, listener);
      EXPECT_TRUE(token->of_dialog);
      EXPECT_TRUE(sip::is_genuine(*token, flow.ours, "call", keys));
      EXPECT_FALSE(sip::is_genuine(*token, endpoint("198.18.0.2:5061"), "call", keys)) << "another listener of that number";
      EXPECT_FALSE(sip::is_genuine(*token, flow.ours, "Call", keys));
    }
}

// --- STUN

TEST_F(Routed, AnswersAStunBindingRequestWithWhereItCameFrom) {
  const std::string request(
      "\x00\x01\x00\x00\x21\x12\xa4\x42"
      "abcdefghijkl",
      20);
  const auto r = send(request, "198.18.0.1:5062");
  EXPECT_EQ(r.judgement.verdict, Verdict::answered);
  EXPECT_EQ(r.judgement.reason, Reason::stun);
  EXPECT_EQ(r.bytes, std::string("\x01\x01\x00\x0c\x21\x12\xa4\x42"
                                 "abcdefghijkl"
                                 "\x00\x20\x00\x08\x00\x01\x32\xd4\xe7\x00\xa4\x43",
                                 32));
  EXPECT_EQ(send(request.substr(0, 19)).judgement.verdict, Verdict::dropped);
  EXPECT_EQ(send(request, "255.255.255.255:5060").judgement.drop, base::Drop::reply_unsafe);
}

}  // namespace
}  // namespace viaduct::edge
