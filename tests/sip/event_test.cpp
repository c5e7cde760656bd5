// SPDX-License-Identifier: Apache-2.0
// What a notifier reads in a SUBSCRIBE.
#include "viaduct/sip/event.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "viaduct/sip/rare.h"

namespace viaduct::sip {
namespace {

/// A SUBSCRIBE with these header lines, indexed; lives as long as its text.
struct Subscribe {
  std::string text;
  Message m;
  explicit Subscribe(const std::string& headers)
      : text("SUBSCRIBE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nFrom: <sip:w@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 1 SUBSCRIBE\r\n" + headers +
             "\r\n") {
    EXPECT_EQ(index(text, m), Bad::none) << text;
  }
};

EventField read(const Subscribe& s) {
  const auto field = event(s.m);
  EXPECT_TRUE(field) << s.text;
  return field.value_or(EventField{});
}
Bad fault(const std::string& headers) {
  const Subscribe s{headers};
  const auto field = event(s.m);
  return field ? Bad::none : field.error();
}

TEST(Event, IsAPackageWithItsTemplateAndAnId) {
  const Subscribe plain{"Event: reg\r\n"}, whole{"o: reg.winfo ; x=y ; ID = 7a\r\n"};
  EXPECT_EQ(read(plain).package, "reg");
  EXPECT_EQ(read(plain).id, "");
  EXPECT_EQ(read(whole).package, "reg.winfo");
  EXPECT_EQ(read(whole).id, "7a");
}

TEST(Event, KeepsTheCaseOfItsPackageBecauseItCounts) { EXPECT_EQ(read(Subscribe{"Event: Reg\r\n"}).package, "Reg"); }

TEST(Event, StandsOnce) {
  EXPECT_EQ(fault(""), Bad::event_missing);
  EXPECT_EQ(fault("Event: reg\r\nEvent: reg\r\n"), Bad::header_repeated);
  EXPECT_EQ(fault("Event: reg\r\no: presence\r\n"), Bad::header_repeated);
  EXPECT_EQ(fault("Event: reg, presence\r\n"), Bad::event_syntax);
}

TEST(Event, IsRefusedWhenItIsNotWellFormed) {
  for (const char* bad : {"", ";id=1", ".reg", "reg.", "reg..winfo", "reg presence", "reg;", "reg;;id=1", "reg;id", "reg;id=", "reg;id=\"1\"", "reg;id=a[b",
                          "reg;id=1;id=2", "\"reg\""})
    EXPECT_EQ(fault(std::string{"Event: "} + bad + "\r\n"), Bad::event_syntax) << bad;
}

TEST(Event, RatesBecomeIntervals) {
  const Subscribe s{"Event: reg;max-rate=0.03;Min-Rate=0.003;adaptive-min-rate=3\r\n"};
  EXPECT_EQ(read(s).min_interval_ms, 33'334U) << "no sooner than the rate allows";
  EXPECT_EQ(read(s).max_interval_ms, 333'333U) << "no later than the rate demands";
  EXPECT_EQ(read(s).adaptive_interval_ms, 333U);
  EXPECT_EQ(read(Subscribe{"Event: reg;max-rate=0.2\r\n"}).min_interval_ms, 5'000U) << "exact where it can be";
}

TEST(Event, RatesBeyondAllMeasureAreClamped) {
  EXPECT_EQ(read(Subscribe{"Event: reg;max-rate=0.0000000001\r\n"}).min_interval_ms, 0xffff'ffffU);
  EXPECT_EQ(read(Subscribe{"Event: reg;min-rate=99999999.9999999999\r\n"}).max_interval_ms, 1U);
}

TEST(Event, ARateThatIsNoPositiveNumberIsNone) {
  for (const char* rate : {"0", "0.0", "1.", ".5", "-1", "1e3", "1.2.3", "0.00000000001", "999999999", "\"1\"", "1_0"}) {
    const Subscribe s{std::string{"Event: reg;max-rate="} + rate + ";min-rate=" + rate + ";adaptive-min-rate=" + rate + "\r\n"};
    EXPECT_EQ(read(s).min_interval_ms, std::nullopt) << rate;
    EXPECT_EQ(read(s).max_interval_ms, std::nullopt) << rate;
    EXPECT_EQ(read(s).adaptive_interval_ms, std::nullopt) << rate;
  }
  EXPECT_EQ(read(Subscribe{"Event: reg;max-rate\r\n"}).min_interval_ms, std::nullopt);
}

bool takes(const std::string& headers) { return accepts(Subscribe{headers}.m, "application/reginfo+xml"); }

TEST(Accept, ThatIsAbsentTakesThePackagesDefault) { EXPECT_TRUE(takes("Accept-Language: en\r\n")); }

TEST(Accept, ThatIsEmptyTakesNothing) { EXPECT_FALSE(takes("Accept:\r\n")); }

TEST(Accept, NamesTheTypeOrARangeThatCoversIt) {
  for (const char* value :
       {"application/reginfo+xml", "Application/RegInfo+XML", "application/*", "*/*", "text/plain, application / reginfo+xml", "text/plain,\r\n  */*;q=0.1",
        "application/reginfo+xml;charset=utf-8;q=0.001", "application/reginfo+xml ; x=\"a,b;q=0\"", "a/b;;, */*"})
    EXPECT_TRUE(takes(std::string{"Accept: "} + value + "\r\n")) << value;
  for (const char* value : {"application/pidf+xml", "text/*", "*", "*/reginfo+xml", "application", "application/", "/reginfo+xml", "application/reginfo+xml;;",
                            "application/reginfo", "\"application/reginfo+xml\""})
    EXPECT_FALSE(takes(std::string{"Accept: "} + value + "\r\n")) << value;
}

TEST(Accept, MayStandOnSeveralLines) {
  EXPECT_TRUE(takes("Accept: text/plain\r\nSubject: x\r\nACCEPT: application/reginfo+xml\r\n"));
  EXPECT_FALSE(takes("Accept: text/plain\r\nAccept:\r\n"));
}

TEST(Accept, RefusesWithAZeroQAndTheNarrowestRangeDecides) {
  for (const char* value : {"*/*;q=0", "*/*;q=0.000", "*/*, application/*;q=0", "application/reginfo+xml;q=0, */*", "application/*;q=0.0, */*;q=1"})
    EXPECT_FALSE(takes(std::string{"Accept: "} + value + "\r\n")) << value;
  for (const char* value : {"*/*;q=0, application/*", "application/*;q=0,application/reginfo+xml;Q=0.5",
                            "application/reginfo+xml;level=1;q=0, application/reginfo+xml", "*/*;q=00.0000"})
    EXPECT_TRUE(takes(std::string{"Accept: "} + value + "\r\n")) << value;
}

TEST(SuppressIfMatch, IsAnEntityTagOrAStarThatStandsAlone) {
  const auto tag = [](const std::string& headers) { return std::string(suppress_if_match(Subscribe{headers}.m)); };
  EXPECT_EQ(tag("Suppress-If-Match: 2f-a\r\n"), "2f-a");
  EXPECT_EQ(tag("suppress-if-match:*\r\n"), "*");
  for (const char* none : {"", "Suppress-If-Match:\r\n", "Suppress-If-Match: a b\r\n", "Suppress-If-Match: \"a\"\r\n", "Suppress-If-Match: a, b\r\n",
                           "Suppress-If-Match: a\r\nSuppress-If-Match: b\r\n"})
    EXPECT_EQ(tag(none), "") << none;
}

TEST(RetryAfter, IsReadBeforeItsCommentAndParameters) {
  const auto seconds = [](const std::string& headers) { return retry_after_s(Subscribe{headers}.m); };
  EXPECT_EQ(seconds("Retry-After: 120\r\n"), 120U);
  EXPECT_EQ(seconds("retry-after: 18000;duration=3600\r\n"), 18'000U);
  EXPECT_EQ(seconds("Retry-After: 5 (I'm in a meeting)\r\n"), 5U);
  EXPECT_EQ(seconds("Retry-After: 99999999999\r\n"), 0xffff'ffffU);
  for (const char* none : {"", "Retry-After:\r\n", "Retry-After: soon\r\n", "Retry-After: -1\r\n", "Retry-After: 1.5\r\n", "Retry-After: 5 s\r\n"})
    EXPECT_EQ(seconds(none), std::nullopt) << none;
}

TEST(RemoteTarget, IsTheUriOfTheOnlyContact) {
  const auto target = [](const std::string& headers) { return std::string(remote_target(Subscribe{headers}.m).value_or("none")); };
  EXPECT_EQ(target("Contact: \"W\" <sip:w@192.0.2.1:5070;transport=udp>;expires=5\r\n"), "sip:w@192.0.2.1:5070;transport=udp");
  EXPECT_EQ(target("m: sips:w@b\r\n"), "sips:w@b");
  for (const char* none : {"", "Contact: *\r\n", "Contact: <sip:a@b>, <sip:c@d>\r\n", "Contact: <sip:a@b>\r\nm: <sip:a@b>\r\n", "Contact: <tel:+1>\r\n",
                           "Contact: <mailto:a@b>\r\n", "Contact: <sip:a b>\r\n", "Contact: <sip:>\r\n"})
    EXPECT_EQ(target(none), "none") << none;
}

std::string routes_of(const std::string& headers, std::size_t room = 200) {
  std::array<char, 200> out;
  return std::string(route_set(Subscribe{headers}.m, std::span(out).first(room)).value_or("none"));
}

TEST(RouteSet, IsTheRecordRoutesInTheirOrderOnOneLine) {
  EXPECT_EQ(routes_of(""), "");
  EXPECT_EQ(routes_of("Record-Route: <sip:p2;lr>\r\nSubject: x\r\nrecord-route: \"P\" <sip:p1;lr> ; x = \"a,b\" ;y,<sip:p0>\r\n"),
            "<sip:p2;lr>, <sip:p1;lr>;x=\"a,b\";y, <sip:p0>");
}

TEST(RouteSet, IsNoneWhenAValueIsNotWellFormedOrTheRoomEnds) {
  for (const char* bad : {"<sip:p1;lr", "p1", "<sip:p1;lr> x", "<sip:p1;lr>;", "<sip:p1;lr>\r<sip:p2>", "<sip:p1;lr>;x=\"a\r\n b\""})
    EXPECT_EQ(routes_of(std::string{"Record-Route: "} + bad + "\r\n"), "none") << bad;
  const std::string two = "Record-Route: <sip:p1;lr>,<sip:p2;lr>\r\n";
  EXPECT_EQ(routes_of(two, 24), "<sip:p1;lr>, <sip:p2;lr>");
  for (std::size_t room = 0; room < 24; ++room) EXPECT_EQ(routes_of(two, room), "none") << room;
}

TEST(RareLines, AreThoseOfTheNameInTheirOrder) {
  const Subscribe s{"Accept-Contact: *\r\nallow-events : reg,\r\n presence\r\nx-y: 1\r\nALLOW-EVENTS:\r\nAllow-Event: no\r\nAllow-Events2: no\r\n"};
  RareLines lines(s.m, "Allow-Events");
  std::string_view value;
  ASSERT_TRUE(lines.next(value));
  EXPECT_EQ(value, "reg,\r\n presence");
  ASSERT_TRUE(lines.next(value));
  EXPECT_EQ(value, "");
  EXPECT_FALSE(lines.next(value));
  EXPECT_FALSE(lines.next(value));
}

}  // namespace
}  // namespace viaduct::sip
