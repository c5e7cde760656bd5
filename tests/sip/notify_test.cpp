// SPDX-License-Identifier: Apache-2.0
// NOTIFYs as our own index and two stacks not written by us read them, and the routes of a dialog.
#include "viaduct/sip/notify.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>

#include "generated.h"
#include "judges.h"
#include "viaduct/sip/event.h"
#include "viaduct/sip/message.h"
#include "viaduct/sip/rare.h"

namespace viaduct::sip {
namespace {

Notify usual() {
  return {.request_uri = "sip:w@192.0.2.1:5070",
          .via = "SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKn1;rport",
          .routes = "<sip:p1.example.com;lr>, <sip:p2.example.com;lr>",
          .from = "sip:alice@example.com",
          .from_tag = "ours",
          .to = "sip:w@example.com",
          .to_tag = "theirs",
          .call_id = "c1@192.0.2.1",
          .cseq = 2'147'483'647,
          .contact = "sip:198.51.100.7:5060",
          .event = "reg;id=7",
          .subscription_state = "active;expires=3600",
          .etag = "e1",
          .headers = "User-Agent: Viaduct\r\n",
          .content_type = "application/reginfo+xml",
          .body = "<reginfo/>"};
}

std::string write(const Notify& n) {
  std::array<char, 4000> out;
  const std::size_t bytes = write_notify(n, out);
  EXPECT_NE(bytes, 0U);
  return {out.data(), bytes};
}

TEST(Notify, IsWrittenLineByLine) {
  EXPECT_EQ(write(usual()),
            "NOTIFY sip:w@192.0.2.1:5070 SIP/2.0\r\n"
            "Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKn1;rport\r\n"
            "Max-Forwards: 70\r\n"
            "Route: <sip:p1.example.com;lr>, <sip:p2.example.com;lr>\r\n"
            "From: <sip:alice@example.com>;tag=ours\r\n"
            "To: <sip:w@example.com>;tag=theirs\r\n"
            "Call-ID: c1@192.0.2.1\r\n"
            "CSeq: 2147483647 NOTIFY\r\n"
            "Contact: <sip:198.51.100.7:5060>\r\n"
            "Event: reg;id=7\r\n"
            "Subscription-State: active;expires=3600\r\n"
            "SIP-ETag: e1\r\n"
            "User-Agent: Viaduct\r\n"
            "Content-Type: application/reginfo+xml\r\n"
            "Content-Length: 10\r\n"
            "\r\n"
            "<reginfo/>");
}

TEST(Notify, LeavesOutWhatIsEmpty) {
  Notify n = usual();
  n.routes = n.to_tag = n.etag = n.headers = n.content_type = n.body = {};
  const std::string text = write(n);
  for (const char* absent : {"Route:", "SIP-ETag", "User-Agent", "Content-Type", "theirs"}) EXPECT_EQ(text.find(absent), text.npos) << absent;
  EXPECT_TRUE(text.ends_with("Content-Length: 0\r\n\r\n"));
}

TEST(Notify, IsWrittenWholeOrNotAtAll) {
  const std::string whole = write(usual());
  std::array<char, 1000> out;
  for (std::size_t room = 0; room <= whole.size(); ++room) {
    out.fill('#');
    EXPECT_EQ(write_notify(usual(), std::span(out).first(room)), room == whole.size() ? room : 0);
    EXPECT_EQ(std::ranges::count(std::span(out).subspan(room), '#'), static_cast<std::ptrdiff_t>(out.size() - room)) << "nothing behind the room";
  }
}

/// What an independent stack reads in it.
template <typename Judge>
void expect_read(const std::string& text, const Notify& n) {
  const Judge judge(text);
  ASSERT_TRUE(judge.accepts()) << text;
  const judges::Answer a = judge.answer();
  EXPECT_EQ(a.whole_call_id(), n.call_id) << text;
  EXPECT_EQ(a.cseq_number, n.cseq);
  EXPECT_EQ(a.cseq_method, "NOTIFY");
  EXPECT_EQ(a.max_forwards, 70);
  EXPECT_EQ(a.event, n.event.substr(0, n.event.find(';'))) << text;
  EXPECT_EQ(a.subscription_state, n.subscription_state.substr(0, n.subscription_state.find(';'))) << text;
  EXPECT_EQ(a.body, n.body) << text;
}

/// What our own index reads in it.
void expect_indexed(const std::string& text, const Notify& n) {
  Message m;
  ASSERT_EQ(index(text, m), Bad::none) << text;
  EXPECT_EQ(m.method, Method::notify);
  EXPECT_EQ(m[m.request_uri], n.request_uri);
  EXPECT_EQ(m[m.top_via], n.via);
  EXPECT_EQ(m[m.from_uri], n.from);
  EXPECT_EQ(m[m.from_tag], n.from_tag);
  EXPECT_EQ(m[m.to_uri], n.to);
  EXPECT_EQ(m[m.to_tag], n.to_tag);
  EXPECT_EQ(m[m.call_id], n.call_id);
  EXPECT_EQ(m.cseq_number, n.cseq);
  EXPECT_EQ(remote_target(m), n.contact);
  EXPECT_EQ(m.value(HeaderId::event), n.event);
  EXPECT_EQ(m[m.body], n.body);
  EXPECT_EQ(m.value(HeaderId::route), n.routes);
  RareLines states(m, "subscription-state");
  std::string_view state;
  EXPECT_TRUE(states.next(state));
  EXPECT_EQ(state, n.subscription_state);
}

TEST(Notify, IsReadTheSameByOurIndexByOsipAndBySofia) {
  const std::string text = write(usual());
  expect_indexed(text, usual());
  expect_read<judges::Osip>(text, usual());
  expect_read<judges::Sofia>(text, usual());
}

/// The NOTIFY that answers a SUBSCRIBE, its dialog taken from the message as a notifier takes it; empty when it makes none.
class Dialog {
 public:
  explicit Dialog(const std::string& text) : text_(text) {
    if (index(text_, m_) != Bad::none || !m_.is_request || m_.from_tag.bytes == 0 || m_.cseq_number > 0x7fff'ffff) return;
    const auto target = remote_target(m_);
    const auto set = route_set(m_, set_room_);
    if (!target || !set) return;
    routing_ = arrange_routes(*target, *set, routing_room_);
  }
  [[nodiscard]] std::optional<Notify> notify() const {
    if (!routing_) return std::nullopt;
    Notify n = usual();
    n.request_uri = routing_->request_uri;
    n.routes = routing_->routes;
    n.from = m_[m_.to_uri];
    n.to = m_[m_.from_uri];
    n.to_tag = m_[m_.from_tag];
    n.call_id = m_[m_.call_id];
    n.cseq = m_.cseq_number;
    return n;
  }

 private:
  std::string text_;
  Message m_;
  std::array<char, 4000> set_room_, routing_room_;
  std::optional<Routing> routing_;
};

TEST(Notify, IsAcceptedByAllWhateverSubscribeItAnswers) {
  testing::Generator generator(6665);
  int notified = 0;
  for (int i = 0; i < 2'000; ++i) {
    std::string text = generator.request();
    const std::size_t end = text.find("\r\n");
    if (end == text.npos) continue;
    text.insert(end + 2, "Record-Route: <sip:p1.example.com;lr>;x=y, <sip:p0.example.com:5070>\r\n");
    if (text.find("Contact:") == text.npos) text.insert(end + 2, "Contact: <sip:w@192.0.2.9:5062;x=y>\r\n");
    const Dialog dialog(text);
    const auto n = dialog.notify();
    // Neither stack reads names with underscores, and the like, that the index tolerates.
    if (!n || !judges::Osip(text).accepts() || !judges::Sofia(text).accepts()) continue;
    ++notified;
    expect_indexed(write(*n), *n);
    expect_read<judges::Osip>(write(*n), *n);
    expect_read<judges::Sofia>(write(*n), *n);
    if (HasFailure()) return;
  }
  EXPECT_GE(notified, 200);
}

// --- RFC 3261 12.2.1.1

std::string arranged(std::string_view target, std::string_view set, std::size_t room = 200) {
  std::array<char, 200> out;
  const auto r = arrange_routes(target, set, std::span(out).first(room));
  if (!r) return "none";
  return std::string(r->request_uri) + " | " + std::string(r->routes) + " | " + std::string(r->next_hop);
}

TEST(ArrangeRoutes, WithoutARouteSetTheTargetIsAsked) { EXPECT_EQ(arranged("sip:w@b", ""), "sip:w@b |  | sip:w@b"); }

TEST(ArrangeRoutes, ALooseRouterLeavesTheTargetInTheRequestLine) {
  EXPECT_EQ(arranged("sip:w@b", "<sip:p1;lr>, <sip:p2>"), "sip:w@b | <sip:p1;lr>, <sip:p2> | sip:p1;lr");
  EXPECT_EQ(arranged("sip:w@b", "<sip:p1;x=y;LR=on>"), "sip:w@b | <sip:p1;x=y;LR=on> | sip:p1;x=y;LR=on");
}

TEST(ArrangeRoutes, AStrictRouterMovesIntoTheRequestLineAndTheTargetBehindTheOthers) {
  EXPECT_EQ(arranged("sip:w@b", "<sip:p1>"), "sip:p1 | <sip:w@b> | sip:p1");
  EXPECT_EQ(arranged("sip:w@b", "<sip:lr@p1:5070;x=y;METHOD=INVITE;z?Subject=x>;q=1, <sip:p2;lr>,<sip:p3>"),
            "sip:lr@p1:5070;x=y;z | <sip:p2;lr>,<sip:p3>, <sip:w@b> | sip:lr@p1:5070;x=y;z");
  EXPECT_EQ(arranged("sip:w@b", "<sip:p1?Subject=x>"), "sip:p1 | <sip:w@b> | sip:p1");
}

TEST(ArrangeRoutes, WhatIsNoRouteOrDoesNotFitIsNone) {
  EXPECT_EQ(arranged("sip:w@b", "<tel:+1>"), "none");
  EXPECT_EQ(arranged("sip:w@b", "p1"), "none");
  EXPECT_EQ(arranged("sip:w@b", "<sip:a b>"), "none");
  EXPECT_EQ(arranged("sip:w@b", "<sip:p1>, <sip:p2>", 6 + 8 + 2 + 9), "sip:p1 | <sip:p2>, <sip:w@b> | sip:p1");
  EXPECT_EQ(arranged("sip:w@b", "<sip:p1>, <sip:p2>", 6 + 8 + 2 + 9 - 1), "none");
}

}  // namespace
}  // namespace viaduct::sip
