// SPDX-License-Identifier: Apache-2.0
// Forwarded requests and returned responses, compared octet by octet with what the slow obvious form makes of them.
#include "viaduct/sip/forward.h"

#include <gtest/gtest.h>

#include "edits.h"
#include "generated.h"
#include "torture.h"
#include "viaduct/sip/route.h"

namespace viaduct::sip {
namespace {

using testing::Generator;
using testing::Guarded;
using testing::indexed;

constexpr std::string_view via_prefix = "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=";

/// With the letters of zeros and of ones.
Branch some_branch() { return {.letter = 'x', .t = 0, .l = ~0U, .m = 0}; }
std::string our_via_line() { return std::string(via_prefix) + "z9hG4bKx" + std::string(13, 'a') + 'd' + std::string(6, '7') + std::string(13, 'a') + "\r\n"; }

std::string applied(const Edits& edits, std::string_view text) {
  EXPECT_FALSE(edits.overflow());
  std::string out(text.size() + static_cast<std::size_t>(edits.growth()), '\0');
  EXPECT_EQ(apply_to(edits, text, out), out.size());
  return out;
}

std::string forwarded(const Message& request, const base::Endpoint& source, std::string_view headers = "") {
  const auto top = parse_via(request[request.top_via]);
  EXPECT_TRUE(top) << request[request.top_via];
  Edits edits;
  plan_forward(request, top.value_or(Via{}), {source, via_prefix, some_branch(), headers}, edits);
  return applied(edits, request.text);
}

/// The number of a Max-Forwards line one less, in at most three places.
std::string reference_max_forwards(const Message& request, std::size_t i) {
  std::string line(request.header_line(i));
  const std::string value(request.header_value(i));
  std::string number = std::to_string(std::stoul(value) - 1);
  while (number.size() < std::min<std::size_t>(value.size(), 3)) number.insert(0, 1, ' ');
  return line.replace(static_cast<std::size_t>(request.header_value(i).data() - request.header_line(i).data()), value.size(), number);
}

std::string reference_forwarded(const Message& request, const base::Endpoint& source, std::string_view headers) {
  std::string out(request.text.substr(0, request.line[0]));
  out += our_via_line() + std::string(headers);
  if (!request.has(HeaderId::max_forwards)) out += "Max-Forwards: 70\r\n";
  for (std::size_t i = 0; i < request.headers; ++i) {
    if (request.id[i] == HeaderId::x_viaduct_home) continue;
    std::string line(request.header_line(i));
    if (request.top_via.offset >= request.line[i] && request.top_via.offset < request.line[i + 1])
      line.replace(request.top_via.offset - request.line[i], request.top_via.bytes, ref::reference_via(request[request.top_via], source));
    out += request.id[i] == HeaderId::max_forwards ? reference_max_forwards(request, i) : line;
  }
  return out + std::string(request.text.substr(request.line[request.headers]));
}

TEST(Forward, IsWhatTheSpecificationShows) {
  const std::string text =
      "REGISTER sip:example.com SIP/2.0\r\n"
      "From: <sip:alice@example.com>;tag=1\r\n"
      "X-Viaduct-Home: forged\r\n"
      "v: SIP/2.0/UDP 10.0.0.7;rport;branch=z9hG4bK1, SIP/2.0/UDP 10.0.0.8;rport\r\n"
      "To: <sip:alice@example.com>\r\n"
      "Max-Forwards: 10\r\n"
      "Call-ID: 1\r\n"
      "CSeq: 1 REGISTER\r\n\r\n";
  EXPECT_EQ(forwarded(indexed(text), {*base::Address::parse("2001:db8::7"), 5070}, "X-Viaduct-Home: 1.2.3\r\n"),
            "REGISTER sip:example.com SIP/2.0\r\n" + our_via_line() +
                "X-Viaduct-Home: 1.2.3\r\n"
                "From: <sip:alice@example.com>;tag=1\r\n"
                "v: SIP/2.0/UDP 10.0.0.7;branch=z9hG4bK1;received=2001:db8::7;rport=5070, SIP/2.0/UDP 10.0.0.8;rport\r\n"
                "To: <sip:alice@example.com>\r\n"
                "Max-Forwards:  9\r\n"
                "Call-ID: 1\r\n"
                "CSeq: 1 REGISTER\r\n\r\n");
}

void expect_same_but_for_the_hop(const Message& in, const Message& out, const base::Endpoint& source) {
  ASSERT_EQ(out.via_values, in.via_values + 1);
  ASSERT_EQ(out[out.top_via], our_via_line().substr(5, our_via_line().size() - 7));
  ASSERT_EQ(out.max_forwards, in.has(HeaderId::max_forwards) ? in.max_forwards - 1 : 70);
  ASSERT_EQ(out[out.method_text], in[in.method_text]);
  ASSERT_EQ(out[out.request_uri], in[in.request_uri]);
  ASSERT_EQ(out[out.body], in[in.body]);
  ASSERT_EQ(out[out.call_id], in[in.call_id]);
  ASSERT_EQ(out[out.from_tag], in[in.from_tag]);
  ASSERT_EQ(out[out.to_tag], in[in.to_tag]);
  ASSERT_EQ(out.cseq_number, in.cseq_number);
  ASSERT_FALSE(out.has(HeaderId::x_viaduct_home));
  const auto second = parse_via(out[out.second_via]);
  ASSERT_TRUE(second);
  ASSERT_EQ(second->received, source.address.text());
  ASSERT_EQ(second->rport, std::to_string(source.port));
  ASSERT_EQ(second->branch, parse_via(in[in.top_via])->branch);
}

TEST(Forward, ChangesNothingButTheHopWhateverTheRequestLooksLike) {
  Generator generator(1);
  for (int round = 0; round < 20'000; ++round) {
    const std::string text = generator.request();
    const Message request = indexed(text);
    const base::Endpoint source = generator.endpoint();
    const std::string_view headers = round % 2 == 0 ? "" : "X-Viaduct-Home: 1.2.3\r\n";
    const std::string out = forwarded(request, source, headers);
    ASSERT_EQ(out, reference_forwarded(request, source, headers));
    if (!headers.empty()) continue;
    ASSERT_NO_FATAL_FAILURE(expect_same_but_for_the_hop(request, indexed(out), source)) << text;
  }
}

/// Done in place, with as much room before and behind the text as is said, and nothing else touched. Empty when it must be planned.
std::string in_place(const std::string& text, const base::Endpoint& source, std::string_view headers, std::size_t before, std::size_t behind) {
  const std::string beyond(64, '@');
  const Guarded buffer(beyond + std::string(before, '#') + text + std::string(behind, '#'), Guarded::Side::behind);
  char* const at = const_cast<char*>(buffer.text().data()) + beyond.size() + before;
  const Message request = indexed({at, text.size()});
  const std::span<char> out = forward_in_place(request, {source, via_prefix, some_branch(), headers}, {at, before, behind});
  EXPECT_TRUE(buffer.text().starts_with(beyond)) << "written before the room";
  if (!out.empty()) return {out.begin(), out.end()};
  EXPECT_EQ(std::string(at, text.size()), text) << "changed, and not done";
  return {};
}

TEST(Forward, IsTheSameInPlace) {
  Generator generator(11);
  unsigned done = 0;
  for (int round = 0; round < 20'000; ++round) {
    const std::string text = round % 4 == 0 ? generator.request() : generator.plain_request();
    const base::Endpoint source = generator.endpoint();
    const std::string path = "Path: <sip:" + std::string(generator.below(90), 'p') + "@192.0.2.1:5060;lr;ob>\r\n";
    const std::string_view headers = round % 3 == 0 ? "" : round % 3 == 1 ? "X-Viaduct-Home: 1.2.3\r\n" : std::string_view(path);
    const std::string expected = forwarded(indexed(text), source, headers);
    const std::size_t growth = expected.size() - text.size();
    for (const std::size_t before : {std::size_t{0}, std::size_t{128}, growth / 2, growth - 1, growth, growth + generator.below(64)}) {
      const std::size_t lacking = growth - std::min(growth, before);
      for (const std::size_t behind : {lacking, lacking + generator.below(64), lacking - std::min<std::size_t>(lacking, 1)}) {
        const std::string out = in_place(text, source, headers, before, behind);
        if (before + behind < growth) {
          ASSERT_EQ(out, "");
        }
        if (out.empty()) continue;
        ASSERT_EQ(out, expected) << text << before << ' ' << behind;
        ++done;
      }
    }
  }
  EXPECT_GT(done, 140'000U);
}

TEST(Forward, ReadsNothingOutsideTheRequest) {
  Generator generator(2);
  for (int round = 0; round < 4'000; ++round) {
    const Guarded text(generator.request(), round % 2 == 0 ? Guarded::Side::behind : Guarded::Side::before);
    const Message request = indexed(text.text());
    const base::Endpoint source = generator.endpoint();
    ASSERT_EQ(forwarded(request, source), reference_forwarded(request, source, ""));
  }
}

std::vector<std::string> routes_of(const Message& request) {
  std::vector<std::string> out;
  Routes routes(request);
  for (RouteValue route; routes.next(route);) out.emplace_back(route.value);
  return out;
}

/// Route lines with those values, laid out at random: one line or several, white space, empty elements.
std::string route_lines(Generator& generator, const std::vector<std::string>& values) {
  const auto filler = [&] { return std::vector<std::string>{"", " ", "\r\n ", ", ", " ,\t"}[generator.below(5)]; };
  std::string out;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool begins = i == 0 || generator.below(3) == 0;
    if (begins && i > 0) out += "\r\n";
    if (begins && generator.below(3) == 0) out += "X-Between: 1\r\n";
    out += (begins ? "Route: " : ",") + filler() + values[i] + (generator.below(4) == 0 ? " " : "");
  }
  return out + (values.empty() ? "" : "\r\n");
}

TEST(Forward, TakesRoutesAwayAndLeavesTheOthersInTheirOrder) {
  Generator generator(21);
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::string> values(1 + generator.below(5));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = "\"a, b\" <sip:r" + std::to_string(i) + ";lr>" + (generator.below(2) ? ";x=\",\"" : "");
    const std::string text = "BYE sip:old@a SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\n" + route_lines(generator, values) +
                             "Max-Forwards: 70\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 BYE\r\n\r\n";
    const Message request = indexed(text);
    ASSERT_EQ(routes_of(request), values) << text;
    RouteEdits edits{.leading = static_cast<std::uint8_t>(generator.below(static_cast<unsigned>(values.size()) + 1))};
    edits.last = edits.leading < values.size() && generator.below(3) == 0;
    if (generator.below(3) == 0) edits.request_uri = "sip:new@c;with=more";
    if (generator.below(3) == 0) edits.appended = "sip:appended@d";
    const base::Endpoint source{base::Address::v4({1, 2, 3, 4}), 5};
    Edits plan;
    plan_forward(request, request.top, {source, via_prefix, some_branch(), "", &edits}, plan);
    const std::string sent = applied(plan, text);
    const Message out = indexed(sent);
    std::vector<std::string> expected(values.begin() + edits.leading, values.end() - (edits.last ? 1 : 0));
    if (!edits.appended.empty()) expected.push_back("<sip:appended@d>");
    ASSERT_EQ(routes_of(out), expected) << text << sent;
    ASSERT_EQ(out[out.request_uri], edits.request_uri.empty() ? "sip:old@a" : edits.request_uri);
    ASSERT_EQ(out[out.top_via], our_via_line().substr(5, our_via_line().size() - 7));
    ASSERT_EQ(out.max_forwards, 69);
    std::string room(1024, '#');
    ASSERT_TRUE(forward_in_place(request, {source, via_prefix, some_branch(), "", &edits}, {room.data() + 256, 256, 256}).empty());
  }
}

TEST(Forward, KeepsTheWidthOfMaxForwards) {
  const auto line_after = [](std::string value) {
    const std::string text = "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nMax-Forwards:" + value +
                             "\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n";
    const std::string out = forwarded(indexed(text), {base::Address::v4({1, 2, 3, 4}), 5});
    const std::size_t begin = out.find("Max-Forwards:") + 13;
    return out.substr(begin, out.find("\r\n", begin) - begin);
  };
  EXPECT_EQ(line_after("70"), "69");
  EXPECT_EQ(line_after(" 10"), "  9");
  EXPECT_EQ(line_after(" 1"), " 0");
  EXPECT_EQ(line_after(" 100 "), "  99 ");
  EXPECT_EQ(line_after("\t255"), "\t254");
  EXPECT_EQ(line_after(" 070"), "  69");
  EXPECT_EQ(line_after(" 000070"), "  69");
}

TEST(Forward, FindsTheTopViaBehindALineOfEmptyElements) {
  const std::string head = "OPTIONS sip:a SIP/2.0\r\n";
  const std::string rest = "\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n";
  const std::string text = head + "Via: ,\r\nMax-Forwards: 70\r\nv: SIP/2.0/UDP a;branch=z9hG4bK1" + rest;
  const std::string out = forwarded(indexed(text), {base::Address::v4({1, 2, 3, 4}), 5});
  EXPECT_TRUE(out.starts_with(head + our_via_line() + "Via: ,\r\nMax-Forwards: 69\r\nv: SIP/2.0/UDP a;branch=z9hG4bK1;received=1.2.3.4;rport=5\r\nFrom:"))
      << out;
}

TEST(ForwardDeathTest, StopsOnARequestWithoutAHopLeft) {
  const std::string text =
      "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nMax-Forwards: 0\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 "
      "OPTIONS\r\n\r\n";
  const Message request = indexed(text);
  Edits edits;
  EXPECT_DEATH(plan_forward(request, {}, {{}, via_prefix, some_branch(), ""}, edits), "no hop left");
}

TEST(Forward, GrowsByItsMaximumAtTheMost) {
  const std::string longest = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
  const std::string text =
      "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n";
  const Message request = indexed(text);
  Edits edits;
  const std::string prefix = "Via: SIP/2.0/UDP [" + longest + "]:65535;in=255;branch=";
  const std::string via_end = std::string(via_end_bytes_max - 2, 'x') + "\r\n";
  plan_forward(request, *parse_via(request[request.top_via]),
               {.source = {*base::Address::parse(longest), 65535}, .via_prefix = prefix, .branch = some_branch(), .via_end = via_end}, edits);
  // The bound allows for the longest text of an address, which has six octets more than the longest that is ever printed.
  EXPECT_EQ(static_cast<std::size_t>(edits.growth()) + 2 * (base::address_text_bytes_max - longest.size()), forward_growth_max());
}

TEST(Forward, VoidsAPlanWithMoreCutsThanFit) {
  std::string vias = "Via: SIP/2.0/UDP a;branch=z9hG4bK1";
  for (std::size_t i = 0; i < 2 * edits_max; ++i) vias += ";rport;x=" + std::to_string(i);
  const std::string text = "OPTIONS sip:a SIP/2.0\r\n" + vias + "\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n";
  Message request;
  (void)index(text, request);
  const auto top = parse_via(request[request.top_via]);
  ASSERT_TRUE(top);
  Edits edits;
  plan_forward(request, *top, {{base::Address::v4({1, 2, 3, 4}), 5}, via_prefix, some_branch(), ""}, edits);
  EXPECT_TRUE(edits.overflow());
}

TEST(Return, IsWhatTheSpecificationShows) {
  const std::string text =
      "SIP/2.0 200 OK\r\n"
      "To: <sip:a@b>;tag=2\r\n"
      "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKx\r\n"
      "Via: SIP/2.0/UDP 10.0.0.7;branch=z9hG4bK1\r\n"
      "From: <sip:a@b>;tag=1\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\n\r\n";
  Edits edits;
  plan_return(indexed(text), edits);
  EXPECT_EQ(applied(edits, text),
            "SIP/2.0 200 OK\r\n"
            "To: <sip:a@b>;tag=2\r\n"
            "Via: SIP/2.0/UDP 10.0.0.7;branch=z9hG4bK1\r\n"
            "From: <sip:a@b>;tag=1\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\n\r\n");
}

TEST(Return, RemovesOurViaAndNothingElseWhereverItStands) {
  Generator generator(3);
  for (int round = 0; round < 20'000; ++round) {
    std::vector<std::string> vias(2 + generator.below(4));
    for (auto& via : vias) via = generator.via();
    std::string expected;
    const std::string text = generator.response(vias, &expected);
    const Message response = indexed(text);
    Edits edits;
    plan_return(response, edits);
    const std::string out = applied(edits, text);
    ASSERT_EQ(out, expected) << text;
    const Message returned = indexed(out);
    ASSERT_EQ(returned.via_values, response.via_values - 1);
    ASSERT_EQ(returned[returned.top_via], vias[1]);
  }
}

TEST(Return, FindsOurViaBehindALineOfEmptyElements) {
  const std::string rest = "From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\n\r\n";
  const std::string text = "SIP/2.0 200 OK\r\nVia: ,\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKx\r\nv: ,SIP/2.0/UDP b;branch=z9hG4bK1\r\n" + rest;
  Edits edits;
  plan_return(indexed(text), edits);
  EXPECT_EQ(applied(edits, text), "SIP/2.0 200 OK\r\nVia: ,\r\nv: ,SIP/2.0/UDP b;branch=z9hG4bK1\r\n" + rest);
}

TEST(Return, UndoesAForward) {
  Generator generator(4);
  for (int round = 0; round < 5'000; ++round) {
    std::vector<std::string> vias(1 + generator.below(3));
    for (auto& via : vias) via = generator.via();
    vias.insert(vias.begin(), our_via_line().substr(5, our_via_line().size() - 7));
    std::string expected;
    const std::string text = generator.response(vias, &expected);
    Edits edits;
    plan_return(indexed(text), edits);
    ASSERT_EQ(applied(edits, text), expected);
  }
}

TEST(Forward, ForwardsEveryGoodTortureRequest) {
  int tried = 0;
  for (const auto& file : testing::torture_messages()) {
    const Guarded text(file.text, Guarded::Side::behind);
    Message request;
    if (index(text.text(), request) != Bad::none || !request.is_request || request.max_forwards == 0) continue;
    const base::Endpoint source{base::Address::v4({198, 51, 100, 9}), 40000};
    ASSERT_EQ(forwarded(request, source), reference_forwarded(request, source, "")) << file.name;
    ++tried;
  }
  EXPECT_GE(tried, 10);
}

}  // namespace
}  // namespace viaduct::sip
