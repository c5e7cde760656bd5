// SPDX-License-Identifier: Apache-2.0
// The index against the slow reference: on the torture messages, on thousands of made messages, and on the same with octets changed.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "compare.h"
#include "generated.h"
#include "load/nasty.h"
#include "torture.h"

namespace viaduct::sip {
namespace {

constexpr int messages_count = 3000;
constexpr int mutations_count = 6;  // of one message, at the most

/// Change a message as a broken sender would: octets replaced, taken out, doubled, or a piece of another message put in.
std::string mutated(std::string text, const std::string& other, std::mt19937_64& random) {
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  using namespace std::string_view_literals;
  constexpr std::string_view nasty =
      "\r\n\t ,;:\"<>@\\%?[]=/\0\xff"
      "0aZ"sv;
  for (std::size_t i = 1 + below(mutations_count); i > 0; --i) {
    const std::size_t at = below(text.size());
    switch (below(5)) {
      case 0:
        text[at] = nasty[below(nasty.size())];
        break;
      case 1:
        text.erase(at, 1 + below(4));
        break;
      case 2:
        text.insert(at, 1 + below(2), nasty[below(nasty.size())]);
        break;
      case 3:
        text.insert(at, other.substr(below(other.size()), below(60)));
        break;
      case 4:
        text.insert(at, text.substr(below(text.size()), below(60)));
        break;
    }
    if (text.empty()) text.assign(1, 'x');
  }
  return text;
}

/// A block of exactly the text's size, so that a sanitizer sees every octet read outside.
std::string differences(const std::string& text) {
  const std::unique_ptr<char[]> exact(new char[text.size()]);
  std::memcpy(exact.get(), text.data(), text.size());
  return ref::differences({exact.get(), text.size()});
}

TEST(Reference, AgreesOnTheTortureMessages) {
  const auto messages = testing::torture_messages();
  ASSERT_GE(messages.size(), 66U);
  for (const auto& message : messages) EXPECT_EQ(differences(message.text), "") << message.name;
}

TEST(Reference, AgreesOnMadeRequestsAndResponses) {
  testing::Generator generator(1);
  for (int i = 0; i < messages_count; ++i) {
    const std::string request = generator.request();
    ASSERT_EQ(differences(request), "") << request;
    const std::string response = generator.response({generator.via(), generator.via()});
    ASSERT_EQ(differences(response), "") << response;
  }
}

TEST(Reference, AgreesOnBrokenMessages) {
  testing::Generator generator(2);
  std::mt19937_64 random(3);
  std::string other = generator.request();
  for (int i = 0; i < messages_count; ++i) {
    const std::string request = generator.request();
    const std::string broken = mutated(request, other, random);
    ASSERT_EQ(differences(broken), "") << broken;
    other = request;
  }
}

TEST(Reference, AgreesOnTheNastiestMessages) {
  for (const std::size_t bytes : bench::nasty_sizes)
    for (const auto& message : bench::nasty_messages(bytes)) EXPECT_EQ(differences(message.text), "") << message.name;
}

// Everything that is read step by step, with blanks and folds between and quotes that hide them, as many parameters and values as may be and more.
TEST(Reference, AgreesOnListsOfManyPieces) {
  const std::vector<std::string> pieces = {";a", ";a=b", " ; a = b",       "\r\n ;a", ";a=\"\"",  ";a=\"\\\";\"", ";rport", ";branch=1", ";tag", ";tag=1", ";",
                                           ",",  ", ",   "\r\n ,",         ",a",      ",a=\",\"", ",<,>",         "\t",     "\r\n\t",    "\n ",  "\r",     "\"",
                                           "\\", ">",    ",SIP/2.0/UDP b", ";a="};
  std::mt19937_64 random(7);
  for (int i = 0; i < 20 * messages_count; ++i) {
    std::string list;
    const std::size_t kinds = 1 + random() % 3, first = random() % pieces.size();
    for (std::size_t n = random() % 80; n > 0; --n) list += pieces[(first + 5 * (random() % kinds)) % pieces.size()];
    const bool in_via = random() % 2 == 0;
    const std::string message = "REGISTER sip:b SIP/2.0\r\nVia: SIP/2.0/UDP a" + (in_via ? list : "") + "\r\nFrom: <sip:a@b>" + (in_via ? "" : list) +
                                "\r\nTo: <sip:a@b>\r\nCall-ID: a\r\nCSeq: 1 REGISTER\r\n\r\n";
    ASSERT_EQ(differences(message), "") << message;
  }
}

TEST(Reference, AgreesOnEveryPrefixOfAMessage) {
  const auto messages = testing::torture_messages();
  for (const auto& message : messages) {
    if (message.text.size() > 700) continue;
    for (std::size_t bytes = 0; bytes < message.text.size(); ++bytes) {
      const std::string prefix = message.text.substr(0, bytes);
      ASSERT_EQ(differences(prefix), "") << message.name << " cut to " << bytes;
    }
  }
}

// What fuzzing has found: each was once a difference.
TEST(Reference, AgreesThatARequestLineEndsWithALineFeed) {
  EXPECT_EQ(differences("INVITE sip:SIP/2.0UsehB@example.com SIP/2.0\r\x8e"), "");
  EXPECT_EQ(differences("INVITE sip:alice@example.com SIP/2.0\r "), "");
}

TEST(Reference, AgreesThatAMethodHasNoZerosBehindIt) {
  using namespace std::string_view_literals;
  for (const std::size_t zeros : {1, 5, 6, 7, 8})
    for (const char last : "(a \0"sv) {
      const std::string request = "REGISTER" + std::string(zeros, '\0') + last + " sip:example.com SIP/2.0\r\nContact: a\r\n\r\n";
      EXPECT_EQ(differences(request), "") << zeros << ' ' << last;
    }
}

TEST(Reference, AgreesOnLinesThatBeginAsContentLengthAndGoOn) {
  for (const char* lines : {"Content-Lengthcc: 80\r\nContent-Lengthca;rport\r\n", "Content-Lengthc: 8\r\nContent-Lengthc: 9\r\nContent-Length: 0\r\n",
                            "Content-Length: 0\r\nContent-Lengthc\r\n"}) {
    const std::string request = std::string("INVITE sip:user@example.com SIP/2.0\r\nAccept: text/rport\r\n") + lines + "\r\n";
    EXPECT_EQ(differences(request), "") << request;
  }
}

// Names that the table of the index knows, and what is one octet or one bit from them, in the middle of a head and as its last line.
TEST(Reference, AgreesOnNamesThatAreNearlyKnown) {
  for (const std::string name : {"v",
                                 "Via",
                                 "f",
                                 "From",
                                 "t",
                                 "To",
                                 "i",
                                 "Call-ID",
                                 "CSeq",
                                 "Max-Forwards",
                                 "Route",
                                 "Contact",
                                 "l",
                                 "Content-Length",
                                 "Expires",
                                 "Record-Route",
                                 "Path",
                                 "Require",
                                 "Supported",
                                 "User-Agent",
                                 "Allow",
                                 "Allow-Events",
                                 "P-Access-Network-Info",
                                 "P-Asserted-Identity",
                                 "Session-Expires",
                                 "Subscription-State",
                                 "Proxy-Authorization"}) {
    std::vector<std::string> names = {name, name + "s", name + name, name.substr(1), name.substr(0, name.size() - 1)};
    for (std::size_t i = 0; i < name.size(); ++i)
      for (int bit = 0; bit < 8; ++bit) names.push_back(name), names.back()[i] = static_cast<char>(names.back()[i] ^ 1 << bit);
    for (const std::string& one : names)
      for (const char* colon : {": ", ":", " : ", ":  ", ":\t", ""})
        for (const char* before : {"\r\n", "\n", "-\n"})
          for (const char* behind : {"", "Organization: something that is longer than a vector\r\n"}) {
            const std::string request =
                std::string("REGISTER sip:b SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nSubject: something to make it long enough to be read by vectors") + before + one +
                colon + "1\r\n" + behind + "\r\n";
            ASSERT_EQ(differences(request), "") << request;
          }
  }
}

TEST(Reference, AgreesOnBodiesThatEndWithAnEmptyLine) {
  std::string long_body;
  for (int i = 0; i < 140; ++i) long_body += "a: b\r\n";
  testing::Generator generator(11);
  for (int i = 0; i < messages_count / 10; ++i) {
    const std::string request = i % 2 == 0 ? generator.request() : generator.plain_request();
    for (const std::string& body : {std::string("\r\n"), std::string("\n\r\n"), std::string("a\r\n"), std::string("Via: SIP/2.0/UDP b\r\n"),
                                    std::string(" fold\r\n"), std::string("v=0\r\n\r\no=a\r\n"), std::string("To: <sip:b@b>\n"), long_body}) {
      const std::string whole = request + body + "\r\n";
      ASSERT_EQ(differences(whole), "") << whole;
    }
  }
}

TEST(Reference, AgreesThatNoQuotedPairHoldsALineEnd) {
  for (const char* quoted : {R"("J \)", R"("J \\)"}) {
    const std::string from = std::string(quoted) + "\r\n \" <sip:j@example.com>;tag=1";
    const std::string request =
        "OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bKx\r\nFrom: " + from + "\r\nTo: <sip:a@b>\r\nCall-ID: a\r\nCSeq: 1 OPTIONS\r\n\r\n";
    EXPECT_EQ(differences(request), "") << request;
  }
}

}  // namespace
}  // namespace viaduct::sip
