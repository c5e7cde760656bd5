// SPDX-License-Identifier: Apache-2.0
// Replies, compared header by header with the request they answer.
#include "viaduct/sip/reply.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "edits.h"
#include "generated.h"
#include "torture.h"
#include "viaduct/base/text.h"

namespace viaduct::sip {
namespace {

using testing::Generator;
using testing::Guarded;

const base::Endpoint place{base::Address::v4({198, 51, 100, 9}), 40000};

std::string reply_text(const Message& request, const Reply& reply) {
  std::string out(request.text.size() + 1024, '\0');
  out.resize(write_reply(request, reply, out));
  return out;
}

constexpr std::string_view status = "SIP/2.0 302 Moved Temporarily\r\n";
constexpr std::string_view contact = "Contact: <sip:192.0.2.4:5060>\r\nServer: x\r\n";
constexpr std::uint64_t tag = 0x0123456789abcdef;
constexpr std::string_view tag_text = ";tag=aci2fm6e2xtpp";

/// The slow obvious form, line by line.
std::string reference(const Message& request, const Reply& reply) {
  std::string out(reply.status_line);
  bool seen[header_ids_count] = {};
  for (std::size_t i = 0; i < request.headers; ++i) {
    const HeaderId id = request.id[i];
    std::string line(request.header_line(i));
    if (id == HeaderId::via) {
      const bool top = request.top_via.offset >= request.line[i] && request.top_via.offset < request.line[i + 1];
      if (top) line.replace(request.top_via.offset - request.line[i], request.top_via.bytes, ref::reference_via(request[request.top_via], reply.source));
      out += line;
      continue;
    }
    const bool copied = id == HeaderId::from || id == HeaderId::to || id == HeaderId::call_id || id == HeaderId::cseq || id == HeaderId::timestamp;
    if (!copied || std::exchange(seen[static_cast<std::size_t>(id)], true)) continue;
    if (id == HeaderId::to && request.to_tag.bytes == 0) {
      const std::string_view value = request.header_value(i);
      line.insert(static_cast<std::size_t>(value.data() + value.size() - request.header_line(i).data()), tag_text);
    }
    out += line;
  }
  return out + std::string(reply.headers) + "Content-Length: 0\r\n\r\n";
}

TEST(Reply, IsWhatTheSpecificationShows) {
  const std::string text =
      "REGISTER sip:example.com SIP/2.0\r\n"
      "Via: SIP/2.0/UDP 192.0.2.7:5062;rport;branch=z9hG4bK74bf9\r\n"
      "Max-Forwards: 70\r\n"
      "From: <sip:alice@example.com>;tag=9fxced76sl\r\n"
      "To: <sip:alice@example.com>\r\n"
      "Call-ID: 3848276298220188511@atlanta\r\n"
      "v: SIP/2.0/UDP 192.0.2.8, SIP/2.0/UDP 192.0.2.9;rport\r\n"
      "CSeq: 2 REGISTER\r\n"
      "Contact: <sip:alice@192.0.2.7>\r\n"
      "Timestamp: 1\r\n"
      "Content-Length: 0\r\n\r\n";
  EXPECT_EQ(reply_text(testing::indexed(text), {status, place, tag, contact}),
            "SIP/2.0 302 Moved Temporarily\r\n"
            "Via: SIP/2.0/UDP 192.0.2.7:5062;branch=z9hG4bK74bf9;received=198.51.100.9;rport=40000\r\n"
            "From: <sip:alice@example.com>;tag=9fxced76sl\r\n"
            "To: <sip:alice@example.com>;tag=aci2fm6e2xtpp\r\n"
            "Call-ID: 3848276298220188511@atlanta\r\n"
            "v: SIP/2.0/UDP 192.0.2.8, SIP/2.0/UDP 192.0.2.9;rport\r\n"
            "CSeq: 2 REGISTER\r\n"
            "Timestamp: 1\r\n"
            "Contact: <sip:192.0.2.4:5060>\r\n"
            "Server: x\r\n"
            "Content-Length: 0\r\n\r\n");
}

TEST(Reply, CopiesEveryHeaderOctetByOctetWhateverTheRequestLooksLike) {
  Generator generator(1);
  for (int round = 0; round < 20'000; ++round) {
    const std::string text = generator.request();
    const Message request = testing::indexed(text);
    const Reply reply{status, generator.endpoint(), tag, contact};
    ASSERT_EQ(reply_text(request, reply), reference(request, reply)) << text;
  }
}

/// With room to read behind the request, and `room` octets to write that end at an unreadable page's canary.
std::string reply_in(const std::string& text, const Reply& reply, std::size_t readable_behind, std::size_t room) {
  const Guarded behind(text + std::string(readable_behind, '#'), Guarded::Side::behind);
  Reply with = reply;
  with.readable_behind = readable_behind;
  std::string out(room + 200, '@');
  const std::size_t bytes = write_reply(testing::indexed(behind.text().substr(0, text.size())), with, {out.data(), room});
  EXPECT_EQ(out.substr(room), std::string(200, '@')) << "written behind the output";
  return out.substr(0, bytes);
}

TEST(Reply, IsTheSameWhereWholeVectorsMayBeCopied) {
  Generator generator(7);
  for (int round = 0; round < 40'000; ++round) {
    const std::string text = round % 4 == 0 ? generator.request() : generator.plain_request();
    const Reply reply{status, generator.endpoint(), tag, contact};
    const std::string expected = reference(testing::indexed(text), reply);
    const std::size_t readable = generator.below(3) == 0 ? generator.below(130) : base::loose_bytes;
    ASSERT_EQ(reply_in(text, reply, readable, 2 * text.size() + 1024), expected) << text;
    // Just enough, just too little, and every size about where whole vectors begin to fit.
    ASSERT_EQ(reply_in(text, reply, readable, expected.size()), expected) << text;
    ASSERT_EQ(reply_in(text, reply, readable, expected.size() - 1), "") << text;
    ASSERT_EQ(reply_in(text, reply, readable, expected.size() + generator.below(600)), expected) << text;
  }
}

TEST(Reply, IsAGoodResponseWithTheRequestsTransaction) {
  Generator generator(2);
  for (int round = 0; round < 5'000; ++round) {
    const std::string text = generator.request();
    const Message request = testing::indexed(text);
    const std::string out = reply_text(request, {status, generator.endpoint(), tag, contact});
    const Message response = testing::indexed(out);
    ASSERT_EQ(response.status, 302);
    ASSERT_EQ(response.via_values, request.via_values);
    ASSERT_EQ(response[response.call_id], request[request.call_id]);
    ASSERT_EQ(response[response.from_tag], request[request.from_tag]);
    ASSERT_EQ(response.cseq_number, request.cseq_number);
    ASSERT_EQ(response.method, request.method);
    ASSERT_EQ(response[response.to_tag], request.to_tag.bytes == 0 ? tag_text.substr(5) : request[request.to_tag]);
    ASSERT_EQ(response[response.second_via], request[request.second_via]);
  }
}

TEST(Reply, ReadsNothingOutsideTheRequest) {
  Generator generator(3);
  for (int round = 0; round < 5'000; ++round) {
    const Guarded text(generator.request(), round % 2 == 0 ? Guarded::Side::behind : Guarded::Side::before);
    const Message request = testing::indexed(text.text());
    const Reply reply{status, place, tag, contact};
    ASSERT_EQ(reply_text(request, reply), reference(request, reply));
  }
}

TEST(Reply, ReadsNothingBehindARequestThatEndsInItsVia) {
  for (const std::string via : {"v:SIP/2.0/UDP a;rport", "v:SIP/2.0/UDP a", "v: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK0123456789;rport"}) {
    const Guarded text("OPTIONS sip:a SIP/2.0\r\nf:<sip:a@b>;tag=1\r\nt:sip:a@b\r\ni:1\r\nCSeq:1 OPTIONS\r\n" + via + "\r\n\r\n", Guarded::Side::behind);
    const Message request = testing::indexed(text.text());
    const Reply reply{status, place, tag, contact};
    ASSERT_EQ(reply_text(request, reply), reference(request, reply));
  }
}

TEST(Reply, IsGoodWhereverItsRequestIsCutOff) {
  Generator generator(5);
  int answered = 0;
  for (int round = 0; round < 50; ++round) {
    const std::string whole = generator.request();
    for (std::size_t bytes = 1; bytes < whole.size(); ++bytes) {
      const Guarded cut(std::string_view(whole).substr(0, bytes), Guarded::Side::behind);
      Message request;
      if (index(cut.text(), request) == Bad::none || !request.answerable) continue;
      const Reply reply{status_line(request.fault), place, tag, contact};
      const std::string out = reply_text(request, reply);
      ASSERT_EQ(out, reference(request, reply));
      Message response;
      const Bad fault = index(out, response);  // a line cut off at a fold may have lost its end
      ASSERT_TRUE(fault == Bad::none || fault == request.fault || (request.fault == Bad::head_unterminated && name(fault).ends_with("_syntax"))) << out;
      ASSERT_EQ(response.via_values, request.via_values);
      ++answered;
    }
  }
  EXPECT_GT(answered, 1'000);
}

TEST(Reply, FindsTheTopViaBehindALineOfEmptyElements) {
  const std::string text =
      "OPTIONS sip:a SIP/2.0\r\nVia: ,\r\nv: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n";
  const std::string out = reply_text(testing::indexed(text), {status, place, tag, contact});
  EXPECT_TRUE(out.starts_with(std::string(status) + "Via: ,\r\nv: SIP/2.0/UDP a;branch=z9hG4bK1;received=198.51.100.9;rport=40000\r\nFrom:")) << out;
}

TEST(Reply, FillsItsRoomToTheLastOctetAndWritesNothingBeyond) {
  Generator generator(4);
  for (int round = 0; round < 2'000; ++round) {
    const std::string text = generator.request();
    const Message request = testing::indexed(text);
    const Reply reply{status, generator.endpoint(), tag, contact};
    const std::string expected = reference(request, reply);
    const auto exact = std::make_unique<char[]>(expected.size() + 1);
    exact[expected.size()] = '#';
    ASSERT_EQ(write_reply(request, reply, {exact.get(), expected.size()}), expected.size());
    ASSERT_EQ(std::string_view(exact.get(), expected.size()), expected);
    ASSERT_EQ(exact[expected.size()], '#');
    const std::size_t less = expected.size() - 1 - generator.below(static_cast<unsigned>(expected.size()));
    const auto short_room = std::make_unique<char[]>(less + 1);
    short_room[less] = '#';
    ASSERT_EQ(write_reply(request, reply, {short_room.get(), less}), 0u);
    ASSERT_EQ(short_room[less], '#');
  }
}

TEST(Reply, AnswersEveryAnswerableTortureMessage) {
  int answered = 0;
  for (const auto& file : testing::torture_messages()) {
    const Guarded text(file.text, Guarded::Side::behind);
    Message request;
    (void)index(text.text(), request);
    if (!request.answerable) continue;
    ++answered;
    const Reply reply{status_line(request.fault), place, tag, contact};
    const std::string out = reply_text(request, reply);
    EXPECT_EQ(out, reference(request, reply)) << file.name;
    Message response;
    static_cast<void>(index(out, response));
    EXPECT_FALSE(response.is_request) << file.name;
    EXPECT_EQ(response.via_values, request.via_values) << file.name;
    EXPECT_EQ(response[response.call_id], request[request.call_id]) << file.name;
  }
  EXPECT_GE(answered, 20);
}

TEST(StatusLine, KnowsEveryCodeThatWeSend) {
  for (const int code : {200, 204, 301, 302, 400, 401, 403, 404, 406, 420, 423, 480, 481, 482, 483, 489, 500, 503, 505, 513}) {
    const std::string_view line = status_line(static_cast<std::uint16_t>(code));
    EXPECT_TRUE(line.starts_with("SIP/2.0 " + std::to_string(code) + ' ')) << line;
    EXPECT_TRUE(line.ends_with("\r\n"));
  }
}

TEST(StatusLineDeathTest, StopsOnACodeThatWeNeverSend) { EXPECT_DEATH((void)status_line(std::uint16_t{299}), "no line for"); }

TEST(StatusLine, NamesEveryFault) {
  EXPECT_EQ(status_line(Bad::via_syntax), "SIP/2.0 400 Bad Via\r\n");
  EXPECT_EQ(status_line(Bad::none), "SIP/2.0 400 Bad Request\r\n");
  EXPECT_EQ(status_line(Bad::version), "SIP/2.0 505 Version Not Supported\r\n");
  EXPECT_EQ(status_line(Bad::too_large), "SIP/2.0 513 Message Too Large\r\n");
  for (std::size_t i = 1; i < bad_rows.size(); ++i) EXPECT_NE(status_line(static_cast<Bad>(i)).find(bad_rows[i].phrase), std::string_view::npos);
}

}  // namespace
}  // namespace viaduct::sip
