// SPDX-License-Identifier: Apache-2.0
// Rules in order, parts together, marks, counters, what is refused, and what the cache may not change.
#include "build.h"

namespace viaduct::screen::test {
namespace {

TEST(Rules, SayNothingWhenThereAreNone) {
  const Rules none;
  EXPECT_TRUE(none.is_empty());
  EXPECT_EQ(ask(none, {.user_agent = "friendly-scanner"}).decision, Decision::none);
}

TEST(Rules, AreAskedInFileOrderAndTheFirstThatDecidesEnds) {
  const auto rules = compiled({Making("first", Action::reject, 403).user_agent("scan"), Making("second", Action::drop).user_agent("friendly")});
  const Outcome out = ask(*rules, {.user_agent = "friendly-scanner"});
  EXPECT_EQ(out.decision, Decision::reject);
  EXPECT_EQ(out.status, 403);
  EXPECT_EQ(out.rule, 0);
  EXPECT_EQ(ask(*rules, {.user_agent = "friendly-phone"}).decision, Decision::drop);
  EXPECT_EQ(rules->hits(), (std::vector<std::uint64_t>{1, 1})) << "a rule behind the one that decides is not counted";
}

TEST(Rules, AllowEndsWithNothingDone) {
  const auto rules = compiled({Making("ours", Action::allow).source("192.0.2.0/24"), Making("scanners", Action::drop).user_agent("scan")});
  EXPECT_EQ(ask(*rules, {.user_agent = "scanner"}).decision, Decision::none);
  EXPECT_EQ(ask(*rules, {.user_agent = "scanner", .source = base::Address::v4({198, 51, 100, 1})}).decision, Decision::drop);
}

TEST(Rules, ApplyOnlyWhenAllTheirPartsHold) {
  const auto rules =
      compiled({Making("all", Action::drop).user_agent("^x").request_uri("^sip:a@").from("mallory").source("192.0.2.0/25").source("2001:db8::/32")});
  const Request whole{.user_agent = "x1", .request_uri = "sip:a@example.com", .from = "<sip:mallory@example.com>"};
  EXPECT_EQ(ask(*rules, whole).decision, Decision::drop);
  Request one = whole;
  one.user_agent = "y1";
  EXPECT_EQ(ask(*rules, one).decision, Decision::none);
  one = whole, one.user_agent = nullptr;
  EXPECT_EQ(ask(*rules, one).decision, Decision::none);
  one = whole, one.request_uri = "sip:b@example.com";
  EXPECT_EQ(ask(*rules, one).decision, Decision::none);
  one = whole, one.from = "<sip:alice@example.com>";
  EXPECT_EQ(ask(*rules, one).decision, Decision::none);
  one = whole, one.source = base::Address::v4({192, 0, 2, 200});
  EXPECT_EQ(ask(*rules, one).decision, Decision::none);
  one = whole, one.source = *base::Address::parse("2001:db8::7");
  EXPECT_EQ(ask(*rules, one).decision, Decision::drop);
}

TEST(Rules, MarkAndGoOnAndTheLaterOfTwoMarksStands) {
  const auto rules = compiled({Making("shipped", Action::proxy_only).user_agent("(?i)^baresip"), Making("seen", Action::tag).user_agent("(?i)^bare"),
                               Making("ours", Action::redirect_capable).user_agent("(?i)^baresip v9"), Making("bad", Action::drop).user_agent("evil")});
  EXPECT_TRUE(ask(*rules, {.user_agent = "Baresip v1"}).proxy_only);
  const Outcome newer = ask(*rules, {.user_agent = "baresip v9"});
  EXPECT_TRUE(newer.redirect_capable);
  EXPECT_FALSE(newer.proxy_only);
  EXPECT_EQ(newer.decision, Decision::none);
  EXPECT_EQ(ask(*rules, {.user_agent = "baresip evil"}).decision, Decision::drop) << "a mark does not end";
  EXPECT_EQ(rules->hits(), (std::vector<std::uint64_t>{3, 3, 1, 1}));
}

TEST(Rules, TellAMissingValueFromAnEmptyOne) {
  const auto rules = compiled({Making("any", Action::drop).user_agent(".*")});
  EXPECT_EQ(ask(*rules, {.user_agent = nullptr}).decision, Decision::none);
  EXPECT_EQ(ask(*rules, {.user_agent = ""}).decision, Decision::drop);
}

TEST(Rules, SeeAcrossTheFoldsOfAValue) {
  const auto rules = compiled({Making("folded", Action::drop).user_agent("^friendly.*scanner$")});
  EXPECT_EQ(ask(*rules, {.user_agent = "friendly\r\n scanner"}).decision, Decision::drop);
}

TEST(Rules, AreRefusedWithTheirPlaceAndHyperscansReason) {
  const auto refused = Rules::compile({Making("good", Action::drop).user_agent("a"), Making("bad", Action::drop).from("(")}, 1);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), "rules.toml:1: bad: \"(\" does not compile: Missing close parenthesis for group started at index 0.");
}

TEST(Rules, FindThePrefixOfASourceAmongManyLengths) {
  std::vector<Rule> all;
  for (unsigned bits = 0; bits <= 32; ++bits)
    all.push_back(Making(std::string("v4-") + std::to_string(bits), Action::tag).source(std::string("203.0.113.77/") + std::to_string(bits)));
  for (unsigned bits = 0; bits <= 128; ++bits)
    all.push_back(Making(std::string("v6-") + std::to_string(bits), Action::tag).source(std::string("2001:db8:1:2:3:4:5:6/") + std::to_string(bits)));
  const auto rules = compiled(all);
  std::array<RuleIndex, base::screen_rules_max> out;
  for (const char* text : {"203.0.113.77", "203.0.113.76", "203.0.0.1", "10.0.0.1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::", "::1"}) {
    const base::Address source = *base::Address::parse(text);
    const auto& octets = source.octets();
    const std::size_t count = rules->match(Field::source, {reinterpret_cast<const char*>(octets.data()), octets.size()}, 0, out);
    std::vector<RuleIndex> slow;
    for (std::size_t i = 0; i < all.size(); ++i)
      if (all[i].sources[0].contains(source)) slow.push_back(static_cast<RuleIndex>(i));
    EXPECT_EQ(std::vector<RuleIndex>(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(count)), slow) << text;
  }
}

TEST(Rules, GoOnCountingAfterAReload) {
  const auto before = compiled({Making("gone", Action::tag).user_agent("a"), Making("stays", Action::tag).user_agent("a")});
  for (int i = 0; i < 3; ++i) static_cast<void>(ask(*before, {.user_agent = "a"}));
  const auto after = compiled({Making("stays", Action::tag).user_agent("a"), Making("new", Action::tag).user_agent("a")});
  after->continue_from(*before);
  static_cast<void>(ask(*after, {.user_agent = "a"}));
  EXPECT_EQ(after->hits(), (std::vector<std::uint64_t>{4, 1}));
}

TEST(Screener, ForgetsWhatItKnowsWhenTheRulesChange) {
  Screener screener(0, 64);
  const auto before = compiled({Making("a", Action::drop).user_agent("scan")});
  const auto after = compiled({Making("a", Action::drop).user_agent("phone")});
  EXPECT_EQ(ask(screener, *before, {.user_agent = "scanner"}).decision, Decision::drop);
  EXPECT_EQ(ask(screener, *after, {.user_agent = "scanner"}).decision, Decision::none);
  EXPECT_EQ(ask(screener, *after, {.user_agent = "phone"}).decision, Decision::drop);
  EXPECT_EQ(ask(screener, *before, {.user_agent = "scanner"}).decision, Decision::drop);
}

TEST(Screener, RemembersAValueThatMatchesMoreThanAnEntryHolds) {
  std::vector<Rule> many;
  for (int i = 0; i < 40; ++i) many.push_back(Making(std::string("t") + std::to_string(i), Action::tag).user_agent("x"));
  many.push_back(Making("end", Action::drop).user_agent("x").from("mallory"));
  const auto rules = compiled(many);
  Screener screener(0, 64);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(screener, *rules, {.user_agent = "x", .from = "mallory"}).decision, Decision::drop);
  EXPECT_EQ(rules->hits().back(), 3U);
}

TEST(Screener, KeepsEachWorkersScratchAndCountersApart) {
  const auto rules = compiled({Making("a", Action::tag).user_agent("x")}, 2);
  Screener first(0, 64), second(1, 64);
  static_cast<void>(ask(first, *rules, {.user_agent = "x"}));
  static_cast<void>(ask(second, *rules, {.user_agent = "x"}));
  EXPECT_EQ(rules->hits(), std::vector<std::uint64_t>{2});
}

}  // namespace
}  // namespace viaduct::screen::test
