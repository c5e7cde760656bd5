// SPDX-License-Identifier: Apache-2.0
// Branches and To tags come back and verify; what was touched anywhere does not.
#include "viaduct/sip/token.h"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "generated.h"
#include "viaduct/sip/forward.h"

namespace viaduct::sip {
namespace {

using testing::Generator;
using testing::indexed;

const base::Endpoint place{base::Address::v4({198, 51, 100, 9}), 40000};

Via top_of(const Message& message) {
  const auto via = parse_via(message[message.top_via]);
  EXPECT_TRUE(via);
  return via.value_or(Via{});
}

std::string branch_of(std::string_view text, Direction direction = Direction::to_home, const base::Endpoint& to = place) {
  const Message request = indexed(text);
  const BranchText branch = branch_text(make_branch(request, top_of(request), direction, to, testing::signing_keys()));
  return {branch.data(), branch.size()};
}

struct Parts {
  std::string method = "INVITE";
  std::string uri = "sip:bob@example.com";
  std::string via = "SIP/2.0/UDP 192.0.2.7:5062;branch=z9hG4bK74bf9;rport";
  std::string call_id = "3848276298220188511@atlanta";
  std::string from_tag = "9fxced76sl";
  std::string to = "<sip:bob@example.com>";
  int cseq = 2;
  std::string more;
  [[nodiscard]] std::string text() const {
    return method + ' ' + uri + " SIP/2.0\r\nVia: " + via + "\r\nMax-Forwards: 70\r\nFrom: <sip:a@example.com>;tag=" + from_tag + "\r\nTo: " + to +
           "\r\nCall-ID: " + call_id + "\r\nCSeq: " + std::to_string(cseq) + ' ' + method + "\r\n" + more + "Content-Length: 0\r\n\r\n";
  }
};

Parts with(const std::function<void(Parts&)>& change) {
  Parts parts;
  change(parts);
  return parts;
}

TEST(Branch, IsTheSameForARetransmissionItsCancelAndItsAck) {
  const std::string invite = branch_of(Parts{}.text());
  EXPECT_EQ(branch_of(Parts{}.text()), invite);
  EXPECT_EQ(branch_of(with([](Parts& p) { p.method = "CANCEL"; }).text()), invite);
  EXPECT_EQ(branch_of(with([](Parts& p) {
                        p.method = "ACK";
                        p.to += ";tag=answered";
                      }).text()),
            invite);
}

// Nodes of two builds forward each other's responses while a fleet is renewed: whoever changes this says so in CHANGELOG.md.
TEST(Branch, IsWhatEarlierBuildsMade) { EXPECT_EQ(branch_of(Parts{}.text()), "z9hG4bKbdudpuaxidkxkvavyqamppwe23zzqqw4as"); }

TEST(Branch, OfSeveralRequestsIsThatOfEach) {
  Generator generator(21);
  std::vector<std::string> texts;
  for (int i = 0; i < 9; ++i) texts.push_back(generator.request());
  std::vector<Message> requests;
  for (const std::string& text : texts) requests.push_back(indexed(text));
  for (std::size_t count = 0; count <= requests.size(); ++count) {
    std::vector<base::Endpoint> places(count);
    std::vector<BranchOf> of(count);
    for (std::size_t i = 0; i < count; ++i) {
      places[i] = generator.endpoint();
      of[i] = {&requests[i], &requests[i].top, i % 3 == 0 ? Direction::by_route : Direction::to_home, &places[i]};
    }
    std::vector<Branch> branches(count);
    make_branches(of, testing::signing_keys(), branches);
    for (std::size_t i = 0; i < count; ++i)
      EXPECT_EQ(branches[i], make_branch(*of[i].request, *of[i].top, of[i].direction, places[i], testing::signing_keys())) << i << " of " << count;
  }
}

TEST(Branch, LeavesProxyRequireOutWhereACancelMayNotCarryIt) {
  const auto with_proxy_require = [](std::string method) {
    return branch_of(with([&](Parts& p) {
                       p.method = method;
                       p.more = "Proxy-Require: foo\r\n";
                     }).text());
  };
  const auto without = [](std::string method) { return branch_of(with([&](Parts& p) { p.method = method; }).text()); };
  EXPECT_EQ(with_proxy_require("INVITE"), without("CANCEL"));
  EXPECT_NE(with_proxy_require("REGISTER"), without("REGISTER"));
}

TEST(Branch, DiffersWithEachThingThatMakesATransaction) {
  const std::string same = branch_of(Parts{}.text()).substr(8, base32_64_bytes);
  const std::function<void(Parts&)> changes[] = {
      [](Parts& p) { p.uri = "sip:bob@example.org"; },
      [](Parts& p) { p.via = "SIP/2.0/UDP 192.0.2.7:5062;branch=z9hG4bK74bfa;rport"; },
      [](Parts& p) { p.via = "SIP/2.0/UDP 192.0.2.8:5062;branch=z9hG4bK74bf9;rport"; },
      [](Parts& p) { p.via = "SIP/2.0/UDP 192.0.2.7:5063;branch=z9hG4bK74bf9;rport"; },
      [](Parts& p) { p.call_id += 'x'; },
      [](Parts& p) { p.from_tag += 'x'; },
      [](Parts& p) { p.cseq = 3; },
  };
  for (const auto& change : changes) EXPECT_NE(branch_of(with(change).text()).substr(8, base32_64_bytes), same);
  EXPECT_EQ(branch_of(with([](Parts& p) { p.via += ";x=y"; }).text()).substr(8, base32_64_bytes), same);
}

TEST(Branch, CarriesItsLoopPart) {
  const SigningKeys keys = testing::signing_keys();
  const auto loop_of = [&](const Parts& parts, Direction direction) { return loop_part(indexed(parts.text()), direction, keys.signing()); };
  const std::string text = Parts{}.text();
  const std::uint32_t plain = loop_of(Parts{}, Direction::to_home);
  EXPECT_EQ(loop_part_of(branch_of(text)), plain);
  EXPECT_NE(loop_of(Parts{}, Direction::to_binding), plain);
  EXPECT_NE(loop_of(with([](Parts& p) { p.more = "Route: <sip:a;lr>\r\n"; }), Direction::to_home), plain);
  EXPECT_NE(loop_of(with([](Parts& p) { p.uri = "sip:carol@example.com"; }), Direction::to_home), plain);
  EXPECT_EQ(loop_of(with([](Parts& p) { p.call_id = "another"; }), Direction::to_home), plain);
  EXPECT_NE(loop_of(with([](Parts& p) { p.more = "Route: <sip:a;lr>\r\nRoute: <sip:b;lr>\r\n"; }), Direction::to_home),
            loop_of(with([](Parts& p) { p.more = "Route: <sip:b;lr>\r\nRoute: <sip:a;lr>\r\n"; }), Direction::to_home));
  EXPECT_FALSE(loop_part_of("z9hG4bK74bf9"));
  EXPECT_FALSE(loop_part_of(""));
}

/// The response that a home sends to a forwarded request: Vias, From, To, Call-ID and CSeq as they came.
std::string response_to(const Message& request) {
  std::string out = "SIP/2.0 200 OK\r\n";
  for (std::size_t i = 0; i < request.headers; ++i) {
    const HeaderId id = request.id[i];
    if (id == HeaderId::via || id == HeaderId::from || id == HeaderId::call_id || id == HeaderId::cseq) out += request.header_line(i);
    if (id == HeaderId::to) out += "To: <sip:x@example.com>;tag=home\r\n";
  }
  return out + "Content-Length: 0\r\n\r\n";
}

std::string forwarded(const std::string& text, const base::Endpoint& source) {
  const Message request = indexed(text);
  const Via top = top_of(request);
  const Branch branch = make_branch(request, top, Direction::to_home, source, testing::signing_keys());
  Edits edits;
  plan_forward(request, top, {source, "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=", branch, ""}, edits);
  std::string out(text.size() + 1024, '\0');
  out.resize(apply_to(edits, text, out));
  return out;
}

bool verifies(const std::string& response_text, std::optional<base::Endpoint> to = {}) {
  const Message response = indexed(response_text);
  const auto second = parse_via(response[response.second_via]);
  if (!second) return false;
  if (!to) to = response_destination(*second);
  return to && verify_branch(top_of(response).branch, response, *to, testing::signing_keys());
}

TEST(Branch, VerifiesOnTheWayBackFromTheResponseAlone) {
  Generator generator(1);
  int tried = 0;
  for (int round = 0; round < 5'000; ++round) {
    const base::Endpoint source = generator.endpoint();
    if (source.address.is_unusable_destination()) continue;
    const std::string text = generator.request();
    if (text.find("maddr") != text.npos) continue;
    const std::string request_text = forwarded(text, source);
    const Message request = indexed(request_text);
    const std::string response = response_to(request);
    ASSERT_TRUE(verifies(response)) << response;
    base::Endpoint elsewhere = source;
    ++elsewhere.port;
    ASSERT_FALSE(verifies(response, elsewhere));
    ++tried;
  }
  EXPECT_GT(tried, 4'000);
}

TEST(Branch, FailsWhenAnyOctetOfItChanges) {
  const std::string text = response_to(indexed(forwarded(Parts{}.text(), place)));
  const Message response = indexed(text);
  std::string branch(top_of(response).branch);
  ASSERT_EQ(branch.size(), branch_bytes);
  const SigningKeys keys = testing::signing_keys();
  ASSERT_TRUE(verify_branch(branch, response, place, keys));
  for (std::size_t i = 0; i < branch.size(); ++i)
    for (unsigned flip = 1; flip < 256; ++flip) {
      std::string other = branch;
      other[i] = static_cast<char>(static_cast<unsigned char>(other[i]) ^ flip);
      ASSERT_FALSE(verify_branch(other, response, place, keys)) << i << ' ' << flip;
    }
  EXPECT_FALSE(verify_branch(branch + 'a', response, place, keys));
  EXPECT_FALSE(verify_branch(std::string_view(branch).substr(0, branch.size() - 1), response, place, keys));
  EXPECT_FALSE(verify_branch("", response, place, keys));
}

TEST(Branch, FailsWhenAnyOctetOfTheTransactionChanges) {
  const std::string text = response_to(indexed(forwarded(Parts{}.text(), place)));
  const Message response = indexed(text);
  const Slice cseq{static_cast<std::uint16_t>(response.value(HeaderId::cseq).data() - text.data()), 1};
  int tried = 0;
  for (const Slice slice : {response.call_id, response.from_tag, cseq})
    for (std::size_t i = slice.offset; i < std::size_t{slice.offset} + slice.bytes; ++i) {
      std::string other = text;
      other[i] = other[i] == '7' ? '8' : '7';
      ASSERT_FALSE(verifies(other)) << other;
      ++tried;
    }
  EXPECT_EQ(tried, 27 + 10 + 1);
}

TEST(Branch, FailsWhenAnyOctetOfTheDestinationChanges) {
  const std::string text = response_to(indexed(forwarded(Parts{}.text(), place)));
  ASSERT_TRUE(verifies(text, place));
  for (std::size_t i = 0; i < 16; ++i) {
    std::array<std::uint8_t, 16> octets = place.address.octets();
    octets[i] ^= 1;
    EXPECT_FALSE(verifies(text, base::Endpoint{base::Address::v6(octets), place.port}));
  }
  for (unsigned bit = 0; bit < 16; ++bit) EXPECT_FALSE(verifies(text, base::Endpoint{place.address, static_cast<std::uint16_t>(place.port ^ 1u << bit)}));
}

TEST(Branch, TakesTheKeyThatItsLetterNames) {
  const std::string text = response_to(indexed(forwarded(Parts{}.text(), place)));
  const Message response = indexed(text);
  const std::string_view branch = top_of(response).branch;
  EXPECT_EQ(branch[7], 'b');
  const SigningKey old('b', testing::key_of(1));
  const SigningKey young('c', testing::key_of(3));
  const SigningKey stranger('b', testing::key_of(9));
  EXPECT_TRUE(verify_branch(branch, response, place, {{young, old}}));
  EXPECT_TRUE(verify_branch(branch, response, place, {{old, std::nullopt}}));
  EXPECT_FALSE(verify_branch(branch, response, place, {{young, std::nullopt}}));
  EXPECT_FALSE(verify_branch(branch, response, place, {{young, stranger}}));
}

std::string ack_text(std::uint64_t tag) {
  std::string letters(base32_64_bytes, ' ');
  write_base32(tag, std::span<char, base32_64_bytes>(letters));
  return with([&](Parts& p) {
           p.method = "ACK";
           p.to += ";tag=" + letters;
         })
      .text();
}

TEST(ReplyTag, IsKnownAgainInTheAck) {
  const SigningKeys keys = testing::signing_keys();
  const std::string invite_text = Parts{}.text();
  const Message invite = indexed(invite_text);
  const std::uint64_t tag = reply_tag(invite, top_of(invite), keys.signing());
  EXPECT_EQ(reply_tag(invite, top_of(invite), keys.signing()), tag);
  const std::string ours_text = ack_text(tag);
  const Message ours = indexed(ours_text);
  EXPECT_TRUE(is_reply_tag(ours, top_of(ours), keys));
  EXPECT_TRUE(is_reply_tag(ours, top_of(ours), {{keys.keys[1], keys.keys[0]}}));
  EXPECT_FALSE(is_reply_tag(ours, top_of(ours), {{keys.keys[1], std::nullopt}}));
  for (unsigned bit = 0; bit < 64; ++bit) {
    const std::string other_text = ack_text(tag ^ std::uint64_t{1} << bit);
    const Message other = indexed(other_text);
    EXPECT_FALSE(is_reply_tag(other, top_of(other), keys));
  }
  EXPECT_FALSE(is_reply_tag(invite, top_of(invite), keys));
}

TEST(ReplyTag, DiffersWithEachPartOfTheTransaction) {
  const SigningKeys keys = testing::signing_keys();
  const auto tag_of = [&](const Parts& parts) {
    const std::string text = parts.text();
    const Message request = indexed(text);
    return reply_tag(request, top_of(request), keys.signing());
  };
  const std::uint64_t same = tag_of(Parts{});
  EXPECT_NE(tag_of(with([](Parts& p) { p.via = "SIP/2.0/UDP 192.0.2.7:5062;branch=z9hG4bK74bfa"; })), same);
  EXPECT_NE(tag_of(with([](Parts& p) { p.call_id += 'x'; })), same);
  EXPECT_NE(tag_of(with([](Parts& p) { p.from_tag += 'x'; })), same);
  EXPECT_NE(tag_of(with([](Parts& p) { p.cseq = 3; })), same);
}

TEST(OwnBranch, NamesTheRequestToWhoeverHasTheKeyAndNobodyElse) {
  const OwnRequest request{.id = 0xfedcba9876543210, .sender = 0x89abcdef};
  const Branch branch = own_branch(request, 7, testing::signing_keys());
  const BranchText letters = branch_text(branch);
  const std::string text{letters.data(), letters.size()};
  EXPECT_EQ(own_branch(request, 7, testing::signing_keys()), branch);
  EXPECT_EQ(verify_own_branch(text, 7, testing::signing_keys()), request);
  EXPECT_EQ(verify_own_branch(text, 8, testing::signing_keys()), std::nullopt);
  EXPECT_FALSE(loop_part_of(text) == std::nullopt) << "it has the shape of any branch of ours";
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string touched = text;
    touched[i] = touched[i] == 'b' ? 'c' : 'b';
    EXPECT_EQ(verify_own_branch(touched, 7, testing::signing_keys()), std::nullopt) << touched;
  }
  EXPECT_EQ(verify_own_branch({}, 7, testing::signing_keys()), std::nullopt);
}

TEST(OwnBranch, OfTheControlCoreIsNoClients) {
  for (const std::uint64_t part : {0x0ULL, 0x89abcdefULL, 0xfffffffeULL, 0xffffffffULL}) {
    const std::uint32_t sender = sender_for({.low = 1, .high = part << 32 | 7});
    EXPECT_NE(sender, control_sender);
    EXPECT_LE(part - sender, 1U) << "and of the same shard";
  }
}

TEST(OwnBranch, IsNoBranchOfARequestThatWasHandedOn) {
  const std::string text = Parts{}.text();
  const Message request = indexed(text);
  const BranchText handed_on = branch_text(make_branch(request, top_of(request), Direction::to_home, place, testing::signing_keys()));
  EXPECT_EQ(verify_own_branch({handed_on.data(), handed_on.size()}, request.cseq_number, testing::signing_keys()), std::nullopt);
  const BranchText own = branch_text(own_branch({.id = 1, .sender = 2}, request.cseq_number, testing::signing_keys()));
  EXPECT_FALSE(verify_branch({own.data(), own.size()}, request, place, testing::signing_keys()));
}

}  // namespace
}  // namespace viaduct::sip
