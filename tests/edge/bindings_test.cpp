// SPDX-License-Identifier: Apache-2.0
// Requests for clients that are registered at this node: to which binding, by which way, and back through both legs.
#include <gmock/gmock.h>

#include "fleet.h"

namespace viaduct::edge {
namespace {

using base::Verdict;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const std::string far = "198.18.0.11:5060", alice = "198.18.0.1:5062", bob = "198.18.0.7:40000";

/// bob lives here, and has a telephone.
class Local : public Fleet {
 protected:
  Local() { bind({.binding = at(bob), .uri = "sip:bob@10.0.0.8:5060;transport=udp?Subject=x"}); }

  static assign::Binding at(const std::string& place) { return {.flow = endpoint(place), .next = endpoint(place)}; }
  void bind(const assign::BindingText& text) {
    const auto key = sip::client_key("bob@example.com", site.fleet_seed);
    locations.of_shard(0).put(assign::Location::make(key, "bob@example.com", {&text, 1}));
  }
  static Text invite(const std::string& uri = "sip:bob@example.com") { return Text().method("INVITE").uri(uri); }
  static std::string branch(const Rehearsal& r) { return r.bytes.substr(r.bytes.find("branch=") + 7, sip::branch_bytes); }
};

TEST_F(Local, SendsAnInitialRequestToTheBinding) {
  const auto r = send(invite(), alice);
  EXPECT_EQ(r.judgement.verdict, Verdict::proxied);
  EXPECT_EQ(r.judgement.reason, Reason::registered_here);
  EXPECT_EQ(r.next, endpoint(bob));
  EXPECT_THAT(r.bytes, StartsWith("INVITE sip:bob@10.0.0.8:5060;transport=udp SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.0.2:5060;branch=z9hG4bKa"));
  EXPECT_THAT(r.bytes, Not(HasSubstr("\r\nRoute:")));
}

TEST_F(Local, KeepsAQuestionMarkInAUser) {
  bind({.binding = at(bob), .uri = "sip:b?b@10.0.0.8?Subject=x"});
  EXPECT_THAT(send(invite(), alice).bytes, StartsWith("INVITE sip:b?b@10.0.0.8 SIP/2.0\r\n"));
  bind({.binding = at(bob), .uri = "sip:10.0.0.8?Subject=x"});
  EXPECT_THAT(send(invite(), alice).bytes, StartsWith("INVITE sip:10.0.0.8 SIP/2.0\r\n"));
}

TEST_F(Local, SaysWhoIsNotThere) {
  place("erin", 0);
  const auto r = send(invite("sip:erin@example.com"), alice);
  EXPECT_EQ(r.judgement.status, 480);
  EXPECT_EQ(r.judgement.reason, Reason::not_registered);
}

TEST_F(Local, SendsAlongThePathOfTheRegistration) {
  const std::string path = "<sip:token@198.18.0.9;lr>, <sip:198.18.0.10;lr;ob>";
  bind({.binding = {.flow = endpoint("198.18.0.9:5060"), .next = endpoint("198.18.0.9:5060")}, .uri = "sip:bob@10.0.0.8", .path = path});
  const auto r = send(invite().header("X-Last: 1"), alice);
  EXPECT_EQ(r.next, endpoint("198.18.0.9:5060"));
  EXPECT_EQ(values(r, "Route"), std::vector<std::string>{path});
  EXPECT_THAT(r.bytes, AllOf(StartsWith("INVITE sip:bob@10.0.0.8 SIP/2.0\r\n"), HasSubstr("\r\nX-Last: 1\r\n")));
}

TEST_F(Local, TakesTheRoutesOfThisNodeAway) {
  const auto r = send(invite().header("Route: <sip:198.18.0.2;lr>"), alice);
  EXPECT_EQ(r.next, endpoint(bob));
  EXPECT_TRUE(values(r, "Route").empty());
}

TEST_F(Local, FindsTheDeviceThatAGruuNames) {
  const assign::BindingText devices[] = {{.binding = at(bob), .uri = "sip:bob@10.0.0.8", .instance = "\"<urn:uuid:1>\""},
                                         {.binding = at("198.18.0.8:5060"), .uri = "sip:bob@10.0.0.9", .instance = "\"<urn:uuid:2>\""}};
  locations.of_shard(0).put(assign::Location::make(sip::client_key("bob@example.com", site.fleet_seed), "bob@example.com", devices));
  EXPECT_EQ(send(invite(), alice).next, endpoint("198.18.0.8:5060"));
  EXPECT_EQ(send(invite("sip:bob@example.com;gr=urn:uuid:1"), alice).next, endpoint(bob));
  EXPECT_EQ(send(invite("sip:bob@example.com;gr=urn:uuid:3"), alice).judgement.status, 480);
  EXPECT_EQ(send(invite("sip:bob@example.com;gr=URN%3auuid%3A1"), alice).next, endpoint(bob)) << "RFC 3261 19.1.4";
  EXPECT_EQ(send(invite("sip:bob@example.com;gr=urn:uuid:"), alice).judgement.status, 480);
}

// RFC 3261 16.11, 9.1: the choice has changed, and who rings must hear of the CANCEL all the same.
class Changed : public Local {
 protected:
  Changed() { locations.set_now(1000); }
  static assign::BindingText device(const std::string& place, std::string_view uri, std::string_view instance, std::uint16_t q_milli,
                                    std::uint32_t added_at_s = 100) {
    return {.binding = {.flow = endpoint(place), .next = endpoint(place), .q_milli = q_milli, .added_at_s = added_at_s}, .uri = uri, .instance = instance};
  }
  void now_has(const std::vector<assign::BindingText>& devices) {
    if (devices.empty())
      locations.of_shard(0).erase(bobs);
    else
      locations.of_shard(0).put(assign::Location::make(bobs, "bob@example.com", devices));
  }
  /// Where a CANCEL goes, and where else.
  std::pair<std::string, std::string> cancelled(const std::string& uri = "sip:bob@example.com") {
    const std::string text = invite(uri).method("CANCEL");
    Subject s{.source = endpoint(alice), .listener = &site.listeners.front()};
    index(text, s);
    identify(s, site);
    locate(s, locations.find(bobs));
    const std::string first = s.binding != nullptr ? std::string(s.routing.edits.request_uri) : "";
    const assign::Location* const before = locations.before(bobs);
    const std::size_t i = before != nullptr ? located_before(s, *before) : 0;
    return {first, before == nullptr || i == before->count() ? "" : std::string(before->uri(i))};
  }
  using Ways = std::pair<std::string, std::string>;
  const sip::ClientKey bobs = sip::client_key("bob@example.com", site.fleet_seed);
  static constexpr const char *desk_uri = "sip:desk@10.0.0.8", *mobile_uri = "sip:mobile@10.0.0.9", *desk_name = "\"<urn:uuid:1>\"",
                              *mobile_name = "\"<urn:uuid:2>\"";
  const assign::BindingText desk = device(bob, desk_uri, desk_name, 500), mobile = device("198.18.0.8:5060", mobile_uri, mobile_name, 900);
};

TEST_F(Changed, IsCancelledWhereItWentBeforeADeviceWasAdded) {
  now_has({desk});
  EXPECT_EQ(cancelled(), Ways(desk_uri, "sip:bob@10.0.0.8:5060;transport=udp?Subject=x")) << "what he had first";
  locations.set_now(1179);
  now_has({desk, mobile});
  EXPECT_EQ(cancelled(), Ways(mobile_uri, desk_uri));
  EXPECT_EQ(cancelled("sip:bob@example.com;gr=urn:uuid:2").first, mobile_uri);
  EXPECT_EQ(cancelled("sip:bob@example.com;gr=urn:uuid:2").second, "") << "that device was not there";
  locations.set_now(1358);
  EXPECT_EQ(cancelled(), Ways(mobile_uri, desk_uri));
  locations.set_now(1359);
  EXPECT_EQ(cancelled(), Ways(mobile_uri, "")) << "no INVITE is pending for so long";
}

TEST_F(Changed, IsCancelledWhereItWentBeforeThatWasLessPreferred) {
  now_has({desk, mobile});
  now_has({desk, device("198.18.0.8:5060", mobile_uri, mobile_name, 100)});
  EXPECT_EQ(cancelled(), Ways(desk_uri, mobile_uri));
  EXPECT_EQ(cancelled("sip:bob@example.com;gr=urn:uuid:2"), Ways(mobile_uri, "")) << "there it goes in any case";
  now_has({desk, device("198.18.0.8:5060", mobile_uri, mobile_name, 100)});
  EXPECT_EQ(cancelled(), Ways(desk_uri, mobile_uri)) << "a refresh changes nothing";
}

TEST_F(Changed, IsCancelledWhereItWentBeforeThatWasGone) {
  now_has({desk, mobile});
  now_has({desk});
  EXPECT_EQ(cancelled(), Ways(desk_uri, mobile_uri));
  EXPECT_EQ(cancelled("sip:bob@example.com;gr=urn:uuid:2"), Ways("", mobile_uri));
  now_has({});
  EXPECT_EQ(cancelled(), Ways("", desk_uri));
  now_has({device("198.18.0.9:5060", "sip:desk@10.0.0.7", desk_name, 500)});
  EXPECT_EQ(cancelled(), Ways("sip:desk@10.0.0.7", desk_uri)) << "by two REGISTERs he has another address";
}

// The device that a GRUU names is not the one that is called else.
TEST_F(Changed, IsCancelledAtTheDeviceThatWasMeant) {
  now_has({desk, mobile});
  now_has({device("198.18.0.9:5060", "sip:desk@10.0.0.7", desk_name, 500), mobile});
  EXPECT_EQ(cancelled(), Ways(mobile_uri, ""));
  EXPECT_EQ(cancelled("sip:bob@example.com;gr=urn:uuid:1"), Ways("sip:desk@10.0.0.7", desk_uri));
}

TEST_F(Changed, IsForgottenInTime) {
  now_has({desk});
  locations.set_now(1100);
  now_has({mobile});
  locations.set_now(1180);
  locations.of_shard(0).reclaim(epoch);
  EXPECT_EQ(cancelled(), Ways(mobile_uri, desk_uri)) << "the later change stays";
  locations.set_now(1280);
  locations.of_shard(0).reclaim(epoch);
  locations.set_now(1100);
  EXPECT_EQ(cancelled(), Ways(mobile_uri, "")) << "by whatever clock";
}

TEST_F(Local, GoesToTheHomeAsItIsWhereThatServesTheClientAgain) {
  const assign::BindingText left{.binding = at(alice), .uri = "sip:alice@10.0.0.7"};
  locations.of_shard(0).put(assign::Location::make(sip::client_key("alice@example.com", site.fleet_seed), "alice@example.com", {&left, 1}));
  std::vector<assign::Home> homes(site.homes.begin(), site.homes.end());
  const auto sent = [&](assign::HomeState far_home, assign::HomeState others) {
    homes[1].state = far_home;
    homes[1].returned_percent = assign::returned_percent_all;
    homes[2].state = homes[3].state = others;
    site.homes = assign::Homes(homes);
    return send(invite("sip:alice@example.com"), bob);
  };
  const auto here = sent(assign::HomeState::down, assign::HomeState::down);
  EXPECT_EQ(here.judgement.reason, Reason::registered_here) << "this node stands in";
  const auto back = sent(assign::HomeState::returning, assign::HomeState::down);
  EXPECT_EQ(back.judgement.home, 1U);
  EXPECT_THAT(back.bytes, StartsWith("INVITE sip:alice@example.com SIP/2.0\r\n")) << "what she left here is nothing to her home";
  homes[0].state = assign::HomeState::down;
  const auto elsewhere = sent(assign::HomeState::down, assign::HomeState::up);
  EXPECT_GE(elsewhere.judgement.home, 2U);
  EXPECT_THAT(elsewhere.bytes, StartsWith("INVITE sip:alice@example.com SIP/2.0\r\n")) << "another stands in";
}

// RFC 5627 5.4: inside a dialog too, whatever Routes are left; a proxy on the far side would have nothing but a name of this domain.
TEST_F(Local, TranslatesAGruuBehindItsOwnRoutes) {
  bind({.binding = at(bob), .uri = "sip:bob@10.0.0.8:5060?Subject=x", .instance = "\"<urn:uuid:1>\""});
  const std::string gruu = "sip:bob@example.com;gr=urn:uuid:1", next = "<sip:p1.example.net;lr>";
  const auto recorded = values(send(invite(gruu), alice), "Record-Route");
  ASSERT_EQ(recorded.size(), 2U);
  const auto sent = [&](const std::string& uri, const std::string& routes) {
    return send(Text().method("BYE").uri(uri).to("<sip:bob@example.com>;tag=t1").header("Route: " + routes), alice);
  };
  const auto onwards = sent(gruu, recorded[1] + ", " + recorded[0] + ", " + next);
  EXPECT_EQ(onwards.judgement.reason, Reason::route_flow);
  EXPECT_EQ(onwards.next, endpoint(bob));
  EXPECT_THAT(onwards.bytes, StartsWith("BYE sip:bob@10.0.0.8:5060 SIP/2.0\r\n"));
  EXPECT_EQ(values(onwards, "Route"), std::vector<std::string>{next});
  EXPECT_THAT(sent("sip:bob@example.com;gr=urn:uuid:9", recorded[1] + ", " + recorded[0]).bytes, StartsWith("BYE sip:bob@example.com;gr=urn:uuid:9 SIP"))
      << "a device that is not there";
  EXPECT_THAT(sent("sip:bob@example.com", recorded[1] + ", " + recorded[0]).bytes, StartsWith("BYE sip:bob@example.com SIP/2.0\r\n")) << "no GRUU";
  const auto behind_all = sent(gruu, recorded[1]);
  EXPECT_EQ(behind_all.judgement.reason, Reason::registered_here);
  EXPECT_EQ(behind_all.next, endpoint(bob));
  EXPECT_THAT(behind_all.bytes, AllOf(StartsWith("BYE sip:bob@10.0.0.8:5060 SIP/2.0\r\n"), Not(HasSubstr("\r\nRoute:"))));
}

TEST_F(Local, KeepsCancelAndAckOnTheWayOfTheirInvite) {
  const auto sent = [&](const std::string& method, const std::string& to_tag) {
    return send(invite().method(method).to("<sip:bob@example.com>" + to_tag), alice);
  };
  const auto first = sent("INVITE", ""), cancel = sent("CANCEL", ""), ack = sent("ACK", ";tag=486");
  EXPECT_EQ(branch(cancel), branch(first));
  EXPECT_EQ(branch(ack), branch(first));
  EXPECT_EQ(cancel.next, endpoint(bob));
  EXPECT_EQ(ack.next, endpoint(bob));
}

TEST_F(Local, SendsARequestOfADialogWithoutRoutesToTheBinding) {
  const auto bye = [](const std::string& uri) { return Text().method("BYE").uri(uri).to("<sip:bob@example.com>;tag=t1"); };
  const auto r = send(bye("sip:bob@example.com"), alice);
  EXPECT_EQ(r.judgement.reason, Reason::registered_here);
  EXPECT_EQ(r.next, endpoint(bob));
  EXPECT_THAT(r.bytes, StartsWith("BYE sip:bob@10.0.0.8:5060;transport=udp SIP/2.0\r\n"));
  EXPECT_EQ(send(bye("sip:bob@10.0.0.8:5060"), alice).judgement.status, 481) << "nobody's address-of-record";
  const assign::BindingText left{.binding = at(alice), .uri = "sip:alice@10.0.0.7"};
  locations.of_shard(0).put(assign::Location::make(sip::client_key("alice@example.com", site.fleet_seed), "alice@example.com", {&left, 1}));
  EXPECT_EQ(send(bye("sip:alice@example.com"), bob).judgement.home, 1U) << "her home is another";
  std::vector<assign::Home> homes(site.homes.begin(), site.homes.end());
  homes[1].state = homes[0].state = assign::HomeState::down;
  site.homes = assign::Homes(homes);
  const auto stood_in = send(bye("sip:alice@example.com"), bob);
  EXPECT_EQ(stood_in.judgement.reason, Reason::initial_request);
  EXPECT_GE(stood_in.judgement.home, 2U) << "another than this node stands in for it";
  site.edges = {*base::Prefix::parse("198.18.0.14/32")};
  EXPECT_EQ(send(bye("sip:alice@example.com"), "198.18.0.14:5060").next, endpoint(alice)) << "an edge has decided";
}

TEST_F(Local, SendsARequestOfADialogToTheBindingAlsoWhereAHomeIsCalledLikeTheDomain) {
  std::vector<assign::Home> homes(site.homes.begin(), site.homes.end());
  homes[1].name = "example.com";
  site.homes = assign::Homes(homes);
  const auto r = send(Text().method("BYE").uri("sip:bob@example.com").to("<sip:bob@example.com>;tag=t1"), alice);
  EXPECT_EQ(r.judgement.reason, Reason::registered_here);
  EXPECT_EQ(r.judgement.home, assign::no_home);
}

TEST_F(Local, RecordsBothLegsOfADialog) {
  const auto r = send(invite(), alice);
  const auto routes = values(r, "Record-Route");
  ASSERT_EQ(routes.size(), 2U);
  const auto bye = [](const std::string& uri) { return Text().method("BYE").uri(uri).to("<sip:x@example.com>;tag=t1"); };
  const auto from_bob = send(bye("sip:alice@10.0.0.7").header("Route: " + routes[0] + ", " + routes[1]), bob);
  EXPECT_EQ(from_bob.next, endpoint(alice));
  EXPECT_TRUE(values(from_bob, "Route").empty());
  const auto from_alice = send(bye("sip:bob@10.0.0.8:5060").header("Route: " + routes[1]).header("Route: " + routes[0]), alice);
  EXPECT_EQ(from_alice.next, endpoint(bob));
  EXPECT_TRUE(values(from_alice, "Route").empty());
}

// Without it what follows would name a Contact, to which nothing leads.
TEST_F(Local, RecordsBothLegsEvenWhereOtherDialogsAreLeftAlone) {
  site.record_route = false;
  EXPECT_EQ(values(send(invite(), alice), "Record-Route").size(), 2U);
  EXPECT_TRUE(values(send(invite("sip:alice@example.com"), bob), "Record-Route").empty());
}

TEST_F(Local, BelievesAnEdgeThatThisIsTheHome) {
  const assign::BindingText text{.binding = at("198.18.0.1:5062"), .uri = "sip:alice@10.0.0.7"};
  locations.of_shard(0).put(assign::Location::make(sip::client_key("alice@example.com", site.fleet_seed), "alice@example.com", {&text, 1}));
  EXPECT_EQ(send(invite("sip:alice@example.com"), bob).judgement.reason, Reason::initial_request) << "by the table her home is another";
  site.edges = {*base::Prefix::parse("198.18.0.14/32")};
  EXPECT_EQ(send(invite("sip:alice@example.com"), "198.18.0.14:5060").judgement.reason, Reason::registered_here);
}

TEST_F(Local, LeavesARegisterToTheRegistrar) { EXPECT_EQ(send(Text().user("bob")).judgement.verdict, Verdict::registered); }

TEST_F(Local, CarriesTheLargestOfEverything) {
  const std::string uri = "sip:bob@" + std::string(base::contact_uri_bytes_max - 8, 'h'), path = "<sip:" + std::string(base::path_bytes_max - 6, 'p') + ">";
  site.listeners.push_back({.endpoint = endpoint("[2001:db8::2]:5060"),
                            .host = "[2001:db8::2]",
                            .via_prefix = "Via: SIP/2.0/UDP [2001:db8::2]:5060;branch=",
                            .uri_end = "@[2001:db8::2]:5060;lr"});
  site.relate_listeners();
  assign::Binding far_end{.flow = endpoint("[2001:db8::7]:65535"), .next = endpoint("[2001:db8::7]:65535"), .listener = 1};
  bind({.binding = far_end, .uri = uri, .path = path});
  const auto r = send(invite(), alice);
  EXPECT_THAT(r.bytes, StartsWith("INVITE " + uri + " SIP/2.0\r\n"));
  EXPECT_EQ(values(r, "Route"), std::vector<std::string>{path});
  EXPECT_EQ(values(r, "Record-Route").size(), 3U);
}

}  // namespace
}  // namespace viaduct::edge
